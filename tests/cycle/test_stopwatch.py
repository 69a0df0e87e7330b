from contextlib import suppress

import pytest

from autoal.cycle import stopwatch
from autoal.cycle.stopwatch import Stopwatch


class Clock:
    """A clock that goes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stopwatch, "perf_counter", clock)
    return clock


def test_phases_are_timed_and_the_time_between_them_counts_in_the_total(clock: Clock) -> None:
    watch = Stopwatch()
    clock.tick(1)
    with watch.phase("train"):
        clock.tick(2)
    clock.tick(4)
    with watch.phase("test"):
        clock.tick(8)
    clock.tick(16)
    assert watch.seconds == {"train": 2, "test": 8}
    assert watch.total == 31


def test_the_outer_phase_stands_still_while_an_inner_one_runs(clock: Clock) -> None:
    watch = Stopwatch()
    with watch.phase("score"):
        clock.tick(1)
        with watch.phase("features"):
            clock.tick(10)
        clock.tick(2)
        with watch.phase("features"):
            clock.tick(20)
    assert watch.seconds == {"score": 3, "features": 30}
    assert watch.total == 33


def test_a_phase_that_comes_again_adds_up(clock: Clock) -> None:
    watch = Stopwatch()
    for _ in range(3):
        with watch.phase("train"):
            clock.tick(2)
    assert watch.seconds["train"] == 6


def test_a_phase_that_never_ran_took_no_time(clock: Clock) -> None:
    watch = Stopwatch()
    clock.tick(5)
    assert watch.seconds["features"] == 0


def test_a_phase_ends_with_an_error_too(clock: Clock) -> None:
    watch = Stopwatch()
    with watch.phase("score"):
        with suppress(RuntimeError), watch.phase("features"):
            clock.tick(1)
            raise RuntimeError("stop")
        clock.tick(2)
    clock.tick(4)
    assert watch.seconds == {"features": 1, "score": 2}
