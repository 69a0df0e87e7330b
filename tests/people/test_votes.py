"""Several people are asked about each row of the page, and agree on its label."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from autoal import Question
from autoal.oracles.question import Expected
from autoal.people.agreeing import agreeing
from autoal.people.deciding import deciding
from autoal.people.desk import Desk
from autoal.people.said import Agreement, Opinion, Opinions
from tests.people.made import (
    CLASSES,
    asked_of,
    correct,
    desk_of,
    doing,
    rows_of,
    say,
    take_back,
)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Three of four people are asked about every row."""
    desk = desk_of(tmp_path, "ann", "ben", "cyd", "dan", votes=3)
    desk.open(1, asked_of([5, 3]))
    return desk


def most(opinions: Opinions, decided: Mapping[int, str]) -> Agreement:
    """The majority's labels."""
    labels = {
        row: Counter(label for _, label in given).most_common(1)[0][0]
        for row, given in opinions.items()
    }
    return Agreement(labels, {"ben": {"reliability": 0.5}})


def all_say(desk: Desk, row: int, **labels: str) -> None:
    for person, label in labels.items():
        say(desk, person, row, label)


# Who is asked


def test_a_question_is_answered_once_so_many_people_have_spoken_of_each_row(desk: Desk) -> None:
    all_say(desk, 5, ann="cat", ben="cat")
    all_say(desk, 3, ann="cat", ben="cat", cyd="cat")
    assert desk.left == [5]
    assert doing(desk, "ann") == doing(desk, "ben") == []
    assert desk.phase("ann", []) == "wait"
    (task,) = doing(desk, "dan")
    assert (task.row, task.kind, task.blind) == (5, "second", True)
    say(desk, "dan", 5)
    assert desk.complete
    assert [doing(desk, person) for person in desk.people] == [[], [], [], []]


def test_a_row_comes_in_the_order_of_the_question_whoever_has_spoken_of_it(desk: Desk) -> None:
    say(desk, "ann", 5)
    assert rows_of(doing(desk, "ben"))[0] == 5


def test_whoever_declines_was_asked_and_the_others_label_the_row(desk: Desk) -> None:
    for row in (5, 3):
        say(desk, "ann", row, None, kind="unsure")
        say(desk, "ben", row, None, kind="broken")
    say(desk, "cyd", 5, "dog")
    say(desk, "cyd", 3, None, kind="unsure")
    assert desk.complete
    assert desk.hand_over(most).labels == {5: "dog"}
    assert doing(desk, "dan") == []


def test_one_more_is_asked_about_a_share_of_the_rows_which_nobody_waits_for(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, "ann", "ben", "cyd", votes=2, second=1.0)
    desk.open(1, asked_of([5]))
    all_say(desk, 5, ann="cat", ben="cat")
    assert desk.complete
    assert [task.kind for task in doing(desk, "cyd")] == ["second"]


# What counts


def test_what_people_agree_on_counts_and_how_reliable_each_is_told(desk: Desk) -> None:
    all_say(desk, 5, ann="cat", ben="dog", cyd="dog")
    all_say(desk, 3, ann="eel", ben="eel", cyd="eel")
    outcome = desk.hand_over(most)
    assert (outcome.labels, outcome.corrected) == ({5: "dog", 3: "eel"}, {})
    assert outcome.people["ben"] == {"labels": 2, "seconds": 0.0, "reliability": 0.5}
    assert outcome.people["ann"] == {"labels": 2, "seconds": 0.0}
    assert desk.agenda.review(5).label == "dog"


def test_what_is_said_later_corrects_what_was_agreed_on(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, "ann", "ben", "cyd", votes=2, second=1.0)
    desk.open(1, asked_of([5]))
    all_say(desk, 5, ann="cat", ben="dog")
    assert desk.hand_over(most).labels == {5: "cat"}  # of a tie the first
    say(desk, "cyd", 5, "dog")
    assert desk.said.labels == {5: "cat"}  # which is learnt, until the next model
    desk.open(2, asked_of([]))
    assert desk.hand_over(most).corrected == {5: "dog"}


def test_a_decision_counts_above_what_people_agree_on(desk: Desk) -> None:
    all_say(desk, 5, ann="cat", ben="dog", cyd="dog")
    all_say(desk, 3, ann="cat", ben="cat", cyd="cat")
    desk.hand_over(most)
    correct(desk, "dan", 5, "eel")
    desk.open(2, asked_of([]))
    assert desk.hand_over(most).corrected == {5: "eel"}
    take_back(desk, "dan")
    assert desk.said.labels[5] == "dog"
    assert desk.hand_over(most).corrected == {5: "dog"}


def test_somebody_decides_where_as_many_say_one_thing_as_another(desk: Desk) -> None:
    all_say(desk, 5, ann="cat", ben="dog", cyd="dog")  # most of them say dog
    all_say(desk, 3, ann="cat", ben="dog", cyd="eel")
    (task,) = doing(desk, "dan")
    assert (task.row, task.kind) == (3, "adjudicate")
    assert [*task.opinions] == [("ann", "cat"), ("ben", "dog"), ("cyd", "eel")]
    say(desk, "dan", 3, "eel")
    assert desk.hand_over(most).labels == {5: "dog", 3: "eel"}


def test_a_vote_is_taken_back_and_asked_for_anew(desk: Desk) -> None:
    all_say(desk, 5, ann="cat", ben="dog", cyd="dog")
    all_say(desk, 3, ann="cat", ben="cat", cyd="cat")
    take_back(desk, "cyd")
    assert desk.left == [3]
    say(desk, "cyd", 3)
    desk.hand_over(most)
    take_back(desk, "cyd")  # of what the model learns
    assert desk.said.labels == {5: "dog", 3: "cat"}
    assert rows_of(doing(desk, "cyd")) == [3]


def test_another_start_knows_what_was_agreed_on(desk: Desk, tmp_path: Path) -> None:
    all_say(desk, 5, ann="cat", ben="dog", cyd="dog")
    say(desk, "ann", 3, "cat")
    again = desk_of(tmp_path, *desk.people, votes=3)
    again.open(1, asked_of([5, 3]))
    assert again.left == [3]
    again.said.settle({5: "dog", 3: "eel"})  # of which only one person spoke
    assert again.said.labels == {5: "dog", 3: "cat"}


def test_the_event_behind_a_label_is_the_first_that_says_what_was_agreed_on(
    desk: Desk, tmp_path: Path
) -> None:
    all_say(desk, 5, ann="cat", ben="dog", cyd="dog")
    say(desk, "ann", 3, "cat")
    path = tmp_path / "labels.jsonl"
    found = deciding(path, {5: "dog", 3: "dog"})
    assert {row: (event.by, event.label) for row, event in found.items()} == {
        5: ("ben", "dog"),
        3: ("ann", "cat"),
    }
    assert [*deciding(path, {5: "eel"})] == [3]  # nobody said so by himself


# How people agree


def question_of(**parts: object) -> Question:
    return Question(1, torch.tensor([4]), CLASSES, **parts)  # type: ignore[arg-type]


def opinions_of(*rows: str) -> Opinions:
    """The votes of ann, ben and cyd on the rows from 0 on, by first letters; ben answers first."""
    names = {label[0]: label for label in CLASSES}
    return {
        row: [Opinion(by, names[said[place]]) for by, place in (("ben", 1), ("ann", 0), ("cyd", 2))]
        for row, said in enumerate(rows)
    }


def test_a_majority_decides_and_of_a_tie_whoever_spoke_first() -> None:
    found = agreeing(question_of(), "majority")(opinions_of("ccd", "ddd", "ced"), {})
    assert found.labels == {0: "cat", 1: "dog", 2: "eel"}
    shares = {name: told["reliability"] for name, told in found.people.items()}
    assert shares == {"ann": 0.666667, "ben": 1.0, "cyd": 0.333333}


def test_how_reliable_people_are_shows_in_what_was_decided() -> None:
    found = agreeing(question_of(), "majority")(opinions_of("ccd", "ddd", "ced"), {2: "cat"})
    assert found.labels == {0: "cat", 1: "dog", 2: "cat"}
    shares = {name: told["reliability"] for name, told in found.people.items()}
    assert shares == {"ann": 1.0, "ben": 0.666667, "cyd": 0.333333}


def test_who_alone_never_takes_dogs_for_cats_outweighs_two_who_do() -> None:
    opinions = opinions_of(*["ccc"] * 3, *["ddc"] * 4, *["dcd"] * 2, "dcc")
    assert agreeing(question_of(), "majority")(opinions, {}).labels[9] == "cat"
    assert agreeing(question_of(), "dawid_skene")(opinions, {}).labels[9] == "dog"


def test_the_model_is_believed_beside_one_coin_people() -> None:
    looked: list[int] = []

    def expecting() -> Expected:
        looked.append(1)
        return Expected(torch.tensor([0]), torch.tensor([[0.01, 0.01, 0.98]]))

    question = question_of(expecting=expecting)
    said = {0: [Opinion("ann", "cat"), Opinion("ben", "eel")]}
    assert agreeing(question, "majority")(said, {}).labels == {0: "cat"}
    assert not looked
    agree = agreeing(question, "one_coin")
    assert looked == [1]  # before anybody is asked
    assert agree(said, {}).labels == {0: "eel"}
    assert looked == [1]


def test_nobody_agrees_where_nobody_spoke_beside_another() -> None:
    assert agreeing(question_of(), "dawid_skene")({}, {}) == Agreement({}, {})
