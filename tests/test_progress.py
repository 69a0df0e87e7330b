"""How far long work has come, told by a clock that stands still unless it is moved."""

import io
import sys

import pytest
import torch
from autoal.strategies.cheating import CheatingOracle
from rich.console import Console
from torch import nn

from autoal import Arrays, Experiment, Plan, TorchLearner, Training, TrueLabels, rounds
from autoal import progress as module
from autoal.progress import Display, bars, bars_on, hidden, lines, progress, shown_by
from autoal.search.autoal import AutoAL
from tests.recorder import Recorder


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def work(display: Display, clock: Clock, seconds: float, count: int = 1000) -> None:
    """A hundred equal parts of work, all of which take so long."""
    with shown_by(display), progress("Patches", count) as advance:
        for _ in range(100):
            clock.now += seconds / 100
            advance(count // 100)


def told(seconds: float) -> list[str]:
    found: list[str] = []
    clock = Clock()
    work(lines(found.append, clock), clock, seconds)
    return found


def test_elsewhere_than_on_a_terminal_there_is_a_line_every_half_minute() -> None:
    assert told(100) == [
        "Patches: 300 of 1,000 rows in 30 s, about 70 s left",
        "Patches: 600 of 1,000 rows in 60 s, about 40 s left",
        "Patches: 900 of 1,000 rows in 90 s, about 10 s left",
    ]


def test_long_times_are_told_in_minutes_and_hours() -> None:
    assert told(5000)[0] == "Patches: 10 of 1,000 rows in 50 s, about 82 min left"
    assert told(20000)[1] == "Patches: 20 of 1,000 rows in 7 min, about 5.4 h left"


@pytest.mark.parametrize("seconds", [0, 29, 30])
def test_what_is_quick_is_done_in_silence(seconds: float) -> None:
    assert not told(seconds)


def on_terminal(seconds: float) -> str:
    clock, text = Clock(), io.StringIO()
    room = bars_on(Console(file=text, width=100, force_terminal=True))
    work(bars(room, clock), clock, seconds)
    room.refresh()
    room.stop()
    assert not room.tasks  # it made room again
    return text.getvalue()


def test_on_a_terminal_there_is_a_bar_for_what_takes_longer() -> None:
    assert "Patches" in on_terminal(10)
    assert "Patches" not in on_terminal(1)


def test_work_that_nobody_began_is_shown_where_errors_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "EVERY", 0)
    with progress("Patches", 2, "pictures") as advance:
        advance(1)
    assert capsys.readouterr().err == "Patches: 1 of 2 pictures in 0 s, about 0 s left\n"


def test_it_has_a_bar_of_its_own_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(module, "SOON", 0)
    with progress("Patches", 8) as advance:
        advance(4)
    assert "Patches" in terminal.getvalue()
    assert "4/8" in terminal.getvalue()


def test_processes_that_follow_show_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    work(hidden, clock, 1000)
    assert capsys.readouterr() == ("", "")


def test_looks_tests_searches_and_tries_tell_all_that_they_do() -> None:
    stream = torch.Generator().manual_seed(0)
    inputs = torch.randn(60, 4, generator=stream)
    labels = (inputs[:, 0] > 0).long()
    data = Arrays((inputs[:40], labels[:40]), test=(inputs[40:], labels[40:]))
    cpu = Training(accelerator="cpu")
    shown = Recorder()
    with shown_by(shown):
        for strategy in (AutoAL(steps=3, rehearsals=2), CheatingOracle(tries=2)):
            learner = TorchLearner(layers, data, training=cpu, steps=2)
            experiment = Experiment(data, learner, strategy, Plan(start=12, budget=4, rounds=1))
            for _ in rounds(experiment, TrueLabels(labels[:40])):
                pass
    assert all(done == count for done, count in shown.done.values())
    assert shown.done["the search"] == (3, 3)
    assert shown.done["the oracle"] == (2, 2)
    assert shown.done["the test"][1] == 2 * 2 * 20 + 2 * 14  # runs, rounds, rows; tries, judges
    assert shown.done["the look at the pool"][1] >= 2 * 28  # rows that are left


def layers() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
