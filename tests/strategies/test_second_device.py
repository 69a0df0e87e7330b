"""Trials on a second device, in a process of their own: torch never forgets a device."""

from tests.launch import Zygote

TRIED = ("tests/strategies/on_second_device.py", "tests/model/on_second_device.py")
# Without a word about modules that are there already.
OPTIONS = (
    "-q",
    "-n",
    "0",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)
TRIALS = "import pytest, sys; sys.exit(pytest.main(sys.argv[1:]))"


def test_all_that_is_tried_on_a_second_device(train: Zygote) -> None:
    done = train.execute(TRIALS, *OPTIONS, *TRIED)
    assert done.code == 0, done.out + done.err
    assert " passed" in done.out
