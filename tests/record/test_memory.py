"""The most memory that a run took."""

import json
from pathlib import Path

import pytest

from autoal.errors import UserError
from autoal.record.folder import RunFolder
from autoal.record.layout import MEMORY
from autoal.record.memory import keep_peaks, peaks, read_peaks


def test_the_process_tells_its_peak() -> None:
    before = peaks()["main"]
    block = b"x" * (64 * 2**20)
    assert peaks()["main"] >= before > 10
    assert block


def test_what_an_earlier_process_took_is_not_forgotten(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", {"seed": 0}) as folder:
        keep_peaks(folder)
        assert read_peaks(folder.path)["main"] == pytest.approx(peaks()["main"], rel=0.1)
        (folder.path / MEMORY).write_text(json.dumps({"main": 1e9, "gpu": 7.0}))
        keep_peaks(folder)
        assert read_peaks(folder.path) == {"main": 1e9, "gpu": 7.0}


def test_another_run_that_takes_the_folder_over_begins_anew(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", {"seed": 0}) as folder:
        keep_peaks(folder)
    with RunFolder(tmp_path / "run", {"seed": 1}) as folder:
        assert read_peaks(folder.path) == {}


@pytest.mark.parametrize("content", ["{", "[1]", '{"main": "much"}', '{"main": 1, "main": 2}'])
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / MEMORY).write_text(content)
    with pytest.raises(UserError):
        read_peaks(tmp_path)
