from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from autoal.strategies.cheating import CheatingOracle

from autoal import Answers, Crowd, Noisy, Oracle, Priced, Question, TrueLabels, View
from autoal.data.rows import UNKNOWN
from autoal.errors import UserError
from autoal.oracles.question import Expected, Said, together
from autoal.oracles.turns import Turns
from tests.oracles.made import pairs, question_of, whole

TRUTH = torch.arange(4000) % 3
MANY = list(range(4000))


def saying(*people: dict[int, int]) -> Oracle:
    """People of whom each says what stands here of each row, and declines the others."""

    def oracle(question: Question) -> Answers:
        opinions = people[question.person]
        rows = [row for row in question.rows.tolist() if row in opinions]
        return Answers(whole(rows), whole([opinions[row] for row in rows]), f"{question.person}")

    return oracle


def all_of(*people: dict[int, int], **options: Any) -> Crowd:
    """A crowd of which everybody is asked about each row."""
    return Crowd(saying(*people), people=len(people), votes=len(people), **options)


def after(answers: Answers, rows: list[int], **parts: Any) -> Question:
    """The next question, by somebody who keeps what was said before."""
    return question_of(rows, known=answers, said=answers.said, **parts)


def in_turn(row: int, opinions: list[int]) -> list[dict[int, int]]:
    """People who are asked about a row in the order of these opinions."""
    order = Turns([*map(str, opinions)], 1, "turns", 0, seed=0).orders(torch.tensor([row]))[0]
    by_person = dict(zip(order.tolist(), opinions, strict=True))
    return [{row: by_person[person]} for person in range(len(opinions))]


def test_most_of_the_people_are_right() -> None:
    answers = all_of({1: 0, 2: 1, 3: 2}, {1: 0, 2: 2, 3: 2}, {1: 1, 2: 2, 3: 2})(
        question_of([3, 1, 2])
    )
    assert answers.rows.tolist() == [3, 1, 2]
    assert answers.labels.tolist() == [2, 0, 2]
    assert answers.costs.tolist() == [3, 3, 3]
    assert (answers.by, answers.truth, answers.wrong) == ("3 people", None, None)
    assert answers.said["person 3"] == {1: 1, 2: 2, 3: 2}


@pytest.mark.parametrize(
    ("opinions", "expected"),
    [
        ([2, 1], 2),
        ([1, 2], 1),
        ([2, 1, 0], 2),
        ([0, 1, 1, 0], 0),
        ([1, 0, 0, 1], 1),
        ([2, 0, 1, 0, 1], 0),  # two say 0, two say 1, and the first of them said 0
        ([2, 2, 2, 0, 0, 0, 0], 0),  # four against the first three
        ([2, *[0] * 10, *[1] * 11], 1),
    ],
)
def test_where_as_many_say_something_else_who_was_asked_first_is_right(
    opinions: list[int], expected: int
) -> None:
    assert pairs(all_of(*in_turn(5, opinions))(question_of([5]))) == {5: expected}


def test_a_row_that_some_decline_is_decided_by_the_others_and_paid_for_to_them() -> None:
    answers = all_of({1: 2}, {1: 2, 2: 1}, {1: 0})(question_of([2, 3, 1]))
    assert answers.rows.tolist() == [2, 1]  # all have declined 3
    assert answers.labels.tolist() == [1, 2]
    assert answers.costs.tolist() == [1, 3]


def test_all_people_can_decline_all_rows() -> None:
    answers = all_of({}, {})(question_of([1, 2]))
    assert (len(answers.rows), len(answers.labels), len(answers.costs)) == (0, 0, 0)


def test_each_row_is_asked_of_so_many_people_in_turn() -> None:
    asked: list[tuple[int, int]] = []

    def oracle(question: Question) -> Answers:
        asked.extend((row, question.person) for row in question.rows.tolist())
        return TrueLabels(TRUTH)(question)

    answers = Crowd(oracle, people=5, votes=2)(question_of(MANY[:500]))
    assert len(asked) == len({*asked}) == 1000
    by_person = torch.tensor([person for _, person in asked]).bincount()
    assert by_person.min() > 150  # of 200, with a deviation of 11
    assert answers.cost is not None
    assert answers.cost.tolist() == [2.0] * 500
    assert answers.wrong == 0


def test_nobody_is_asked_about_a_row_twice() -> None:
    crowd = Crowd(saying({1: 0, 2: 1}, {1: 0, 2: 1}, {1: 0, 2: 1}), people=3, votes=2)
    first = crowd(question_of([1]))
    second = crowd(after(first, [1, 2]))
    assert second.costs.tolist() == [0, 2]
    assert all(1 not in told for told in second.said.values())


def test_the_truth_is_known_where_somebody_knows_it_of_every_row_that_was_answered() -> None:
    partly = TrueLabels(torch.tensor([0, -1, 2]))
    answers = Crowd(Noisy(partly, 1.0), people=2, votes=2)(question_of([0, 1, 2]))
    assert answers.rows.tolist() == [0, 2]
    assert answers.truth is not None
    assert answers.truth.tolist() == [0, 2]
    assert answers.wrong == 2


def test_people_that_agree_err_less_often_than_each_of_them() -> None:
    question = question_of(MANY[:2000])
    alone = Noisy(TrueLabels(TRUTH), 0.2)(question)
    together = Crowd(Noisy(TrueLabels(TRUTH), 0.2), people=3, votes=3)(question)
    assert alone.wrong is not None
    assert together.wrong is not None
    # Two of three must be wrong, or all say something else with a wrong one first: of two wrong
    # answers half are the same. 3 x 0.04 x 0.8 x (1/2 + 1/2 x 2/3) + 0.008 = 0.088.
    assert alone.wrong / 2000 == pytest.approx(0.2, abs=0.03)
    assert together.wrong / 2000 == pytest.approx(0.088, abs=0.02)
    assert together.costs.sum() == 6000


@pytest.mark.parametrize("consensus", ["dawid_skene", "one_coin"])
def test_who_is_right_more_often_counts_more_and_is_told(consensus: str) -> None:
    noisy = Noisy(TrueLabels(TRUTH), [0.05, 0.3, 0.4, 0.5, 0.5])
    question = question_of(MANY[:600])
    plain = Crowd(noisy, people=5, votes=5)(question)
    answers = Crowd(noisy, people=5, votes=5, consensus=consensus)(question)
    assert answers.wrong is not None
    assert plain.wrong is not None
    assert answers.wrong < 0.7 * plain.wrong
    told = answers.people["person 1"]
    assert told["labels"] == 600
    assert told["low"] < told["reliability"] < told["high"]
    assert told["reliability"] == pytest.approx(0.95, abs=0.05)
    assert answers.people["person 5"]["reliability"] == pytest.approx(0.5, abs=0.07)


def test_what_is_said_later_corrects_labels_of_earlier_rows() -> None:
    # The first and the second differ on row 1; who is right shows by the third and the rows after.
    order = [*range(1, 12)]
    good, bad = dict.fromkeys(order, 0), {row: int(row % 2 == 1) for row in order}
    crowd = all_of(bad, good, good, consensus="one_coin")
    said: Said = {"person 1": {1: 1}, "person 2": {1: 0}}
    known = Answers(whole([1]), whole([1]))
    answers = crowd(question_of(order[1:], known=known, said=said))
    assert dict(answers.corrected) == {1: 0}
    assert pairs(answers) == dict.fromkeys(order[1:], 0)


def test_a_model_that_did_not_learn_a_row_has_a_say() -> None:
    probs = torch.full((6, 3), 0.02)
    probs[:, 2] = 0.96
    view = View.of(probs=probs, labels=[0, 1, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN], classes=3)
    known = Answers(whole([0, 1]), whole([0, 1]))
    question = question_of(
        [2, 3],
        view=view,
        known=known,
        said={"person 1": {0: 0}, "person 2": {0: 1}},
        expecting=lambda: Expected(torch.tensor([0, 1]), torch.tensor([[0.1, 0.8, 0.1]] * 2)),
    )
    people = {2: 0, 3: 1}, {2: 2, 3: 2}
    assert pairs(all_of(*people, consensus="one_coin")(question)) == {2: 2, 3: 2}
    answers = all_of(*people, consensus="one_coin")(question)
    assert dict(answers.corrected) == {0: 1}


def test_soft_labels_are_what_people_say_together() -> None:
    crowd = all_of({1: 0, 2: 1}, {1: 0, 2: 1}, {1: 1, 2: 1}, soft=True)
    first = crowd(question_of([1]))
    assert first.beliefs == {1: [0.6666667, 0.3333333, 0.0]}
    second = crowd(after(first, [2]))
    assert second.beliefs == {1: [0.6666667, 0.3333333, 0.0], 2: [0.0, 1.0, 0.0]}


def test_the_reliable_are_asked_once_it_shows_who_they_are() -> None:
    rates = [0.05, 0.05, 0.8, 0.8, 0.05]
    crowd = Crowd(Noisy(TrueLabels(TRUTH), rates), people=5, votes=3, ask="ie_thresh")
    first = crowd(question_of(MANY[:100]))
    assert min(len(told) for told in first.said.values()) > 40
    second = crowd(after(first, MANY[100:200]))
    assert {*second.said} == {"person 1", "person 2", "person 5"}


def test_rows_of_known_classes_show_who_is_reliable_and_nothing_else() -> None:
    noisy = Noisy(TrueLabels(TRUTH), [0.0, 1.0])
    crowd = Crowd(noisy, people=2, votes=1, known=30, labels=TRUTH)
    question = question_of([1, 2])
    answers = crowd(question)
    assert answers.rows.tolist() == [1, 2]
    assert answers.people["person 1"]["reliability"] == 1
    assert answers.people["person 2"]["reliability"] == 0
    shown = {row for told in answers.said.values() for row in told} - {1, 2}
    assert 28 <= len(shown) <= 30
    assert answers.spent == 2 * len(shown) + float(answers.costs.sum())
    later = crowd(after(answers, [3]))
    assert {row for told in later.said.values() for row in told} == {3}
    assert not later.corrected


def test_earlier_rows_in_doubt_are_asked_about_before_new_ones_that_are_clear() -> None:
    # Of five rows a model is sure but for row 0, on which the two who were asked differ.
    probs = torch.tensor([[0.4, 0.3, 0.3], *[[0.96, 0.02, 0.02]] * 4, [0.4, 0.35, 0.25]])
    view = View.of(probs=probs, labels=[0, 0, 0, UNKNOWN, UNKNOWN, UNKNOWN], classes=3)
    said = {"person 1": {0: 0, 1: 0, 2: 0}, "person 2": {0: 1, 1: 0, 2: 0}}
    question = question_of(
        [3, 4, 5],
        view=view,
        known=Answers(whole([0, 1, 2]), whole([0, 0, 0])),
        said=said,
        expecting=lambda: Expected(torch.arange(3), probs[:3]),
    )
    people = [dict.fromkeys(range(6), 0), dict.fromkeys(range(6), 0), dict.fromkeys(range(6), 1)]
    answers = Crowd(saying(*people), people=3, votes=2, again=1)(question)
    assert answers.said["person 3"][0] == 1
    assert dict(answers.corrected) in ({}, {0: 1})
    assert answers.paid == {0: 1.0}
    assert answers.later
    assert 5 not in answers.later  # the model doubts it more than the others
    assert {*answers.rows.tolist()} | answers.later == {3, 4, 5}
    without = Crowd(saying(*people), people=3, votes=2)(question)
    assert (without.later, without.paid) == (frozenset(), {})


def test_each_person_has_a_price() -> None:
    answers = all_of({1: 0}, {1: 0}, prices=[1.0, 2.5])(question_of([1]))
    assert answers.costs.tolist() == [3.5]
    inside = Crowd(Priced(saying({1: 0}, {1: 0}), 2.0), people=2, votes=2, prices=[1.0, 2.5])
    assert inside(question_of([1])).costs.tolist() == [7.0]


def test_what_is_said_adds_up() -> None:
    both: Mapping[str, Mapping[int, int]] = together({"a": {1: 0}, "b": {}}, {"a": {2: 1}})
    assert both == {"a": {1: 0, 2: 1}, "b": {}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"votes": 6}, "`votes` must be at most `people`, 5, got 6"),
        ({"votes": 0}, "`votes` must be at least 1, got 0"),
        ({"votes": 1.5}, "`votes` must be a whole number, got 1.5"),
        ({"people": 0}, "`people` must be at least 1 and at most 1,000, got 0"),
        ({"again": -1}, "`again` must be at least 0"),
        ({"known": 3}, "`known` is 3, and only 0 rows have a known class"),
        ({"prices": [1.0]}, "`prices` has 1 entries, and there are 5 people"),
        ({"prices": [1.0, 1, 1, 1, -1]}, "`prices` must be at least 0"),
        ({"consensus": "loudest"}, "consensus 'loudest'"),
        ({"ask": "nobody"}, "ask 'nobody'"),
        ({"oracle": Noisy(TrueLabels(TRUTH), [0.1, 0.2])}, "the answers are from 2 people"),
        ({"strategy": CheatingOracle()}, "CheatingOracle chooses by what true labels lead to"),
    ],
)
def test_a_crowd_that_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises((UserError, ValueError), match=message):
        Crowd(**{"oracle": TrueLabels(TRUTH), **options})
