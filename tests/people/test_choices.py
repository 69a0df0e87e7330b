"""People who are offered some of the classes: yes or no, one of some, or none of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Thread

import pytest
import torch

from autoal import Arrays, Question, View
from autoal.errors import UserError
from autoal.people.asked import AskedRow, asked
from autoal.people.desk import Desk
from autoal.people.events import Event, Ledger
from autoal.people.people import People
from autoal.people.server import Server
from autoal.people.tasks import LateError, Outcome, RefusedError
from tests.browser import chromium, opened
from tests.people.made import CLASSES, asked_of, correct, desk_of, doing, event, say, take_back
from tests.people.served import Start
from tests.people.simulated import Simulated
from tests.people.window import Window

PROGRAM = str(chromium())


def offering(rows: Sequence[int], *choices: str) -> list[AskedRow]:
    pixels = torch.full((3, 32, 32), 90, dtype=torch.uint8)
    guess = tuple((name, 0.5 / place) for place, name in enumerate(choices, start=1))
    names = [f"{row}.jpg" for row in rows]
    return [
        AskedRow(row, name, f"sha256:{row}", pixels, guess, "it is near", choices=choices)
        for row, name in zip(rows, names, strict=True)
    ]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Ann is asked whether two rows are cats."""
    desk = desk_of(tmp_path)
    desk.open(1, offering([5, 3], "cat"))
    return desk


def no(desk: Desk, row: int, person: str = "ann") -> None:
    say(desk, person, row, None, kind="none")


def test_a_yes_labels_and_a_no_tells_what_a_row_is_not(desk: Desk, tmp_path: Path) -> None:
    assert [task.choices for task in doing(desk, "ann")] == [("cat",)] * 2
    no(desk, 5)
    say(desk, "ann", 3, "cat", seconds=2.0)
    assert desk.complete
    outcome = desk.hand_over()
    assert (outcome.labels, outcome.ruled_out) == ({3: "cat"}, {5: ("cat",)})
    assert outcome.people == {"ann": {"labels": 1, "seconds": 2.0}}
    kept = [(e.kind, e.label, [*e.choices]) for e in Ledger(tmp_path / "labels.jsonl").events]
    assert kept == [("none", None, ["cat"]), ("label", "cat", ["cat"])]


def test_a_row_of_which_something_is_ruled_out_is_asked_about_again(desk: Desk) -> None:
    no(desk, 5)
    no(desk, 3)
    desk.hand_over()
    desk.open(2, offering([5], "dog"))
    assert [(task.row, task.choices) for task in doing(desk, "ann")] == [(5, ("dog",))]
    say(desk, "ann", 5, "dog")
    assert desk.hand_over().labels == {5: "dog"}


def test_a_label_that_is_left_when_all_others_are_ruled_out_can_be_corrected(
    desk: Desk, tmp_path: Path
) -> None:
    no(desk, 5)
    no(desk, 3)
    desk.hand_over()
    desk.open(2, offering([5], "dog"))
    no(desk, 5)
    outcome = desk.hand_over()
    assert (outcome.labels, outcome.ruled_out) == ({5: "eel"}, {})
    assert [(task.row, task.label) for task in desk.agenda.reviews()] == [(5, "eel")]
    take_back(desk, "ann")  # the model learns it: whether it is right is asked
    (task,) = doing(desk, "ann")
    assert (task.row, task.kind, task.label) == (5, "review", "eel")
    correct(desk, "ann", 5, "dog")
    assert desk.hand_over().corrected == {5: "dog"}
    again = desk_of(tmp_path)
    assert again.said.labels == {5: "dog"}


def test_another_start_goes_on_with_what_was_said(desk: Desk, tmp_path: Path) -> None:
    no(desk, 5)
    again = desk_of(tmp_path)
    again.open(1, offering([5, 3], "cat"))
    assert again.left == [3]
    no(again, 3)
    assert again.hand_over().ruled_out == {5: ("cat",), 3: ("cat",)}


def test_a_no_is_taken_back_until_it_is_handed_over(desk: Desk) -> None:
    no(desk, 5)
    take_back(desk, "ann")
    assert desk.left == [5, 3]
    say(desk, "ann", 5, "cat")
    no(desk, 3)
    assert desk.hand_over().ruled_out == {3: ("cat",)}
    with pytest.raises(LateError, match=r"the model learns what 3.jpg is not"):
        take_back(desk, "ann")


def test_what_was_not_offered_is_no_answer(desk: Desk) -> None:
    with pytest.raises(RefusedError, match="'dog' was not offered, cat was"):
        say(desk, "ann", 5, "dog")
    desk.open(2, asked_of([9]))
    with pytest.raises(RefusedError, match="no classes were offered"):
        no(desk, 9)


def test_whoever_gives_a_second_opinion_is_asked_in_full(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, "ann", "ben", second=1.0)
    desk.open(1, offering([5, 3], "cat"))
    say(desk, "ann", 5, "cat")
    no(desk, 3)
    (task,) = doing(desk, "ben")
    assert (task.row, task.kind, task.choices) == (5, "second", ())


def test_a_line_without_choices_is_as_it_was_and_none_needs_them() -> None:
    assert b"choices" not in event("a").to_line()
    said = Event.from_line(event("a", kind="none", label=None, choices=["cat"], seq=0).to_line())
    assert [*said.choices] == ["cat"]
    with pytest.raises(UserError, match="`choices` are lacking of the kind none"):
        Event.from_line(event("a", kind="none", label=None, seq=0).to_line())


def test_a_class_that_somebody_ruled_out_is_still_needed(desk: Desk, tmp_path: Path) -> None:
    no(desk, 5)
    with pytest.raises(UserError, match=r"line 1: 5.jpg is not 'cat', which is none of the class"):
        Ledger(tmp_path / "labels.jsonl").demand_classes(["dog", "eel"])


def test_the_guess_is_among_the_classes_that_are_offered() -> None:
    question = question_of(torch.tensor([[1], [2]]))
    assert [(one.guess, one.choices) for one in asked(question)] == [
        ((("dog", 0.3),), ("dog",)),
        ((("eel", 0.8),), ("eel",)),
    ]
    (first, _) = asked(question_of(torch.tensor([[1, 2], [2, -1]])))
    assert first.choices == ("dog", "eel")
    assert first.why.endswith("the model hesitates between cat and dog")


def question_of(choices: torch.Tensor) -> Question:
    probs = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    view = View.of(embeddings=torch.zeros(2, 1), probs=probs, classes=3)
    return Question(1, torch.tensor([0, 1]), CLASSES, view=view, choices=choices)


def test_the_oracle_hands_on_what_people_rule_out(tmp_path: Path) -> None:
    inputs = torch.eye(3)
    data = Arrays((inputs, torch.tensor([0, 1, 2])), classes=CLASSES)
    data.setup()
    oracle = People(data, tmp_path, port=0, open=False)

    def answer() -> None:
        while oracle.server is None:
            pass
        url = oracle.server.url(oracle.people[0])
        Simulated(url, lambda task: SAYS[task["choices"][0]]).run()

    Thread(target=answer, daemon=True).start()
    answers = oracle(question_of(torch.tensor([[1], [2]])))
    oracle.close()
    assert (answers.rows.tolist(), answers.labels.tolist()) == ([1], [2])
    assert (answers.ruled_out, oracle.offers) == ({0: (1,)}, True)


SAYS: dict[str, dict[str, str | None]] = {
    "dog": {"kind": "none", "label": None},
    "eel": {"kind": "label", "label": "eel"},
}

# In a real browser


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    if not chromium():
        pytest.skip("no Chromium on PATH or in AUTOAL_CHROMIUM")
    with opened(PROGRAM, tmp_path / "profile") as browser:
        yield Window(browser)


class Engine(Thread):
    """Asks about the rows of one round after the other."""

    def __init__(self, server: Server, *rounds: list[AskedRow]) -> None:
        super().__init__(daemon=True)
        self.server, self.rounds = server, rounds
        self.outcomes: list[Outcome] = []
        self.start()

    def run(self) -> None:
        for number, rows in enumerate(self.rounds, start=1):
            self.outcomes.append(self.server.ask(number, rows, {}))


def test_yes_or_no_by_the_keyboard(server: Start, window: Window) -> None:
    served = server(asked=())
    engine = Engine(served, offering([5, 3], "cat"), offering([5], "dog"))
    window.open(served.url("ann"))
    window.shows("Is it “cat”?", "Yes, cat", "No", "Take the guess: cat")
    rows = [window.answer(key) for key in ("0", "Backspace", "0", "1")]
    window.shows("Is it “dog”?")
    window.press("1")
    window.shows("The model is learning")
    engine.join(timeout=60)
    assert rows == [5, 3, 5, 3]
    assert [outcome.labels for outcome in engine.outcomes] == [{3: "cat"}, {5: "dog"}]
    assert [outcome.ruled_out for outcome in engine.outcomes] == [{5: ("cat",)}, {}]
    assert window.complaints() == []


def test_one_of_some_classes_or_none(server: Start, window: Window) -> None:
    served = server(asked=())
    engine = Engine(served, offering([5, 3, 1], "eel", "cat"), asked_of([9]))
    window.open(served.url("ann"))
    window.shows("Is it one of these?", "eel", "cat", "None of these")
    assert "dog" not in window.text()
    for key in ("2", "0", "Enter"):
        window.answer(key)
    window.shows("dog")  # all classes again
    assert "None of these" not in window.text()
    window.press("2")
    engine.join(timeout=60)
    assert engine.outcomes[0].labels == {5: "cat", 3: "dog", 1: "eel"}  # all else is ruled out
    assert engine.outcomes[0].ruled_out == {}
    assert engine.outcomes[1].labels == {9: "dog"}
    assert window.complaints() == []
