from dataclasses import replace

import pytest
import torch
from autoal.strategies.unstable import AlfaMix, DropQuery
from torch import Tensor, nn

from autoal import QueryStrategy, UserError, View, select
from autoal.maths import geometry
from autoal.query.strategy import Facts, demand_served
from autoal.seeding import generator
from tests.strategies.made import beside, best, noted, scored

BOTH: list[QueryStrategy] = [AlfaMix(), DropQuery()]


def head_of(weight: list[list[float]] | Tensor, bias: list[float] | Tensor) -> nn.Linear:
    weight, bias = torch.as_tensor(weight), torch.as_tensor(bias)
    head = nn.Linear(weight.shape[1], weight.shape[0])
    head.load_state_dict({"weight": weight, "bias": bias})
    return head


def random_view(classes: int = 5, width: int = 12, factor: float = 1.0) -> View:
    """Five hundred rows, thirty labelled ones of all classes but the last, and some head."""
    pool = torch.randn(500, width, generator=generator(0, "pool"))
    known = torch.randn(30, width, generator=generator(0, "known"))
    weight = factor * torch.randn(classes, width, generator=generator(0, "weight"))
    bias = factor * torch.randn(classes, generator=generator(0, "bias"))
    labels = torch.arange(30) % (classes - 1)
    return beside(pool, known, labels, head=head_of(weight, bias))


def unstable(strategy: AlfaMix | DropQuery, view: View, budget: int = 10) -> list[bool]:
    return strategy._unstable(view, budget, view.generator()).tolist()


# Left or right of 0. The means of the classes are 2 and -1, so that the steps are 0.2 / sqrt(2)
# times 2 - x or x + 1, whatever is longer: 0.27, 0.24, 0.31 and 0.35.
LINE = torch.tensor([[0.1, 0.0], [0.3, 0.0], [-0.2, 0.0], [-0.5, 0.0]])
KNOWN = torch.tensor([[1.0, 0.0], [3.0, 0.0], [-1.0, 0.0]])
SIDES = head_of([[1.0, 0.0], [-1.0, 0.0]], [0.0, 0.0])


def test_alfamix_by_hand() -> None:
    view = beside(LINE, KNOWN, torch.tensor([0, 0, 1]), head=SIDES)
    assert unstable(AlfaMix(), view) == [True, False, True, False]
    order = best(AlfaMix(), view, 4)
    assert set(order[:2]) == {0, 2}
    assert order[2:] == [1, 3]  # by their margins
    assert noted(AlfaMix(), view) == {"unstable": 2}
    assert unstable(AlfaMix(reach=0.15), view) == [True, False, True, False]
    assert unstable(AlfaMix(reach=0.12), view) == [True, False, False, False]


def mixed(view: View, head: nn.Linear, reach: float) -> list[bool]:
    """As published: a mixture with the mean of every class, by a part for each number."""
    pool, known = view.pool.embeddings.double(), view.labelled.features.embeddings.double()
    weight, bias = (part.detach().double() for part in (head.weight, head.bias))
    probs = (pool @ weight.T + bias).softmax(1)
    top = probs.argmax(1)
    gradients = (probs - nn.functional.one_hot(top, len(weight))) @ weight
    changed = torch.zeros(len(pool), dtype=torch.bool)
    for label in view.labelled.labels.unique():
        way = known[view.labelled.labels == label].mean(0) - pool
        size = way.norm(dim=1, keepdim=True) / gradients.norm(dim=1, keepdim=True)
        parts = reach / pool.shape[1] ** 0.5 * size * gradients / way
        changed |= ((pool + parts * way) @ weight.T + bias).argmax(1) != top
    return changed.tolist()


@pytest.mark.parametrize(("classes", "reach"), [(2, 0.2), (5, 0.2), (5, 0.6), (20, 0.2)])
def test_one_step_of_alfamix_decides_as_mixtures_with_all_classes(
    classes: int, reach: float
) -> None:
    view = random_view(classes)
    head = head_of(
        torch.randn(classes, 12, generator=generator(0, "weight")),
        torch.randn(classes, generator=generator(0, "bias")),
    )
    expected = mixed(view, head, reach)
    assert 10 < sum(expected) < 400
    assert unstable(AlfaMix(reach), view) == expected


def test_alfamix_knows_where_to_step_though_the_model_is_sure() -> None:
    expected = unstable(AlfaMix(), random_view(2))
    assert unstable(AlfaMix(), random_view(2, factor=1e5)) == expected


def test_without_labels_alfamix_asks_for_the_smallest_margin() -> None:
    view = beside(LINE, head=SIDES)
    assert noted(AlfaMix(), view) == {"unstable": 0}
    assert best(AlfaMix(), view, 4) == [0, 2, 1, 3]


# A single number: where it is dropped, the bias alone decides, which is for class 1.
ONE = head_of([[1.0], [-1.0]], [0.0, 0.5])


def test_dropquery_by_hand() -> None:
    view = beside(torch.tensor([[1.0], [2.0], [-1.0], [-3.0]]), head=ONE)
    dropped = (torch.rand(4, 3, generator=view.generator()) < 0.75).sum(1)
    assert dropped[:2].tolist() == [2, 2]
    assert unstable(DropQuery(), view) == [True, True, False, False]
    assert best(DropQuery(), view, 4)[2:] == [2, 3]  # those of class 1 follow, by their margins
    assert noted(DropQuery(), view) == {"unstable": 2}


def test_dropquery_wants_most_passes_to_differ_where_such_rows_are_plenty() -> None:
    view = beside(torch.ones(200, 1), head=ONE)
    dropped = (torch.rand(200, 3, generator=view.generator()) < 0.75).sum(1)
    most, some = int((dropped > 1).sum()), int((dropped > 0).sum())
    assert 25 * 6 < most < 25 * 7 < some
    assert noted(DropQuery(), view, budget=6) == {"unstable": most}
    assert noted(DropQuery(), view, budget=7) == {"unstable": some}


def test_dropquery_equals_a_loop_over_rows_and_passes() -> None:
    view, stream = random_view(), random_view().generator()
    at, expected = view.pool.logits_at, []
    for row in view.pool.embeddings:
        masks = torch.rand(5, len(row), generator=stream) >= 0.4
        found = [int(at(row[None] * mask / 0.6).argmax()) for mask in masks]
        expected.append(sum(label != int(at(row[None]).argmax()) for label in found))
    assert DropQuery(5, 0.4)._changes(view.pool, view.generator()).tolist() == expected
    counts = [sum(changes >= least for changes in expected) for least in (3, 2, 1)]
    assert counts[0] < 250 <= counts[1]  # 25 for each of ten: less than half of the passes will do
    assert sum(unstable(DropQuery(5, 0.4), view)) == counts[1]


@pytest.mark.parametrize("strategy", BOTH)
def test_unstable_rows_nearest_to_the_centres_of_their_clusters_are_picked(
    strategy: AlfaMix | DropQuery,
) -> None:
    view = random_view()
    places = torch.tensor(unstable(strategy, view)).nonzero().flatten()
    picks = best(strategy, view, 10)
    assert len(places) > 100
    assert set(picks) < set(places.tolist())
    rows = geometry.unit(view.pool.embeddings[places])
    centres = geometry.unit(view.pool.embeddings[picks])
    spread = torch.cdist(rows, centres).amin(1).mean()
    drawn = [
        torch.cdist(rows, rows[geometry.sample(len(rows), 10, generator(seed))]).amin(1).mean()
        for seed in range(20)
    ]
    assert float(spread) < min(map(float, drawn))


@pytest.mark.parametrize("strategy", BOTH)
def test_blocks_make_no_difference(
    strategy: QueryStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = scored(strategy, random_view(), 10)
    monkeypatch.setattr(geometry, "BLOCK", 300)
    torch.testing.assert_close(scored(strategy, random_view(), 10), expected)


@pytest.mark.parametrize("strategy", BOTH)
def test_the_seed_of_the_view_draws(strategy: QueryStrategy) -> None:
    first, again, other = (
        select(strategy, replace(random_view(), seed=seed), 5).tolist() for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("strategy", BOTH)
def test_a_model_without_a_head_is_refused(strategy: QueryStrategy) -> None:
    name = type(strategy).__name__
    with pytest.raises(UserError, match=f"{name} asks the head .* give a network with a linear"):
        demand_served(strategy, Facts(pool=10, classes=2, headed=False))
    view = View.of(torch.rand(4, 2), probs=torch.full((4, 2), 0.5), labels=[0, -1, -1, -1])
    with pytest.raises(UserError, match=r"without a head, which this strategy reads: .*head="):
        select(strategy, view, 1)


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="`reach` must be above 0"):
        AlfaMix(reach=0.0)
    with pytest.raises(ValueError, match="`passes` must be at least 1"):
        DropQuery(passes=0)
    for rate in (0.0, 1.0):
        with pytest.raises(ValueError, match=f"`rate` must be above 0 and below 1, got {rate}"):
            DropQuery(rate=rate)
