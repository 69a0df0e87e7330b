from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from autoal import QueryStrategy, Scored, View, select
from autoal.query.batch import best_first, query
from autoal.query.strategy import as_scored

MakeView = Callable[..., View]


class Fixed(QueryStrategy):
    """Scores by row number, from a table."""

    def __init__(self, table: Tensor) -> None:
        self.table = table

    def score(self, view: View, budget: int) -> Tensor:
        return self.table[view.pool.rows]


class Raw(QueryStrategy):
    """Returns what it was given."""

    def __init__(self, answer: Tensor | Scored) -> None:
        self.answer = answer

    def score(self, view: View, budget: int) -> Tensor | Scored:
        return self.answer


class Recording(Fixed):
    """Keeps a record of what it was asked."""

    def __init__(self, table: Tensor) -> None:
        super().__init__(table)
        self.calls: list[object] = []

    def fit(self, view: View) -> None:
        self.calls.append(("fit", view))

    def score(self, view: View, budget: int) -> Tensor:
        self.calls.append(("score", view, budget))
        return super().score(view, budget)


def even(count: int) -> Tensor:
    return torch.full((count, 2), 0.5)


def pool_of(*rows: int) -> View:
    """A view of ten rows, of which only these are in the pool."""
    labels = torch.zeros(10)
    labels[list(rows)] = -1
    return View.of(probs=even(10), labels=labels)


def test_the_best_rows_are_chosen_and_the_best_comes_first() -> None:
    view = pool_of(3, 5, 6, 9)
    table = torch.tensor([9.0, 9, 9, 0.1, 9, 0.7, -2, 9, 9, 0.3])
    assert select(Fixed(table), view, 1).tolist() == [5]
    assert select(Fixed(table), view, 3).tolist() == [5, 9, 3]
    assert select(Fixed(table), view, 4).tolist() == [5, 9, 3, 6]


def test_a_strategy_learns_once_before_it_scores(view_of: MakeView) -> None:
    view, strategy = view_of(even(4)), Recording(torch.arange(4.0))
    select(strategy, view, 2)
    assert strategy.calls == [("fit", view), ("score", view, 2)]


def test_ties_are_broken_by_the_seed_and_not_by_the_place(view_of: MakeView) -> None:
    strategy = Fixed(torch.zeros(20))
    batches = [tuple(select(strategy, view_of(even(20), seed=s), 3).tolist()) for s in range(200)]
    assert batches[0] == tuple(select(strategy, view_of(even(20), seed=0), 3).tolist())
    assert len(set(batches)) > 150
    counts = torch.tensor(batches).flatten().bincount(minlength=20)
    assert int(counts.min()) > 5  # 30 expected, with a standard deviation of 5
    assert int(counts.max()) < 55


def test_a_tie_at_the_edge_of_the_batch_does_not_push_out_a_better_row(view_of: MakeView) -> None:
    strategy = Fixed(torch.tensor([1.0, 1, 2, 1, 1]))
    for seed in range(20):
        chosen = select(strategy, view_of(even(5), seed=seed), 3).tolist()
        assert chosen[0] == 2
        assert len(set(chosen)) == 3


def test_the_global_stream_is_neither_read_nor_moved(view_of: MakeView) -> None:
    strategy, view = Fixed(torch.zeros(20)), view_of(even(20))
    torch.manual_seed(1)
    first = select(strategy, view, 5).tolist()
    after = torch.rand(2)
    torch.manual_seed(2)
    assert select(strategy, view, 5).tolist() == first
    torch.manual_seed(1)
    assert torch.equal(torch.rand(2), after)


def test_scores_may_carry_a_gradient_or_be_whole_numbers(view_of: MakeView) -> None:
    scores = torch.tensor([1.0, 3.0, 2.0], requires_grad=True)
    assert select(Raw(scores), view_of(even(3)), 2).tolist() == [1, 2]
    assert select(Raw(torch.tensor([1, 3, 2])), view_of(even(3)), 2).tolist() == [1, 2]


@pytest.mark.parametrize(
    "scores",
    [torch.zeros(3), torch.zeros(5), torch.zeros(4, 1), torch.zeros(1, 4), torch.zeros(())],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_scores_of_a_wrong_shape_are_refused(
    view_of: MakeView, scores: Tensor, wrapped: bool
) -> None:
    answer = Scored(scores) if wrapped else scores
    with pytest.raises(
        ValueError, match=r"Raw\.score must return one number for each of the 4 rows"
    ):
        select(Raw(answer), view_of(even(4)), 1)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_scores_that_are_not_finite_are_refused(view_of: MakeView, bad: float) -> None:
    scores = torch.tensor([0.0, bad, 1.0, bad])
    for answer in (scores, Scored(scores)):
        with pytest.raises(ValueError, match=f"Raw.score returned {bad} for 2 of 4 rows"):
            select(Raw(answer), view_of(even(4)), 1)


@pytest.mark.parametrize("budget", [-1, 0, 5])
def test_a_budget_that_the_pool_cannot_serve_is_refused(view_of: MakeView, budget: int) -> None:
    strategy = Recording(torch.zeros(4))
    with pytest.raises(ValueError, match=f"`budget` must be from 1 to the pool's 4, got {budget}"):
        select(strategy, view_of(even(4)), budget)
    assert strategy.calls == []


def test_a_query_gives_rows_notes_and_the_labels_of_these_rows() -> None:
    scores, labels = torch.tensor([0.0, 3.0, 1.0, 2.0]), torch.tensor([0, 1, 1, 0])
    found = query(Raw(Scored(scores, {"sure": 0.5}, labels)), pool_of(3, 5, 6, 9), 3)
    assert found.rows.tolist() == [5, 9, 6]
    assert found.notes == {"sure": 0.5}
    assert found.suggested is not None
    assert found.suggested.tolist() == [1, 0, 1]
    assert select(Raw(Scored(scores)), pool_of(3, 5, 6, 9), 3).tolist() == [5, 9, 6]


def test_a_strategy_may_say_nothing_beside_its_scores() -> None:
    for answer in (torch.arange(4.0), Scored(torch.arange(4.0))):
        found = query(Raw(answer), pool_of(3, 5, 6, 9), 2)
        assert found.rows.tolist() == [9, 6]
        assert found.notes == {}
        assert found.suggested is None
        assert torch.equal(as_scored(answer).scores, torch.arange(4.0))


@pytest.mark.parametrize("size", [3, 9])
def test_labels_that_are_not_one_for_each_row_of_the_pool_are_refused(size: int) -> None:
    answer = Scored(torch.arange(4.0), {}, torch.zeros(size, dtype=torch.long))
    with pytest.raises(ValueError, match="Raw"):
        query(Raw(answer), pool_of(3, 5, 6, 9), 2)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([1.0, 2.0], r"Raw\.score must give its scores as a Tensor, got list"),
        (None, r"Raw\.score must give its scores as a Tensor, got NoneType"),
        (Scored(torch.zeros(6), {}, [0] * 6), r"must give its labels as a Tensor, got list"),  # type: ignore[arg-type]
        (Scored(torch.zeros(6), {"a": torch.ones(2)}), "notes that JSON cannot express.*Tensor"),
    ],
    ids=["list", "nothing", "labels", "notes"],
)
def test_what_is_no_answer_of_a_strategy_is_refused(answer: Any, message: str) -> None:
    view = View.of(torch.zeros(6, 2), probs=torch.full((6, 2), 0.5))
    with pytest.raises(ValueError, match=message):
        query(Raw(answer), view, 2)


def test_the_notes_of_a_query_are_a_copy() -> None:
    notes = {"k": 1}
    found = query(Raw(Scored(torch.zeros(4), notes)), pool_of(3, 5, 6, 9), 1)
    found.notes["k"] = 2
    assert notes == {"k": 1}


def test_the_rows_that_a_query_takes_lead_the_order_of_all() -> None:
    view, scores = pool_of(3, 5, 6, 9), torch.tensor([1.0, 0.0, 1.0, 1.0])
    order = best_first(scores, view)
    assert sorted(order.tolist()) == [0, 1, 2, 3]
    assert int(order[-1]) == 1
    assert torch.equal(select(Raw(scores), view, 2), view.pool.rows[order[:2]])
