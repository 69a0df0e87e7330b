import json
import random
from pathlib import Path

import pytest

from autoal.people.desk import Desk
from autoal.people.events import LABEL
from autoal.people.tasks import LateError, Reply
from tests.people.made import (
    Clock,
    asked_of,
    correct,
    desk_of,
    doing,
    rows_of,
    say,
    take_back,
)

ROWS = [5, 3, 9, 1]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Ann is asked about four rows."""
    desk = desk_of(tmp_path)
    desk.open(1, asked_of(ROWS))
    return desk


def answered(desk: Desk) -> Desk:
    """Ann has said of all rows that they are cats, and they were handed over."""
    for row in desk.left:
        say(desk, "ann", row)
    desk.hand_over()
    return desk


# One person


def test_rows_come_in_the_order_of_the_question_and_the_next_ones_with_them(
    tmp_path: Path,
) -> None:
    desk = desk_of(tmp_path)
    desk.open(1, asked_of([8, 2, 9, 4, 7, 1, 3]))
    assert rows_of(doing(desk, "ann")) == [8, 2, 9, 4, 7]
    say(desk, "ann", 8)
    assert rows_of(doing(desk, "ann")) == [2, 9, 4, 7, 1]


def test_a_batch_ends_when_every_row_is_answered(desk: Desk) -> None:
    say(desk, "ann", 9, "dog", seconds=1.5)
    say(desk, "ann", 5, None, kind="unsure", seconds=1.0)
    say(desk, "ann", 1, "eel", seconds=2.0)
    assert not desk.complete
    assert desk.left == [3]
    say(desk, "ann", 3, None, kind="broken")
    assert desk.complete
    batch = desk.hand_over()
    assert batch.labels == {9: "dog", 1: "eel"}  # in the order of the question
    assert batch.corrected == {}
    assert batch.people == {"ann": {"labels": 2, "seconds": 4.5}}
    assert desk.phase("ann", doing(desk, "ann")) == "train"


def test_an_answer_that_is_sent_again_does_no_harm(desk: Desk) -> None:
    for label in ("cat", "dog"):
        desk.answer("ann", Reply("same", 5, LABEL, label))
    assert desk.said.labels == {5: "cat"}
    desk.undo("ann", "undo")
    desk.undo("ann", "undo")
    desk.answer("ann", Reply("same", 5, LABEL, "cat"))  # which was taken back since
    assert desk.said.labels == {}


def test_a_row_that_is_not_asked_is_refused(desk: Desk) -> None:
    say(desk, "ann", 5)
    for row in (5, 77):
        with pytest.raises(LateError, match=f"no longer asked about row {row}"):
            say(desk, "ann", row)


def test_what_is_written_says_who_saw_what(desk: Desk, tmp_path: Path) -> None:
    say(desk, "ann", 5, "dog", shown=True, seconds=1.25)
    line = json.loads((tmp_path / "labels.jsonl").read_text())
    assert (line["by"], line["guess"], line["shown"], line["seconds"]) == ("ann", "dog", True, 1.25)
    assert (line["round"], line["row"], line["key"], line["name"]) == (1, 5, "sha256:5", "5.jpg")


# Taking back, and correcting


def test_the_last_answer_can_be_taken_back_and_the_one_before_it(desk: Desk) -> None:
    say(desk, "ann", 5)
    say(desk, "ann", 3, None, kind="unsure")
    take_back(desk, "ann")
    assert rows_of(doing(desk, "ann"))[0] == 3
    take_back(desk, "ann")
    assert rows_of(doing(desk, "ann"))[:2] == [5, 3]
    with pytest.raises(LateError, match="you have nothing to take back"):
        take_back(desk, "ann")
    assert desk.said.labels == {}


def test_the_last_answer_of_a_batch_is_corrected_with_the_next_one(desk: Desk) -> None:
    answered(desk)
    take_back(desk, "ann")
    (task,) = doing(desk, "ann")
    assert (task.row, task.kind, task.label) == (1, "review", "cat")
    say(desk, "ann", 1, "dog")
    assert doing(desk, "ann") == []
    desk.open(2, asked_of([8]))
    say(desk, "ann", 8, "eel")
    batch = desk.hand_over()
    assert (batch.labels, batch.corrected) == ({8: "eel"}, {1: "dog"})
    desk.open(3, asked_of([]))
    assert desk.hand_over().corrected == {}  # which is known by now


def test_a_label_that_is_right_after_all_stays(desk: Desk) -> None:
    answered(desk)
    take_back(desk, "ann")
    count = len(desk.ledger.events)
    say(desk, "ann", 1, "cat")
    assert doing(desk, "ann") == []
    assert len(desk.ledger.events) == count


def test_what_was_set_aside_cannot_be_taken_back(desk: Desk) -> None:
    for row in ROWS:
        say(desk, "ann", row, None, kind="unsure")
    desk.hand_over()
    with pytest.raises(LateError, match=r"1\.jpg was set aside"):
        take_back(desk, "ann")


def test_only_the_class_of_a_row_that_was_handed_over_can_change(desk: Desk) -> None:
    answered(desk)
    take_back(desk, "ann")
    with pytest.raises(LateError, match="only its class can be changed"):
        say(desk, "ann", 1, None, kind="broken")


def test_any_label_can_be_corrected_and_the_correction_taken_back(desk: Desk) -> None:
    answered(desk)
    correct(desk, "ann", 3, "eel")
    assert [task.row for task in desk.agenda.reviews()] == [3, 1, 9, 5]  # the newest first
    assert desk.agenda.reviews()[0].label == "eel"
    take_back(desk, "ann")
    assert desk.said.labels[3] == "cat"
    assert rows_of(doing(desk, "ann")) == [3]
    with pytest.raises(LateError, match="row 77 has no label"):
        correct(desk, "ann", 77, "eel")


def test_a_label_that_was_corrected_is_taken_back_after_its_correction(desk: Desk) -> None:
    say(desk, "ann", 5)
    correct(desk, "ann", 5, "dog")
    take_back(desk, "ann")
    assert doing(desk, "ann")[0].kind == "review"
    take_back(desk, "ann")
    assert rows_of(doing(desk, "ann")) == ROWS
    say(desk, "ann", 5, "eel")
    assert rows_of(doing(desk, "ann")) == ROWS[1:]
    assert desk.said.labels == {5: "eel"}


def test_a_correction_that_is_all_that_is_left_is_taken_back(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, "ann", "ben")
    desk.open(1, asked_of([5]))
    say(desk, "ann", 5)
    correct(desk, "ben", 5, "dog")
    take_back(desk, "ann")
    take_back(desk, "ben")
    assert [(task.row, task.kind) for task in doing(desk, "ben")] == [(5, LABEL)]


def test_a_correction_inside_a_batch_is_the_batchs_answer(desk: Desk) -> None:
    say(desk, "ann", 5)
    correct(desk, "ann", 5, "dog")
    answered(desk)
    assert desk.known[5] == "dog"


# Several people


def test_two_people_never_have_the_same_row(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, "ann", "ben")
    desk.open(1, asked_of(range(12)))
    desk.see("ben", acting=True)
    ann, ben = rows_of(doing(desk, "ann")), rows_of(doing(desk, "ben"))
    assert ann == [0, 1, 2, 3, 4]
    assert ben[:3] == [5, 6, 7]
    with pytest.raises(LateError, match="no longer asked about row 5"):
        say(desk, "ann", 5)


def test_the_last_rows_are_shared(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, "ann", "ben")
    desk.see("ben", acting=True)
    desk.open(1, asked_of(range(4)))
    assert rows_of(doing(desk, "ann")) == [0, 1]
    assert len(doing(desk, "ben")) == 1  # half of what is left, and later the rest
    desk.stop("ben")
    assert rows_of(doing(desk, "ann")) == [0, 1, 2, 3]


def test_whoever_is_away_loses_rows_to_those_who_wait(tmp_path: Path, clock: Clock) -> None:
    desk = desk_of(tmp_path, "ann", "ben", clock=clock)
    desk.open(1, asked_of([5, 3]))
    assert rows_of(doing(desk, "ann")) == [5, 3]
    clock.now += 89
    assert doing(desk, "ben") == []
    assert desk.phase("ben", []) == "wait"
    clock.now += 2
    assert rows_of(doing(desk, "ann")) == [5, 3]  # who is back in time
    clock.now += 91
    assert rows_of(doing(desk, "ben")) == [5, 3]
    with pytest.raises(LateError, match="no longer asked about row 5"):
        say(desk, "ann", 5)


def test_an_answer_that_comes_late_counts_where_nobody_else_was_asked(
    tmp_path: Path, clock: Clock
) -> None:
    desk = desk_of(tmp_path, "ann", "ben", clock=clock)
    desk.open(1, asked_of(ROWS))
    doing(desk, "ann")
    clock.now += 1000
    say(desk, "ann", 5)
    assert desk.said.labels == {5: "cat"}


def test_nobody_takes_back_what_somebody_else_said(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, "ann", "ben")
    desk.open(1, asked_of(ROWS))
    say(desk, "ann", 5)
    with pytest.raises(LateError, match="you have nothing"):
        take_back(desk, "ben")


# Enough for today


def test_a_question_is_deserted_when_all_who_are_there_have_had_enough(
    tmp_path: Path, clock: Clock
) -> None:
    desk = desk_of(tmp_path, "ann", "ben", clock=clock)
    desk.open(1, asked_of(ROWS))
    assert not desk.deserted
    doing(desk, "ann")
    doing(desk, "ben")
    desk.stop("ann")
    assert desk.tasks("ann") == []
    assert desk.phase("ann", []) == "stopped"
    assert not desk.deserted  # by ben
    clock.now += 31
    assert desk.deserted  # since ben's page is closed
    desk.see("ann", acting=True)  # who has thought better of it
    assert not desk.deserted


# Killed at any moment


@pytest.mark.parametrize("seed", range(6))
def test_a_desk_that_is_opened_again_after_any_event_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, seed: int
) -> None:
    rows, people = list(range(20)), ["ann", "ben", "cyd"]
    draw = random.Random(seed)
    desk = desk_of(tmp_path, *people, second=0.5)
    desk.open(1, asked_of(rows))
    while not desk.complete:
        person = draw.choice(people)
        if (tasks := doing(desk, person)) and draw.random() < 0.85:
            task = draw.choice(tasks)
            kind = draw.choice(["label", "label", "label", "unsure"])
            say(
                desk,
                person,
                task.row,
                draw.choice(["cat", "dog"]) if kind == LABEL else None,
                kind=kind,
            )
        elif desk.said.last(person):
            take_back(desk, person)
        again = desk_of(tmp_path, *people, second=0.5)
        again.open(1, asked_of(rows))
        assert again.left == desk.left
        assert again.said.labels == desk.said.labels
        for row in rows:
            kinds = [getattr(d.agenda.task(person, row), "kind", None) for d in (desk, again)]
            assert kinds[0] == kinds[1]
        if draw.random() < 0.3:
            desk = again  # the other one was killed
    assert desk.hand_over() == again.hand_over()
