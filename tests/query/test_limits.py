from typing import Any

import pytest
import torch
from torch import Tensor

from autoal import Features, QueryStrategy, Scored, View
from autoal.query.batch import Part, query
from autoal.query.limits import LOOKED_AT, Apart, Basket, Limits, spacing
from autoal.query.strategy import ranks

ORDER = torch.tensor([3, 0, 4, 1, 2])
PRICES = torch.tensor([2.0, 1.0, 9.0, 4.0, 3.0])


class Table(QueryStrategy):
    """Scores by row number, and remembers how many rows it was asked for."""

    def __init__(self, scores: list[float], labels: Tensor | None = None) -> None:
        self.table = torch.tensor(scores)
        self.labels = labels
        self.budget = 0

    def score(self, view: View, budget: int) -> Scored:
        self.budget = budget
        return Scored(self.table[view.pool.rows], labels=self.labels)


class Sized(Table):
    """Whose scores are shares already."""

    def votes(self, scores: Tensor, classes: int) -> Tensor:
        return scores


def pool_of(count: int, **facts: Any) -> View:
    return View.of(probs=torch.full((count, 2), 0.5), labels=[-1] * count, **facts)


def lying(embeddings: Tensor) -> Features:
    """The rows of a pool, where they lie."""
    return View.of(embeddings, labels=[-1] * len(embeddings)).pool


def taken(view: View, limits: Limits, order: Tensor = ORDER) -> list[int]:
    return Basket(view, limits.apart).fill(order, torch.arange(len(order)), limits).tolist()


@pytest.mark.parametrize(
    ("spend", "most", "rows"),
    [
        (7.0, 0, [3, 0, 1]),  # 4 + 2, where 3 fits no more, and 1 does
        (6.5, 0, [3, 0]),
        (19.0, 0, [3, 0, 4, 1, 2]),
        (3.5, 0, [0, 1]),  # the best does not fit, and others do
        (0.5, 100, [3]),  # nothing fits: at least one row, the best
        (0.5, 2.5, [0]),  # that fits into what is left of all
        (-8.0, 2.5, [0]),  # after a round that was dearer than it was expected to be
        (0.5, 0.9, []),
    ],
)
def test_a_batch_is_filled_best_first_with_what_still_fits(
    spend: float, most: float, rows: list[int]
) -> None:
    assert taken(pool_of(5), Limits(2, spend, PRICES, most)) == rows


def test_a_sum_of_costs_is_not_spoilt_by_rounding() -> None:
    prices = torch.full((5,), 0.1, dtype=torch.float64)
    assert len(taken(pool_of(5), Limits(2, 0.3, prices))) == 3


def test_without_prices_rows_are_counted() -> None:
    assert taken(pool_of(5), Limits(2)) == [3, 0]
    assert query(Table([1, 2, 3.0]), pool_of(3), 2).rows.tolist() == [2, 1]


def test_rows_are_ranked_by_their_worth_for_what_they_cost() -> None:
    """By hand: .9 / 3, .8 / 1, .4 / .5 and .3 / .1 are .3, .8, .8 and 3."""
    view = pool_of(4, costs=[3.0, 1.0, 0.5, 0.1])
    votes = Sized([0.9, 0.8, 0.4, 0.3])
    assert query(votes, view, 3).rows.tolist() == [0, 1, 2]
    for_cost = query(votes, view, Limits(3, per_cost=True)).rows.tolist()
    assert (for_cost[0], sorted(for_cost)) == (3, [1, 2, 3])
    filled = Limits(1, 1.0, torch.tensor([3.0, 1.0, 0.5, 0.1]), 5.0, per_cost=True)
    assert query(votes, view, filled).rows.tolist()[-1] in (1, 2)


def test_scores_without_a_scale_are_ranked_by_their_ranks() -> None:
    scores, costs = [5.0, -7.0, 100.0, 6.0], torch.tensor([1.0, 0.1, 9.0, 2.0])
    found = query(Table(scores), pool_of(4, costs=costs), Limits(4, per_cost=True)).rows
    assert found.tolist() == (ranks(torch.tensor(scores)) / costs).argsort(descending=True).tolist()


def test_what_is_free_comes_first_and_best_first() -> None:
    view = pool_of(4, costs=[0.0, 1e-6, 0.0, 5.0])
    found = query(Table([1.0, 3, 2, 4]), view, Limits(4, per_cost=True)).rows
    assert found.tolist() == [2, 0, 1, 3]


def test_where_all_cost_the_same_the_order_stays() -> None:
    found = query(Table([1.0, 3, 2, 4]), pool_of(4), Limits(4, per_cost=True)).rows
    assert found.tolist() == [3, 1, 2, 0]


def test_near_duplicates_are_never_twice_in_a_batch() -> None:
    """Pairs that lie .01 apart, the pairs 1 apart, of which the first ones score highest."""
    embeddings = [[pair + step, 0.0] for pair in (0.0, 1.0, 2.0) for step in (0.0, 0.01)]
    view = View.of(embeddings, probs=torch.full((6, 2), 0.5), labels=[-1] * 6)
    strategy = Table([6.0, 5, 4, 3, 2, 1])
    assert query(strategy, view, 3).rows.tolist() == [0, 1, 2]
    assert query(strategy, view, Limits(3, apart=0.5)).rows.tolist() == [0, 1, 2]  # of .01
    assert query(strategy, view, Limits(3, apart=1.5)).rows.tolist() == [0, 2, 4]
    assert query(strategy, view, Limits(5, apart=1.5)).rows.tolist() == [0, 2, 4]  # no more


def test_equal_rows_are_never_apart() -> None:
    embeddings = torch.tensor([[1.0, 2.0]] * 3 + [[5.0, 2.0], [9.0, 2.0]])
    view = View.of(embeddings, probs=torch.full((5, 2), 0.5), labels=[-1] * 5)
    found = query(Table([5.0, 4, 3, 2, 1]), view, Limits(4, apart=1e-6)).rows
    assert found.tolist() == [0, 3, 4]
    same = View.of(embeddings[:3], probs=torch.full((3, 2), 0.5), labels=[-1] * 3)
    assert query(Table([1.0, 2, 3]), same, Limits(2, apart=1.0)).rows.tolist() == [2]


def test_the_unit_of_distances_is_that_to_the_nearest_neighbour_at_any_scale() -> None:
    rows = torch.tensor([[0.0], [1.0], [3.0], [3.0], [7.0], [15.0]])
    assert (
        spacing(lying(rows), torch.arange(6)) == 2.0
    )  # of 1, 1, 2, 2, 4, 8: equal rows do not count
    assert spacing(lying(100 * rows), torch.arange(6)) == 200.0
    assert spacing(lying(rows[:1]), torch.arange(1)) == 0.0


def test_rows_are_held_against_those_that_joined_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def distances(first: Tensor, second: Tensor, **how: Any) -> Tensor:
        compared.append(len(first) * len(second))
        return torch.zeros(len(first), len(second)) + 9

    monkeypatch.setattr("autoal.query.limits.torch.cdist", distances)
    view = View.of(torch.rand(3000, 2), probs=torch.full((3000, 2), 0.5), labels=[-1] * 3000)
    query(Table([1.0] * 3000), view, Limits(10, apart=0.5))
    assert compared == [LOOKED_AT * 3000, *range(10)]


def test_parts_of_a_pool_share_what_may_be_spent_and_lie_apart_from_each_other() -> None:
    embeddings = torch.tensor([[0.0], [1.0], [2.0], [3.0], [0.1], [5.0]])
    prices = torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    view = View.of(embeddings, probs=torch.full((6, 2), 0.5), labels=[-1] * 6)
    parts = [Part(torch.arange(4), 2), Part(torch.tensor([4, 5]), 1)]
    limits = Limits(3, 3.0, prices, 9.0, apart=0.5)
    assert query(Table([6.0, 5, 4, 3, 9, 1]), view, limits, parts).rows.tolist() == [0, 1, 5]


def test_what_a_strategy_suggests_goes_with_the_rows_that_are_taken() -> None:
    strategy = Table([5.0, 4, 3], labels=torch.tensor([0, 1, 1]))
    limits = Limits(2, 2.0, torch.tensor([9.0, 1.0, 1.0]))
    found = query(strategy, pool_of(3), limits)
    assert found.suggested is not None
    assert (found.rows.tolist(), found.suggested.tolist()) == ([1, 2], [1, 1])


def test_whoever_joins_is_too_near_for_itself() -> None:
    apart = Apart(lying(torch.tensor([[0.0], [3.0]])), 1.0)
    assert [apart.admits(row) for row in (0, 0, 1)] == [True, False, True]
