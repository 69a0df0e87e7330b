"""Trials on a second device, in a process of their own: torch never forgets a device."""

import subprocess
import sys

from tests.launch import ENVIRONMENT, ROOT

TRIED = ("tests/strategies/on_second_device.py", "tests/model/on_second_device.py")
OPTIONS = ("-q", "-n0", "-p", "no:cacheprovider")


def test_all_that_is_tried_on_a_second_device() -> None:
    """Not in a fork of one that has trained, where torch has counted the devices."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, *TRIED],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
