from dataclasses import replace
from io import StringIO

from rich.console import Console

from autoal import Round
from autoal.model.fitstep import FitStep
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
