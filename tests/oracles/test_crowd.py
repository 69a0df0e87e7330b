from collections.abc import Callable
from typing import Any

import pytest
import torch

from autoal import Agreed, Answers, Noisy, Oracle, Priced, Question, TrueLabels
from autoal.testing import check_oracle
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


# Agreed


def test_most_of_the_people_are_right() -> None:
    oracle = Agreed(saying({1: 0, 2: 1, 3: 2}, {1: 0, 2: 2, 3: 2}, {1: 1, 2: 2, 3: 2}), votes=3)
    answers = oracle(question_of([3, 1, 2]))
    assert answers.rows.tolist() == [3, 1, 2]
    assert answers.labels.tolist() == [2, 0, 2]
    assert answers.costs.tolist() == [3, 3, 3]
    assert (answers.by, answers.truth, answers.wrong) == ("3 people", None, None)


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
    people = [{5: opinion} for opinion in opinions]
    assert pairs(Agreed(saying(*people), votes=len(people))(question_of([5]))) == {5: expected}


def test_a_row_that_some_decline_is_decided_by_the_others_and_paid_for_to_them() -> None:
    oracle = Agreed(saying({1: 0}, {1: 2, 2: 1}, {1: 2}), votes=3)
    answers = oracle(question_of([2, 3, 1]))
    assert answers.rows.tolist() == [2, 1]  # all have declined 3
    assert answers.labels.tolist() == [1, 2]
    assert answers.costs.tolist() == [1, 3]


def test_all_people_can_decline_all_rows() -> None:
    answers = Agreed(saying({}, {}), votes=2)(question_of([1, 2]))
    assert (len(answers.rows), len(answers.labels), len(answers.costs)) == (0, 0, 0)


def test_people_may_answer_in_an_order_of_their_own() -> None:
    def backwards(question: Question) -> Answers:
        return TrueLabels(TRUTH)(question).take(torch.arange(len(question.rows)).flip(0))

    answers = Agreed(backwards, votes=2)(question_of([8, 3, 100]))
    assert answers.rows.tolist() == [8, 3, 100]
    assert answers.labels.tolist() == [2, 0, 1]
    assert answers.wrong == 0


def test_each_person_is_asked_once_about_all_rows() -> None:
    asked: list[tuple[int, list[int]]] = []

    def oracle(question: Question) -> Answers:
        asked.append((question.person, question.rows.tolist()))
        return TrueLabels(TRUTH)(question)

    Agreed(oracle, votes=3)(question_of([4, 2]))
    assert asked == [(0, [4, 2]), (1, [4, 2]), (2, [4, 2])]


def test_the_truth_is_known_where_somebody_knows_it_of_every_row_that_was_answered() -> None:
    partly = TrueLabels(torch.tensor([0, -1, 2]))
    answers = Agreed(Noisy(partly, 1.0), votes=2)(question_of([0, 1, 2]))
    assert answers.rows.tolist() == [0, 2]
    assert answers.truth is not None
    assert answers.truth.tolist() == [0, 2]
    assert answers.wrong == 2
    assert Agreed(saying({1: 0}), votes=1)(question_of([1])).truth is None


def test_people_that_agree_err_less_often_than_each_of_them() -> None:
    question = question_of(MANY[:2000])
    alone = Noisy(TrueLabels(TRUTH), 0.2)(question)
    together = Agreed(Noisy(TrueLabels(TRUTH), 0.2), votes=3)(question)
    assert alone.wrong is not None
    assert together.wrong is not None
    # Two of three must be wrong, or all say something else with a wrong one first: of two wrong
    # answers half are the same. 3 x 0.04 x 0.8 x (1/2 + 1/2 x 2/3) + 0.008 = 0.088.
    assert alone.wrong / 2000 == pytest.approx(0.2, abs=0.03)
    assert together.wrong / 2000 == pytest.approx(0.088, abs=0.02)
    assert together.costs.sum() == 6000


@pytest.mark.parametrize(
    ("votes", "message"), [(0, "at least 1, got 0"), (1.5, "a whole number, got 1.5")]
)
def test_a_number_of_votes_that_is_none_is_refused(votes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"`votes` must be {message}"):
        Agreed(TrueLabels(TRUTH), votes)


@pytest.mark.parametrize(
    "build",
    [
        lambda inner: inner,
        lambda inner: Noisy(inner, 0.4),
        lambda inner: Agreed(Noisy(inner, 0.4), votes=3),
        lambda inner: Priced(inner, torch.arange(10.0)),
        lambda inner: Priced(Agreed(Noisy(inner, 0.4), votes=2), 0.5),
    ],
    ids=["truth", "noisy", "agreed", "priced", "all"],
)
def test_oracles_around_oracles_keep_the_promises_of_oracles(
    build: Callable[[Oracle], Oracle],
) -> None:
    known = torch.tensor([0, -1, 2, 1, 1, -1, 0, 2, 2, 0])
    check_oracle(build(TrueLabels(known)), question_of([7, 1, 3, 0, 9, 4]))
