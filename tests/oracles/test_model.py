from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from autoal.strategies.cheating import CheatingOracle
from autoal.strategies.uncertainty import Margin
from torch import Tensor

from autoal import (
    ByModel,
    Noisy,
    Oracle,
    QueryStrategy,
    Question,
    Salutary,
    Scored,
    TrueLabels,
    View,
)
from autoal.errors import UserError
from autoal.query.batch import query
from autoal.query.strategy import Reads
from autoal.testing import check_oracle, make_view
from tests.oracles.made import pairs, question_of

TRUTH = torch.arange(200) % 3


class Parity(QueryStrategy):
    """Labels a place by whether it is odd."""

    reads: Reads = ()
    suggests = True

    def score(self, view: View, budget: int) -> Scored:
        labels = torch.arange(len(view.pool)) % 2
        return Scored(torch.rand(len(labels), generator=view.generator()), {}, labels)


def question_about(view: View, places: list[int], suggested: list[int] | None = None) -> Question:
    """About rows of the pool, by their places."""
    rows = view.pool.rows[torch.tensor(places)].tolist()
    labels = None if suggested is None else torch.tensor(suggested)
    return question_of(rows, view=view, suggested=labels)


def test_a_strategy_labels_the_places_of_the_rows() -> None:
    view = make_view()
    asked = query(Parity(), view, 5)
    places = torch.searchsorted(view.pool.rows, asked.rows)
    question = question_of(asked.rows.tolist(), view=view, suggested=asked.suggested)
    answers = Salutary(TrueLabels(TRUTH), Parity())(question)
    assert torch.equal(answers.rows, asked.rows)
    assert torch.equal(answers.labels, places % 2)
    assert answers.by == "strategy"


def test_the_model_labels_by_what_it_predicts() -> None:
    view, places = make_view(), [7, 0, 3, 21]
    answers = ByModel(TrueLabels(TRUTH), Margin())(question_about(view, places))
    assert answers.rows.tolist() == view.pool.rows[places].tolist()
    assert answers.labels.tolist() == view.pool.logits[places].argmax(1).tolist()
    assert len(set(view.pool.probs.argmax(1).tolist())) > 1
    assert answers.by == "model"


def test_rows_are_found_in_a_pool_among_labelled_rows() -> None:
    labels = torch.full((41,), 0)
    labels[[10, 20, 30, 40]] = -1  # all others are labelled
    probs = torch.zeros(41, 4)
    probs[[10, 20, 30, 40]] = torch.eye(4)
    view = View.of(probs=probs, labels=labels)
    answers = ByModel(TrueLabels(TRUTH))(question_of([40, 10, 30], view=view))
    assert pairs(answers) == {40: 3, 10: 0, 30: 2}


@pytest.mark.parametrize("build", [ByModel, Salutary])
def test_labels_that_nobody_is_asked_for_cost_nothing_and_may_be_wrong(
    build: Callable[..., Oracle],
) -> None:
    view = make_view()
    question = question_about(view, [4, 9, 1], [1, 1, 1])
    answers = build(TrueLabels(TRUTH), labels=TRUTH)(question)
    assert answers.costs.tolist() == [0, 0, 0]
    assert answers.truth is not None
    assert torch.equal(answers.truth, TRUTH[question.rows])
    assert answers.wrong == int((answers.labels != TRUTH[question.rows]).sum())


@pytest.mark.parametrize("build", [ByModel, Salutary])
def test_the_start_is_asked_of_the_oracle(build: Callable[..., Oracle]) -> None:
    answers = build(TrueLabels(TRUTH))(question_of([4, 5], number=0))
    assert pairs(answers) == {4: 1, 5: 2}
    assert (answers.costs.tolist(), answers.wrong) == ([1, 1], 0)


@pytest.mark.parametrize("build", [ByModel, Salutary])
def test_labels_are_given_where_the_truth_is_known_of_some_rows_or_of_none(
    build: Callable[..., Oracle],
) -> None:
    view = make_view()
    question = question_about(view, [4, 9, 1], [1, 1, 1])
    partly = TRUTH.clone()
    partly[question.rows[1]] = -1
    for known in (partly, torch.full_like(TRUTH, -1)):
        answers = build(TrueLabels(known), labels=known)(question)
        assert torch.equal(answers.rows, question.rows)
        assert answers.wrong is None


@pytest.mark.parametrize("build", [ByModel, Salutary])
def test_nobody_is_asked_after_the_start(build: Callable[..., Oracle]) -> None:
    def nobody(question: Question) -> Any:
        raise AssertionError

    question = question_about(make_view(), [4, 9, 1], [1, 1, 1])
    assert build(nobody)(question).wrong is None
    assert build(nobody, labels=TRUTH[:2])(question).wrong is None  # of rows that were made


def test_a_model_around_which_there_is_noise_errs_more() -> None:
    view = make_view()
    question = question_about(view, list(range(60)))
    plain, noisy = ByModel(TrueLabels(TRUTH)), Noisy(ByModel(TrueLabels(TRUTH)), 0.5)
    assert int((plain(question).labels != noisy(question).labels).sum()) > 15
    assert noisy(question).costs.tolist() == [0] * 60


def test_a_strategy_that_gives_no_labels_is_refused_by_name() -> None:
    message = "oracle=salutary needs a strategy that gives labels.*; Margin gives none"
    with pytest.raises(UserError, match=message):
        Salutary(TrueLabels(TRUTH), Margin())
    Salutary(TrueLabels(TRUTH), Parity())
    with pytest.raises(UserError, match=r"needs a strategy that gives labels.*; this one"):
        Salutary(TrueLabels(TRUTH))(question_about(make_view(), [4, 9, 1]))


@pytest.mark.parametrize("build", [ByModel, Salutary])
def test_a_strategy_that_sees_outcomes_is_refused(build: Callable[..., Oracle]) -> None:
    with pytest.raises(UserError, match="CheatingOracle chooses by what true labels lead to"):
        build(TrueLabels(TRUTH), CheatingOracle())


def test_no_labels_are_given_from_labels_of_one_class() -> None:
    view = make_view()
    only = replace(view.labelled, labels=torch.zeros_like(view.labelled.labels))
    question = question_about(replace(view, labelled=only), [4, 9], [0, 0])
    with pytest.raises(UserError, match=r"all 12 labelled rows are of one class.*larger start="):
        Salutary(TrueLabels(TRUTH))(question)


def test_a_model_answers_the_same_whenever_it_is_asked() -> None:
    view = make_view()
    oracle = ByModel(TrueLabels(TRUTH))

    def labels(places: list[int]) -> Tensor:
        return oracle(question_about(view, places)).labels

    assert torch.equal(labels([3, 8, 2])[[0, 2]], labels([3, 2]))


@pytest.mark.parametrize("build", [ByModel, Salutary])
def test_labels_that_nobody_is_asked_for_keep_the_promises_of_oracles(
    build: Callable[..., Oracle],
) -> None:
    question = question_about(make_view(), [4, 9, 1, 30], [1, 1, 0, 2])
    check_oracle(build(TrueLabels(TRUTH)), question)
