"""Trials on a second device, in a process of their own: torch never forgets a device."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TRIED = ("tests/strategies/on_second_device.py", "tests/model/on_second_device.py")


def test_all_that_is_tried_on_a_second_device() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *TRIED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
