from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from autoal import Answers, Crowd, Noisy, Oracle, Priced, Question, TrueLabels
from autoal.costs.by_answer import ByClass, BySource
from autoal.costs.by_row import ByRow
from autoal.costs.learned import Learned
from autoal.costs.units import SECONDS
from autoal.errors import UserError
from autoal.testing import check_oracle
from tests.oracles.made import pairs, question_of, whole

TRUTH = torch.arange(4000) % 3


def half_by_machine(question: Question) -> Answers:
    """Every second answer is a language model's, which takes a tenth for it."""
    machine = torch.arange(len(question.rows)) % 2 == 1
    cost = torch.where(machine, 0.1, 1.0)
    return replace(TrueLabels(TRUTH)(question), machine=machine, cost=cost)


def test_an_answer_costs_what_it_is_said_to_cost() -> None:
    flat = Priced(TrueLabels(TRUTH), 2.5)(question_of([9, 4]))
    assert flat.costs.tolist() == [2.5, 2.5]
    by_row = Priced(TrueLabels(TRUTH), torch.arange(4000.0))(question_of([9, 4]))
    assert by_row.costs.tolist() == [9.0, 4.0]
    assert (pairs(by_row), by_row.wrong) == ({9: 0, 4: 1}, 0)


@pytest.mark.parametrize("costs", [[1.0, 2.0, 4.0], np.array([1, 2, 4]), torch.tensor([1, 2, 4])])
def test_prices_come_in_whatever_form(costs: Any) -> None:
    priced = Priced(TrueLabels(TRUTH), costs)
    assert priced(question_of([2, 1])).costs.tolist() == [4.0, 2.0]
    with pytest.raises(UserError, match="row 3 has no price: there are only 3"):
        priced(question_of([1, 3]))


@pytest.mark.parametrize(
    "around", [lambda inner: Noisy(inner, 0), lambda inner: Crowd(inner, people=2, votes=2)]
)
def test_what_answers_with_a_list_may_stand_inside(around: Callable[[Oracle], Oracle]) -> None:
    listed = around(lambda question: [2, None])
    assert pairs(Priced(listed, 1.0)(question_of([9, 4]))) == {9: 2}


def test_prices_multiply_what_is_bought_more_than_once() -> None:
    many = Crowd(Noisy(TrueLabels(TRUTH), 0.2), people=3, votes=3)
    inside = Crowd(Priced(TrueLabels(TRUTH), 2.0), people=3, votes=3)
    assert Priced(many, 2.0)(question_of([1, 2])).costs.tolist() == [6, 6]
    assert inside(question_of([1, 2])).costs.tolist() == [6, 6]


@pytest.mark.parametrize("build", [lambda inner: Priced(inner, 2.0), lambda inner: Noisy(inner, 0)])
def test_a_row_that_is_declined_is_declined_whatever_is_around(
    build: Callable[[Oracle], Oracle],
) -> None:
    answers = build(TrueLabels(torch.tensor([0, -1, 2])))(question_of([1, 2]))
    assert pairs(answers) == {2: 2}


def test_a_language_model_is_paid_for_its_tokens_or_has_a_price_of_its_own() -> None:
    question = question_of([9, 4, 7])
    by_tokens = Priced(half_by_machine, BySource(people=2.0))(question)
    torch.testing.assert_close(by_tokens.costs, torch.tensor([2.0, 0.1, 2.0]).double())
    flat = Priced(half_by_machine, BySource(people=2.0, model=0.5))(question)
    assert flat.costs.tolist() == [2.0, 0.5, 2.0]


def test_a_class_is_paid_for_by_the_answer() -> None:
    wrong = Priced(Noisy(TrueLabels(TRUTH), 1.0), ByClass([1.0, 2.0, 4.0]))(question_of([9, 4, 8]))
    assert wrong.costs.tolist() == [[1.0, 2.0, 4.0][label] for label in wrong.labels.tolist()]
    assert wrong.wrong == 3


def test_seconds_are_told_by_row_and_a_language_model_takes_nobodys() -> None:
    costs = ByRow(torch.arange(4000.0), SECONDS)
    assert Priced(TrueLabels(TRUTH), costs)(question_of([9, 4])).timed == {9: 9.0, 4: 4.0}
    assert Priced(half_by_machine, costs)(question_of([9, 4])).timed == {9: 9.0, 4: 0.0}
    assert not Priced(TrueLabels(TRUTH), 3.0)(question_of([9, 4])).timed


@pytest.mark.parametrize(
    "build",
    [
        lambda inner: inner,
        lambda inner: Noisy(inner, 0.4),
        lambda inner: Crowd(Noisy(inner, 0.4), people=5, votes=3),
        lambda inner: Priced(inner, torch.arange(10.0)),
        lambda inner: Priced(Crowd(Noisy(inner, 0.4), people=2, votes=2), 0.5),
    ],
    ids=["truth", "noisy", "crowd", "priced", "all"],
)
def test_oracles_around_oracles_keep_the_promises_of_oracles(
    build: Callable[[Oracle], Oracle],
) -> None:
    known = torch.tensor([0, -1, 2, 1, 1, -1, 0, 2, 2, 0])
    check_oracle(build(TrueLabels(known)), question_of([7, 1, 3, 0, 9, 4]))


def test_answers_that_gave_no_label_are_paid_as_the_share_of_one_that_they_are() -> None:
    def ruling_out(question: Question) -> Answers:
        return Answers(whole([9]), whole([0]), ruled_out={4: (1,), 2: (0,)}, paid={4: 0.5})

    costs = ByRow(torch.arange(4000.0), SECONDS)
    answers = Priced(ruling_out, costs)(question_of([9, 4, 2]))
    assert (answers.costs.tolist(), answers.paid) == ([9.0], {4: 2.0, 2: 2.0})
    assert answers.timed == {9: 9.0, 4: 2.0, 2: 2.0}


def test_the_seconds_of_people_are_what_they_are_whatever_they_said_in_them() -> None:
    def answering(question: Question) -> Answers:
        seconds = {9: 3.0, 4: 1.5}
        return Answers(
            whole([9]), whole([0]), cost=torch.tensor([0.5]), paid={4: 0.5}, timed=seconds
        )

    answers = Priced(answering, Learned())(question_of([9, 4]))
    assert (answers.costs.tolist(), answers.paid) == ([3.0], {4: 1.5})
    assert answers.spent == 4.5


@pytest.mark.parametrize("rows", [[9, 4], []])
def test_what_is_asked_beside_rows_costs_its_share_of_their_mean_price(rows: list[int]) -> None:
    """Also where the rows are free, or nobody could label one."""

    def beside(question: Question) -> Answers:
        free = torch.zeros(len(rows), dtype=torch.float64)
        return Answers(whole(rows), whole([0] * len(rows)), cost=free, beside=0.5)

    answers = Priced(beside, ByRow(torch.arange(4000.0)))(question_of([9, 4, 2]))
    assert answers.beside == 2.5
    assert sum(answers.costs.tolist()) == 0


def test_labels_at_no_cost_go_with_prices() -> None:
    def free(question: Question) -> Answers:
        return Answers(question.rows, TRUTH[question.rows], cost=torch.zeros(len(question.rows)))

    answers = Priced(free, ByRow(torch.arange(4000.0)))(question_of([9, 4]))
    assert (answers.costs.tolist(), answers.beside) == ([0.0, 0.0], 0.0)
