"""Processes that are killed, and processes that ask the same at once: the server keeps count."""

import subprocess
import sys
from pathlib import Path

from autoal.language.cache import Cache
from tests.language.asks import COUNT, PARALLEL
from tests.language.door import Door, Reply, spoken


def begun(door: Door, cache: Path) -> subprocess.Popen[str]:
    """A process that is ready to ask."""
    command = [sys.executable, "-m", "tests.language.asks", door.url, str(cache)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def told(process: subprocess.Popen[str]) -> list[int]:
    """How many answers it has, how many it paid for, and how many were there."""
    out, err = process.communicate("go\n")
    assert err == ""
    return [int(number) for number in out.split()]


def test_a_process_that_is_killed_goes_on_and_pays_for_none_twice(
    door: Door, tmp_path: Path
) -> None:
    cache = tmp_path / "answers.sqlite"
    victim = begun(door, cache)

    def says(body: object) -> Reply:
        if len(door.bodies) == 8:
            victim.kill()
        return Reply(spoken("yes"))

    door.says = says
    victim.communicate("go\n")
    assert victim.returncode < 0
    answers, paid, cached = told(begun(door, cache))
    assert (answers, paid + cached) == (COUNT, COUNT)
    assert cached >= 8 - PARALLEL
    twice = [count for count in door.counts.values() if count > 1]
    assert len(twice) <= PARALLEL  # what was under way, which nobody had read
    assert sum(door.counts.values()) <= 8 + PARALLEL - 1 + paid
    assert len(door.counts) == Cache(cache).totals()[0].answers == COUNT


def test_two_processes_that_ask_the_same_at_once_pay_once(door: Door, tmp_path: Path) -> None:
    both = [begun(door, tmp_path / "answers.sqlite") for _ in range(2)]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    (some, paid, cached), (others, more, again) = map(told, both)
    assert some == others == COUNT
    assert paid + more == cached + again == COUNT
    assert set(door.counts.values()) == {1}
    assert not list((tmp_path / "answers.locks").iterdir())
