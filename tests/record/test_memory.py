"""The most memory that a run took."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autoal.record.folder import RunFolder
from autoal.record.layout import MEMORY
from autoal.record.memory import keep_peaks, peaks, read_peaks


def test_a_process_tells_its_own_peak_and_not_that_of_who_started_it() -> None:
    before = peaks()["main"]
    block = b"x" * int((before + 200) * 2**20)
    assert peaks()["main"] > before + 200
    script = "from autoal.record.memory import peaks; print(peaks()['main'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert 10 < float(done.stdout) < len(block) / 2**20 / 2


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


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[1]", b'{"main": "much"}', b'{"main": 1, "main": 2}']
)
def test_a_broken_file_is_as_none_and_made_again(tmp_path: Path, content: bytes) -> None:
    with RunFolder(tmp_path / "run", {"seed": 0}) as folder:
        (folder.path / MEMORY).write_bytes(content)
        assert read_peaks(folder.path) == {}
        keep_peaks(folder)
        assert read_peaks(folder.path)["main"] > 0
