from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from autoal import QueryStrategy, View, from_order, select
from autoal.query.strategy import placed
from autoal.seeding import generator

MakeView = Callable[..., View]


class Fixed(QueryStrategy):
    """Scores by row number, from a table."""

    def __init__(self, table: Tensor) -> None:
        self.table = table

    def score(self, view: View, budget: int) -> Tensor:
        return self.table[view.pool.rows]


class Raw(QueryStrategy):
    """Returns what it was given."""

    def __init__(self, scores: Tensor) -> None:
        self.scores = scores

    def score(self, view: View, budget: int) -> Tensor:
        return self.scores


class Told(Fixed):
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


def test_the_best_rows_are_chosen_and_the_best_comes_first(view_of: MakeView) -> None:
    view = view_of(even(4), rows=torch.tensor([3, 5, 6, 9]))
    table = torch.tensor([9.0, 9, 9, 0.1, 9, 0.7, -2, 9, 9, 0.3])
    assert select(Fixed(table), view, 1).tolist() == [5]
    assert select(Fixed(table), view, 3).tolist() == [5, 9, 3]
    assert select(Fixed(table), view, 4).tolist() == [5, 9, 3, 6]


def test_a_strategy_learns_once_before_it_scores(view_of: MakeView) -> None:
    view, strategy = view_of(even(4)), Told(torch.arange(4.0))
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


def test_the_order_of_the_pool_makes_no_difference(view_of: MakeView) -> None:
    rows = torch.tensor([4, 0, 7, 2, 9, 5])
    strategy = Fixed(torch.tensor([1.0, 0, 1, 0, 2, 1, 0, 1, 0, 0]))  # four rows are tied
    for seed in range(10):
        expected = select(strategy, view_of(even(6), rows=rows, seed=seed), 4).tolist()
        order = torch.randperm(6, generator=generator(seed))
        shuffled = view_of(even(6), rows=rows[order], seed=seed)
        assert select(strategy, shuffled, 4).tolist() == expected


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
def test_scores_of_a_wrong_shape_are_refused(view_of: MakeView, scores: Tensor) -> None:
    with pytest.raises(
        ValueError, match=r"Raw\.score must return one number for each of the 4 rows"
    ):
        select(Raw(scores), view_of(even(4)), 1)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_scores_that_are_not_finite_are_refused(view_of: MakeView, bad: float) -> None:
    scores = torch.tensor([0.0, bad, 1.0, bad])
    with pytest.raises(ValueError, match=f"Raw.score returned {bad} for 2 of 4 rows"):
        select(Raw(scores), view_of(even(4)), 1)


@pytest.mark.parametrize("budget", [-1, 0, 5])
def test_a_budget_that_the_pool_cannot_serve_is_refused(view_of: MakeView, budget: int) -> None:
    strategy = Told(torch.zeros(4))
    with pytest.raises(ValueError, match=f"`budget` must be from 1 to the pool's 4, got {budget}"):
        select(strategy, view_of(even(4)), budget)
    assert strategy.calls == []


def test_a_strategy_without_a_score_cannot_be_made() -> None:
    class Silent(QueryStrategy):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Silent()  # type: ignore[abstract]


def test_picks_come_first_in_their_order_and_the_rest_by_what_it_is_worth() -> None:
    scores = from_order(torch.tensor([3, 0]), torch.tensor([9.0, -2.0, 5.0, 9.0, 1.0]))
    assert scores.argsort(descending=True).tolist() == [3, 0, 2, 4, 1]
    assert scores[[3, 0]].tolist() == [2, 1]
    assert float(scores[2]) < 1


def test_an_order_of_all_rows_or_of_equal_ones_is_finite() -> None:
    assert from_order(torch.tensor([1, 0]), torch.zeros(2)).tolist() == [1, 2]
    assert from_order(torch.tensor([1]), torch.full((3,), 4.0)).tolist() == [0, 1, 0]


def test_what_was_not_seen_is_placed_below_what_was() -> None:
    rest = torch.tensor([0.5, 0.0, 1.0])  # of the rows 3, 0 and 1
    scores = placed([2], rest, torch.tensor([3, 0, 1]), 5)
    assert scores.tolist() == [0.0, 1.0, 0.0, 0.25, 0.0]
