import platform

import torch

from autoal.record.versions import versions


def test_versions_are_those_that_run() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    assert torch.__version__.startswith(found["torch"])
    assert found["threads"] == torch.get_num_threads()
