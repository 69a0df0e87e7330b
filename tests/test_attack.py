"""The attack on the program finds nothing in a few of its attempts."""

import subprocess
import sys

from tests.launch import ENVIRONMENT, ROOT


def test_some_of_every_file_and_folder_are_answered_well() -> None:
    kinds = ("archives", "tables", "folders")
    command = [sys.executable, "-m", "benchmarks.attack", *kinds, "--share", "0.02"]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No faults." in done.stdout
