import re
from dataclasses import replace
from io import StringIO
from pathlib import Path
from time import time
from typing import Any

import pytest
from rich.console import Console

from autoal import Round
from autoal.model.fitstep import FitStep
from autoal.record import terminal as terminal_module
from autoal.record.sweep import Sweep
from autoal.record.terminal import Terminal


def play(terminal: Terminal, history: list[Round]) -> None:
    for done in history:
        terminal.begin(done.number)
        terminal.step(FitStep(step=2, steps=3, epoch=1, loss=0.25, learning_rate=0.1))
        terminal.end(done)
    terminal.close()


def test_piped_output_is_one_plain_line_a_round(history: list[Round]) -> None:
    text = StringIO()
    play(Terminal(Console(file=text, width=100), "run", rounds=1), history)
    assert text.getvalue().splitlines() == [
        "run  round 0 of 1  labelled 2  accuracy 0.5000  1.5 s",
        "run  round 1 of 1  labelled 4  accuracy 0.7500  1.5 s",
    ]


def test_a_terminal_shows_the_round_the_accuracy_so_far_and_the_epoch(
    history: list[Round],
) -> None:
    text = StringIO()
    console = Console(file=text, width=160, force_terminal=True)
    terminal = Terminal(console, "run", rounds=2, history=history[:1])
    terminal.begin(1)
    terminal.step(FitStep(step=2, steps=3, epoch=7, loss=0.25, learning_rate=0.1))
    terminal.close()
    shown = text.getvalue()
    assert "round 1 of 2" in shown
    assert "labelled 2  accuracy 0.5000" in shown
    assert "epoch 7, loss 0.250" in shown
    assert "1/3" in shown  # rounds done, of the start and two more
    assert "2/3" in shown  # steps


def test_a_sweep_on_a_terminal_shows_its_runs_and_lists_no_rounds(
    history: list[Round], tmp_path: Path
) -> None:
    done = tmp_path / "done.txt"
    done.write_bytes(b"/runs/first\n/runs/second\n")
    text = StringIO()
    console = Console(file=text, width=160, force_terminal=True)
    sweep = Sweep(7, done, since=time() - 120)
    play(Terminal(console, "run", rounds=1, sweep=sweep), history)
    assert "2/7" in text.getvalue()
    assert "runs done, about 5 min left" in text.getvalue()  # a minute for each of five
    assert "1.5 s" not in text.getvalue()  # the end of a round's line
    done.unlink()  # as when its command was killed
    play(Terminal(console, "run", rounds=1, sweep=sweep), history)


def test_processes_that_share_a_terminal_have_no_displays(
    history: list[Round], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal_module, "parent_process", lambda: "the command")
    text = StringIO()
    console = Console(file=text, width=160, force_terminal=True)
    play(Terminal(console, "run", rounds=1, sweep=Sweep(7, tmp_path / "done.txt", 0.0)), history)
    assert text.getvalue() == ""  # the end of the run is told elsewhere


def test_labels_that_nobody_was_asked_for_are_told(history: list[Round]) -> None:
    text = StringIO()
    given = [
        replace(each, bought=0, wrong=wrong) for each, wrong in zip(history, (1, None), strict=True)
    ]
    play(Terminal(Console(file=text, width=100), "run", rounds=1), given)
    assert text.getvalue().splitlines() == [
        "run  round 0 of 1  labelled 2  accuracy 0.5000  2 labels given unasked, 1 wrong  1.5 s",
        "run  round 1 of 1  labelled 4  accuracy 0.7500  2 labels given unasked  1.5 s",
    ]


def test_what_is_known_of_rows_without_a_label_is_told(history: list[Round]) -> None:
    text = StringIO()
    first = replace(history[0], bought=1)
    second = replace(history[1], ruled_out={7: [0], 8: [1]}, cost=2.5)
    play(Terminal(Console(file=text, width=100), "run", rounds=1), [first, second])
    one, two = text.getvalue().splitlines()
    assert "  1 labels given unasked  " in one
    assert "  cost 2.5  classes of 2 rows ruled out  " in two


def test_a_round_without_a_test_set_is_told_without_its_accuracy(history: list[Round]) -> None:
    text = StringIO()
    untested = [replace(each, metrics={}) for each in history]
    play(Terminal(Console(file=text, width=100), "run", rounds=1), untested)
    assert text.getvalue().splitlines() == [
        "run  round 0 of 1  labelled 2  1.5 s",
        "run  round 1 of 1  labelled 4  1.5 s",
    ]


def test_a_display_goes_on_after_rounds_without_a_test_set(history: list[Round]) -> None:
    text = StringIO()
    console = Console(file=text, width=160, force_terminal=True)
    untested = [replace(each, metrics={}) for each in history]
    terminal = Terminal(console, "run", rounds=1, history=untested[:1])
    play(terminal, untested[1:])
    assert "labelled 2" in text.getvalue()


def test_rows_that_nobody_would_label_are_no_labels_given_unasked(history: list[Round]) -> None:
    text = StringIO()
    declined = replace(history[0], queried=[0], labels=[0], bought=1, declined=[1])
    play(Terminal(Console(file=text, width=100), "run", rounds=1), [declined])
    assert "unasked" not in text.getvalue()


ADVICE = {"rule": "kappa", "value": 0.995, "reason": "the models agree"}


def advised(history: list[Round], *stops: dict[str, Any]) -> list[Round]:
    """A round for each of these, with what a rule said after it."""
    return [replace(history[0], number=number, stop=stop) for number, stop in enumerate(stops)]


@pytest.mark.parametrize("width", [40, 200])
def test_advice_to_stop_is_told_in_a_line_when_it_is_new(history: list[Round], width: int) -> None:
    text = StringIO()
    done = advised(history, {"rule": "kappa", "value": 0.9}, ADVICE, ADVICE, {}, ADVICE)
    play(Terminal(Console(file=text, width=width), "run", rounds=4), done)
    lines = text.getvalue().splitlines()
    line = "run  kappa advises to stop: the models agree"
    assert [number for number, found in enumerate(lines) if found == line] == [2, 6]
    assert len(lines) == 7


def test_advice_that_was_told_before_is_not_told_again(history: list[Round]) -> None:
    text = StringIO()
    first, second = advised(history, ADVICE, ADVICE)
    play(Terminal(Console(file=text, width=100), "run", rounds=1, history=[first]), [second])
    assert "advises" not in text.getvalue()


def test_a_display_tells_advice_too_and_a_rule_may_have_no_name(history: list[Round]) -> None:
    text = StringIO()
    console = Console(file=text, width=160, force_terminal=True)
    play(Terminal(console, "run", rounds=1), advised(history, {"reason": "it is late"}))
    assert "run  a rule advises to stop: it is late" in text.getvalue()


def test_it_is_told_how_many_labels_a_language_model_gave(history: list[Round]) -> None:
    text = StringIO()
    people = {"smol": {"calls": 3}}
    mixed = replace(history[0], labels=[0, 1], machine=[1], by="ann", people=people, wrong=1)
    again = replace(
        history[1], machine=[1, 2, 3], amended={1: 0}, by="smol", people=people, wrong=None
    )
    play(Terminal(Console(file=text, width=100), "run", rounds=1), [mixed, again])
    assert text.getvalue().splitlines() == [
        "run  round 0 of 1  labelled 2  accuracy 0.5000  1 by ann, 1 by smol, 1 wrong  1.5 s",
        "run  round 1 of 1  labelled 4  accuracy 0.7500  2 by smol, 1 given anew  1.5 s",
    ]


def test_wrong_labels_and_the_reliability_of_people_are_told(history: list[Round]) -> None:
    people: dict[str, Any] = {"ann": {"labels": 2, "reliability": 0.954}, "ben": {"labels": 1}}
    asked = [replace(history[0], wrong=1, people=people), replace(history[1], wrong=0)]
    text = StringIO()
    play(Terminal(Console(file=text, width=100), "run", rounds=1), asked)
    assert text.getvalue().splitlines() == [
        "run  round 0 of 1  labelled 2  accuracy 0.5000  1 wrong, ann 95%  1.5 s",
        "run  round 1 of 1  labelled 4  accuracy 0.7500  1.5 s",
    ]


def test_long_training_and_other_long_work_have_lines_where_output_is_piped(
    history: list[Round],
) -> None:
    text, seconds = StringIO(), iter((0.0, 0.0, 40.0, 45.0, 50.0, 90.0))
    terminal = Terminal(Console(file=text, width=100), "run", rounds=1, clock=lambda: next(seconds))
    terminal.begin(1)
    for step in (1, 20, 21):  # at 0, 40 and 45 seconds
        terminal.step(FitStep(step=step, steps=100, epoch=1, loss=0.25, learning_rate=0.1))
    with terminal.work("the search", 4, "steps") as advance:  # from 50 to 90
        advance(1)
    terminal.end(history[1])
    assert text.getvalue().splitlines() == [
        "run  round 1 of 1, training: 20 of 100 steps in 40 s, about 3 min left",
        "run  round 1 of 1, the search: 1 of 4 steps in 40 s, about 2 min left",
        "run  round 1 of 1  labelled 4  accuracy 0.7500  1.5 s",
    ]


def test_counts_and_the_time_left_are_whole_beside_a_long_name(history: list[Round]) -> None:
    text, seconds = StringIO(), iter((0.0, 5.0))
    console = Console(file=text, width=80, force_terminal=True)
    terminal = Terminal(console, 9 * "name-", 5, history, clock=lambda: next(seconds))
    terminal.begin(3)
    for step in (1000, 3000):  # the first tells no time
        terminal.step(FitStep(step, steps=9375, epoch=17, loss=0.25, learning_rate=0.1))
    with terminal.work("the look at the pool", 50_000, "rows") as advance:
        advance(12_000)
    terminal.close()
    shown = text.getvalue()
    assert "3000/9375" in shown
    assert "12000/50000" in shown
    assert re.search(r"\d:\d\d:\d\d", shown)
    assert "-:--:--" not in shown
    assert "epoch 17, loss 0.250" in shown


def test_long_work_has_a_bar_of_its_own_in_the_display(history: list[Round]) -> None:
    text, seconds = StringIO(), iter((0.0, 5.0))
    console = Console(file=text, width=160, force_terminal=True)
    terminal = Terminal(console, "run", rounds=2, clock=lambda: next(seconds))
    terminal.begin(1)
    with terminal.work("the search", 12, "steps") as advance:
        advance(7)
        terminal.end(history[0])
    terminal.close()
    assert "the search" in text.getvalue()
    assert "7/12" in text.getvalue()
