from pathlib import Path

import numpy as np
import pytest
from autoal.datamodules.store import decoded

from autoal.data.cache import NamedArrays


def test_arrays_are_decoded_once_for_each_content_and_option(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("a")
    calls = []

    def decode() -> NamedArrays:
        calls.append(1)
        return {"x": np.arange(5), "y": np.zeros((2, 3), dtype=np.uint8)}

    for _ in range(2):
        arrays = decoded([source], "option", decode)
        assert arrays["x"].tolist() == [0, 1, 2, 3, 4]
        assert arrays["y"].shape == (2, 3)
    assert len(calls) == 1
    decoded([source], "other option", decode)
    assert len(calls) == 2
    source.write_text("another content")
    decoded([source], "option", decode)
    assert len(calls) == 3


def test_what_is_read_can_be_changed_without_harm(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("a")
    decoded([source], "", lambda: {"x": np.zeros(3)})["x"][:] = 1
    assert decoded([source], "", lambda: {"x": np.ones(3)})["x"].tolist() == [0, 0, 0]


def test_a_cache_that_cannot_be_written_only_costs_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.write_text("a")
    monkeypatch.setenv("XDG_CACHE_HOME", str(source))
    assert decoded([source], "", lambda: {"x": np.arange(2)})["x"].tolist() == [0, 1]


def test_a_decoding_that_fails_keeps_nothing(tmp_path: Path, cache: Path) -> None:
    source = tmp_path / "source"
    source.write_text("a")

    def fail() -> NamedArrays:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        decoded([source], "", fail)
    assert not (cache / "decoded").exists() or not list((cache / "decoded").iterdir())
