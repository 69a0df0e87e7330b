"""The attack on the program finds nothing in a few of its attempts."""

from tests.launch import Zygote

ATTACK = """
import runpy
runpy.run_module("benchmarks.attack", run_name="__main__", alter_sys=True)
"""


def test_some_of_every_file_and_folder_are_answered_well(train: Zygote) -> None:
    done = train.execute(ATTACK, "archives", "tables", "folders", "--share", "0.02")
    assert done.code == 0, done.out + done.err
    assert "No faults." in done.out
