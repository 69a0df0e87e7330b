"""From what rows are worth to a batch of them."""

from typing import Any

import pytest
import torch
from autoal.strategies.herding import MaxHerding
from torch import Tensor

from autoal import View
from autoal.maths.coverage import rbf, typical_width
from autoal.query.batch import best_first, select
from autoal.query.cover import Ground, covering, predicted
from autoal.search.compose import WAYS, Composition
from autoal.seeding import generator
from autoal.testing import make_view

BUDGET = 8
EVERY_WAY = pytest.mark.parametrize("way", WAYS)


def composed(way: str, **options: Any) -> Composition:
    given = {"sharpness": 2.0, "width": 0.0, "space": "embedded", **options}
    return Composition(way, **given)


def batch(composition: Composition, view: View, worth: Tensor, budget: int = BUDGET) -> list[int]:
    """Places in the pool, best first."""
    scores = composition.scores(view, worth, budget)
    assert scores.shape == (len(view.pool),)
    assert scores.isfinite().all()
    return best_first(scores, view)[:budget].tolist()


def worth_of(view: View, seed: int = 0) -> Tensor:
    return torch.rand(len(view.pool), generator=generator(seed, "worth"))


@EVERY_WAY
def test_a_batch_is_as_many_rows_as_asked_for(way: str) -> None:
    view = make_view()
    worth = worth_of(view)
    for budget in (1, BUDGET, 60):
        assert len(set(batch(composed(way), view, worth, budget))) == budget


@EVERY_WAY
def test_rows_worth_nothing_come_last(way: str) -> None:
    view = make_view()
    worth = worth_of(view)
    worth[20:] = 0
    for seed in range(3):
        places = batch(composed(way), make_view(seed=seed), worth, budget=20)
        assert set(places) == set(range(20))
    below = worth.where(worth > 0, -1.0)  # what rounding makes of nothing
    assert batch(composed(way), view, below) == batch(composed(way), view, worth)


@EVERY_WAY
def test_a_pool_that_is_worth_nothing_still_gives_a_batch(way: str) -> None:
    view = make_view()
    assert len(set(batch(composed(way), view, torch.zeros(60)))) == BUDGET


@EVERY_WAY
def test_what_is_worth_something_is_left_as_it_is(way: str) -> None:
    view = make_view()
    worth = worth_of(view) - 0.2
    before = worth.clone()
    composed(way).scores(view, worth, BUDGET)
    assert torch.equal(worth, before)


def test_the_top_is_what_is_worth_most() -> None:
    view = make_view()
    worth = worth_of(view)
    assert batch(composed("topk"), view, worth) == worth.topk(BUDGET).indices.tolist()


def test_power_draws_by_worth() -> None:
    worth = torch.full((80,), 1e-6)
    worth[:20] = 1.0
    views = [View.of(torch.zeros(80, 1), seed=seed) for seed in range(5)]
    picks = [batch(composed("power"), view, worth, 10) for view in views]
    for places in picks:
        assert set(places) <= set(range(20))
    assert len({tuple(places) for places in picks}) == 5
    again = View.of(torch.zeros(80, 1), seed=4)
    assert batch(composed("power"), again, worth, 10) == picks[4]


def test_power_tells_rows_of_a_large_pool_apart() -> None:
    """In single precision, some of the best of a million rows would be drawn as one."""
    pool = 1_000_000
    scores = composed("power").scores(View.of(torch.zeros(pool, 1)), torch.ones(pool), 200)
    assert len(scores.topk(200).values.unique()) == 200


def test_herding_covers_the_pool_by_worth_and_sharpness() -> None:
    view = make_view()
    worth = worth_of(view)
    for sharpness in (0.0, 1.0, 3.0):

        def wide(ground: Ground) -> Any:
            return rbf(typical_width(ground.remote, 1.0))

        weights = worth**sharpness
        expected = covering(view, weights, BUDGET, wide, most=60, stream=view.generator())
        found = composed("herding", sharpness=sharpness).scores(view, worth, BUDGET)
        assert torch.equal(found, expected)


@pytest.mark.parametrize("width", [1.0, 0.3])
def test_herding_over_what_is_worth_the_same_is_maxherding(width: float) -> None:
    for seed in range(3):
        view = make_view(seed=seed)
        places = batch(composed("herding", width=width), view, torch.ones(60))
        assert view.pool.rows[places].tolist() == select(MaxHerding(width), view, BUDGET).tolist()


def test_the_width_follows_the_labels_unless_it_is_given() -> None:
    """The fewer are labelled, the farther a pick reaches."""
    few, many = make_view(labelled=3), make_view(pool=60, labelled=300)
    assert _width(few) > 1.5 * _width(many)
    worth = worth_of(few)
    by_itself = composed("herding").scores(few, worth, BUDGET)
    by_hand = composed("herding", width=_width(few)).scores(few, worth, BUDGET)
    torch.testing.assert_close(by_itself, by_hand)
    narrow = composed("herding", width=_width(many)).scores(few, worth, BUDGET)
    assert float((by_itself - narrow).abs().max()) > 0.01


def test_herding_reads_what_the_model_says_where_it_is_told_to() -> None:
    view, worth = make_view(), torch.ones(60)
    expected = covering(
        view,
        worth,
        BUDGET,
        lambda ground: rbf(typical_width(ground.remote, 1.0)),
        most=60,
        stream=view.generator(),
        space=predicted,
    )
    found = composed("herding", space="predicted").scores(view, worth, BUDGET)
    assert torch.equal(found, expected)
    assert not torch.equal(found, composed("herding").scores(view, worth, BUDGET))


def _width(view: View) -> float:
    """The root mean square of the distance to the nearest labelled row, at length 1."""
    pool, labelled = (
        torch.nn.functional.normalize(rows.embeddings)
        for rows in (view.pool, view.labelled.features)
    )
    return float(torch.cdist(pool, labelled).amin(1).square().mean().sqrt())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"way": "herdin"}, "unknown compose 'herdin'; did you mean 'herding'"),
        ({"sharpness": -1.0}, "`sharpness` must be at least 0, got -1.0"),
        ({"width": -1.0}, "`width` must be at least 0, got -1.0"),
        ({"space": "predict"}, "unknown space 'predict'; did you mean 'predicted'"),
    ],
)
def test_what_cannot_be_composed_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        composed(**{"way": "herding", **options})
