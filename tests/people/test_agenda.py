from pathlib import Path

import pytest

from autoal.people.desk import Desk
from tests.people.made import GUESS, asked_of, desk_of, doing, say, take_back


@pytest.fixture
def three(tmp_path: Path) -> Desk:
    """Three people, and every row is shown to two of them."""
    desk = desk_of(tmp_path, "ann", "ben", "cyd", second=1.0)
    desk.open(1, asked_of([5]))
    return desk


@pytest.mark.parametrize("guess", [(), GUESS])
def test_no_guess_is_shown_where_there_is_none_or_it_is_not_wanted(
    tmp_path: Path, guess: object
) -> None:
    desk = desk_of(tmp_path, guess=not guess)
    desk.open(0, asked_of([5, 3], guess))
    assert all(task.blind for task in doing(desk, "ann"))
    say(desk, "ann", 5, shown=True)
    assert not desk.ledger.events[-1].shown


def test_a_share_of_the_rows_is_shown_to_a_second_person_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda file: None)  # of hundreds of answers
    desk = desk_of(tmp_path, "ann", "ben", second=0.1)
    desk.open(1, asked_of(range(400)))
    for row in range(400):
        say(desk, "ann", row)
    desk.hand_over()
    wanted = sum(desk.agenda.task("ben", row) is not None for row in range(400))
    assert 25 < wanted < 55  # a deviation of 6
    alone = desk_of(tmp_path, "ann", second=0.1)
    alone.open(1, asked_of(range(400)))
    assert doing(alone, "ann") == []


def test_a_second_opinion_is_blind_and_fills_the_time_of_training(three: Desk) -> None:
    say(three, "ann", 5, "cat")
    assert doing(three, "ann") == []
    (task,) = doing(three, "ben")
    assert (task.kind, task.blind, task.label, task.opinions) == ("second", True, None, ())
    three.hand_over()
    assert [task.kind for task in doing(three, "ben")] == ["second"]
    say(three, "ben", 5, "cat", shown=True)
    assert not three.ledger.events[-1].shown
    assert [doing(three, person) for person in ("ann", "ben", "cyd")] == [[], [], []]


def test_second_opinions_that_are_left_come_before_the_next_question(three: Desk) -> None:
    say(three, "ann", 5)
    three.hand_over()
    three.open(2, asked_of([8, 9]))
    task, *_ = doing(three, "ben")
    assert (task.row, task.kind, task.round) == (5, "second", 1)


def test_a_third_person_decides_where_two_disagree(three: Desk) -> None:
    say(three, "ann", 5, "cat")
    three.hand_over()
    say(three, "ben", 5, "dog")
    assert three.said.labels == {5: "cat"}  # as long as nobody has decided
    assert doing(three, "ann") == doing(three, "ben") == []
    (task,) = doing(three, "cyd")
    assert (task.kind, task.blind) == ("adjudicate", True)
    assert [*task.opinions] == [("ann", "cat"), ("ben", "dog")]
    say(three, "cyd", 5, "dog")
    assert three.ledger.events[-1].kind == "adjudicate"
    assert doing(three, "cyd") == []
    three.open(2, asked_of([]))
    assert three.hand_over().corrected == {5: "dog"}


def test_of_two_people_anybody_decides_without_being_told_who_said_what(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, "ann", "ben", second=1.0)
    desk.open(1, asked_of([5]))
    say(desk, "ann", 5, "dog")
    say(desk, "ben", 5, "cat")
    (task,) = doing(desk, "ben")
    assert [*task.opinions] == [("", "cat"), ("", "dog")]
    say(desk, "ben", 5, None, kind="unsure")
    assert doing(desk, "ben") == []  # who could not decide
    assert [task.kind for task in doing(desk, "ann")] == ["adjudicate"]


def test_a_first_answer_that_is_taken_back_makes_the_second_the_first(three: Desk) -> None:
    say(three, "ann", 5, "cat")
    say(three, "ben", 5, "dog")
    take_back(three, "ann")
    assert three.said.labels == {5: "dog"}
    (task,) = doing(three, "ann")
    assert (task.row, task.kind) == (5, "second")


def test_a_label_of_whoever_came_second_stays_once_the_model_learns_it(three: Desk) -> None:
    say(three, "ann", 5, None, kind="unsure")
    say(three, "ben", 5, "dog")
    assert three.hand_over().labels == {5: "dog"}
    take_back(three, "ben")
    assert three.said.labels == {5: "dog"}
    (task,) = doing(three, "ben")
    assert (task.row, task.kind) == (5, "review")
