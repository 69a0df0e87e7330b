from contextlib import suppress

from autoal.cycle.stopwatch import Stopwatch
from tests.cycle.made import Clock


def test_phases_are_timed_and_the_time_between_them_counts_in_the_total(clock: Clock) -> None:
    watch = Stopwatch()
    with watch.running():
        clock.tick(1)
        with watch.phase("train"):
            clock.tick(2)
        clock.tick(4)
        with watch.phase("test"):
            clock.tick(8)
        clock.tick(16)
        assert watch.total == 31  # up to now
    assert watch.seconds == {"train": 2, "test": 8}
    assert watch.total == 31


def test_the_outer_phase_stands_still_while_an_inner_one_runs(clock: Clock) -> None:
    watch = Stopwatch()
    with watch.running(), watch.phase("score"):
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
        with watch.running(), watch.phase("train"):
            clock.tick(2)
    assert watch.seconds["train"] == 6


def test_a_phase_that_never_ran_took_no_time(clock: Clock) -> None:
    watch = Stopwatch()
    clock.tick(5)
    assert watch.seconds["features"] == 0


def test_a_phase_ends_with_an_error_too(clock: Clock) -> None:
    watch = Stopwatch()
    with watch.running(), watch.phase("score"):
        with suppress(RuntimeError), watch.phase("features"):
            clock.tick(1)
            raise RuntimeError("stop")
        clock.tick(2)
    clock.tick(4)
    assert watch.seconds == {"features": 1, "score": 2}


def test_a_watch_that_does_not_run_counts_nothing(clock: Clock) -> None:
    watch = Stopwatch()
    clock.tick(1)
    with watch.running():
        clock.tick(2)
    clock.tick(4)
    with watch.running(), watch.phase("train"):
        clock.tick(8)
    clock.tick(16)
    assert watch.total == 10
    assert watch.seconds == {"train": 8}


def test_a_watch_stops_with_an_error_too(clock: Clock) -> None:
    watch = Stopwatch()
    with suppress(RuntimeError), watch.running():
        clock.tick(1)
        raise RuntimeError("stop")
    clock.tick(2)
    assert watch.total == 1


def test_what_happens_in_a_pause_counts_nowhere(clock: Clock) -> None:
    watch = Stopwatch()
    with watch.running(), watch.phase("score"):
        clock.tick(1)
        with watch.paused():
            clock.tick(10)
            with watch.phase("features"):
                clock.tick(100)
        clock.tick(2)
    assert watch.seconds == {"score": 3}
    assert watch.total == 3
