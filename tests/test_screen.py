import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.launch import ENVIRONMENT, ROOT

UNREAD = 128 + signal.SIGPIPE


def unread(*command: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command whose output nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as out:
        return subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env={**ENVIRONMENT, "PYTHONUNBUFFERED": ""},  # argparse hides what fails without
            stdout=out,
            stderr=subprocess.PIPE,
        )


@pytest.mark.parametrize(
    "command",
    [
        ("train.py", "--version"),
        ("train.py", "--help"),
        ("-m", "autoal.strategies", "random"),
        *(("-m", f"autoal.{name}", "--help") for name in ("report", "predict", "dashboard")),
    ],
    ids=" ".join,
)
def test_a_command_ends_quietly_if_the_reader_of_its_output_goes(command: tuple[str, ...]) -> None:
    done = unread(*command)
    assert (done.returncode, done.stderr) == (UNREAD, b"")


def test_a_run_whose_reader_goes_is_stopped_and_loses_nothing(tmp_path: Path) -> None:
    options = ("data=digits", "task=logistic", "strategy=random", "logger=none", "rounds=1")
    done = unread("train.py", *options, f"out={tmp_path}")
    assert done.returncode == UNREAD
    told = done.stderr.decode()
    assert told.startswith("\nstopped by SIGPIPE; what was finished is safe")
    assert len(told.splitlines()) == 3
    folder = tmp_path / "digits-logistic-random-0"
    assert not (folder / "error.txt").exists()
    assert len((folder / "rounds.jsonl").read_text().splitlines()) == 1
