"""Other ways to compose a batch, held against AutoAL's own."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from autoal import View
from autoal.maths.pairs import Pairs
from autoal.query.cover import SAID, Ground, embedded, predicted
from autoal.query.strategy import as_scored
from autoal.search.autoal import AutoAL
from autoal.search.compose import Composition
from autoal.seeding import generator
from benchmarks.designs.compositions import (
    ByLabelled,
    Narrowing,
    Once,
    Placed,
    Scaled,
    Seeking,
    composed,
)
from benchmarks.designs.spaces import GATED, GRAPH, said

POOL, CLASSES, BUDGET = 40, 3, 5
PLACES = torch.arange(POOL)
OPTIONS: dict[str, Any] = {"way": "herding", "sharpness": 2.0, "width": 0.0, "space": "embedded"}
ALONE: dict[str, Any] = {"candidates": {"margin": {}}, "steps": 0}
WORTH = torch.rand(POOL, generator=generator(0))


def view_of(labelled: int, classes: int = CLASSES) -> View:
    """A pool, and this many labelled rows, of this many of the classes."""
    rows = torch.randn(POOL + labelled, 6, generator=generator(1))
    labels = (torch.arange(POOL + labelled) % classes).where(torch.arange(len(rows)) >= POOL, -1)
    return View.of(rows, logits=rows[:, :CLASSES], labels=labels, classes=CLASSES)


def scores(made: Callable[..., Composition], view: View, **own: Any) -> Tensor:
    return made(**{**OPTIONS, **own}).scores(view, WORTH, BUDGET)


def width(made: Callable[..., Composition]) -> float:
    """Of the kernel on a ground whose rows are 2 from the nearest labelled one."""
    labelled = torch.tensor([[0.0], [1.0], [4.0], [8.0]])  # 1, 1, 3 and 4 from their nearest
    rows = torch.zeros(9, 1)
    kernel = made(**OPTIONS)._kernel(Ground(rows, labelled, rows[:, 0] + 4, Pairs(rows)))
    return float(-kernel(torch.ones(1)).log()) ** -0.5


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (Composition, 2),
        (partial(Scaled, factor=1.0), 2),
        (partial(Scaled, factor=1.4), 2.8),
        (partial(ByLabelled, rule="nearest two"), 1),
        (partial(ByLabelled, rule="mean"), 2.25),
        (partial(ByLabelled, rule="10 %"), 1),
    ],
)
def test_kernels_are_as_wide_as_their_rule_says(
    made: Callable[..., Composition], expected: float
) -> None:
    assert width(made) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("labelled", "factor"), [(3, 1.4), (12, 2**0.25), (24, 1.0), (48, 0.5**0.25), (240, 1 / 1.4)]
)
def test_a_kernel_narrows_as_labels_of_a_class_grow(labelled: int, factor: float) -> None:
    view = view_of(labelled)
    assert torch.equal(scores(Narrowing, view), scores(partial(Scaled, factor=factor), view))


def test_rows_far_from_all_labels_are_worth_more_while_classes_are_unseen() -> None:
    seeing, seeking = view_of(12), view_of(12, classes=1)
    assert torch.equal(scores(Seeking, seeing), scores(Composition, seeing))
    pool, labelled = embedded(seeking, PLACES)
    far = torch.cdist(pool, labelled).min(1).values.argsort().argsort() / (POOL - 1)
    sought = scores(Seeking, seeking, way="topk")
    torch.testing.assert_close(sought, WORTH / 3 + far * 2 / 3)


def test_copies_share_what_one_row_is_worth() -> None:
    rows = torch.randn(POOL + 6, 6, generator=generator(2))
    rows[:4] = rows[0] + 1e-4 * torch.arange(4)[:, None]
    labels = torch.tensor([-1] * POOL + [0, 1, 2] * 2)
    view = View.of(rows, logits=rows[:, :CLASSES], labels=labels)
    counted = torch.tensor([4.0] * 4 + [1.0] * (POOL - 4))
    torch.testing.assert_close(scores(Once, view, way="topk") ** 2, WORTH**2 / counted)


def test_autoal_scores_as_ever_where_a_composition_changes_nothing() -> None:
    view = view_of(12)

    def of(strategy: AutoAL) -> Tensor:
        strategy.fit(view)
        return as_scored(strategy.score(view, BUDGET)).scores

    usual = of(AutoAL(**ALONE))
    assert torch.equal(of(composed(Scaled, ALONE, factor=1.0)()), usual)
    assert torch.equal(of(Placed(predicted, **ALONE)), usual)
    assert not torch.equal(of(composed(Scaled, ALONE, factor=0.3)()), usual)
    assert torch.equal(of(Placed(embedded, **ALONE)), of(AutoAL(**ALONE, space="embedded")))


def test_what_is_said_adds_dimensions_as_autoals_own_space_does() -> None:
    view = view_of(12)
    mine, own = said(view, PLACES, "roots", SAID, even=False), predicted(view, PLACES)
    assert all(torch.equal(*pair) for pair in zip(mine, own, strict=True))


def test_what_is_said_may_count_however_little_the_model_tells_apart() -> None:
    rows = torch.randn(POOL, 6, generator=generator(3))
    view = View.of(rows, logits=rows[:, :CLASSES] / 50)
    pool, _ = said(view, PLACES, "probs", 2.0, even=True)
    own, further = (part.var(0, correction=0).sum() for part in (pool[:, :6], pool[:, 6:]))
    torch.testing.assert_close(further, 4 * own)


def moons() -> tuple[Tensor, Tensor]:
    """Rows of two classes that no line parts, though each is of one piece."""
    stream, classes = generator(4), torch.arange(POOL * 4) % 2
    along = torch.pi * torch.rand(len(classes), generator=stream)
    side = 1 - 2 * classes
    rows = torch.stack([classes + side * along.cos(), classes / 2 + side * along.sin()], 1)
    return torch.cat([rows, torch.full_like(rows[:, :1], 2.0)], 1), classes


def halves() -> tuple[Tensor, Tensor]:
    """Rows of one piece that a plane parts."""
    rows = torch.randn(POOL * 4, 8, generator=generator(5))
    return rows, (rows[:, 0] > 0).long()


@pytest.mark.parametrize(("made", "reached"), [(moons, True), (halves, False)])
def test_rows_lie_on_a_graph_where_labels_foretell_each_other_better_there(
    made: Callable[[], tuple[Tensor, Tensor]], reached: bool
) -> None:
    rows, classes = made()
    labels = classes.where(torch.arange(len(rows)) >= POOL * 3, -1)
    view = View.of(rows, logits=rows[:, :2], labels=labels)
    places = torch.arange(0, POOL * 3, 2)
    found, expected = GATED(view, places), (GRAPH if reached else predicted)(view, places)
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


def test_rows_of_one_piece_are_near_on_a_graph() -> None:
    rows, classes = moons()
    labels = classes.where(torch.arange(len(rows)) >= POOL * 3, -1)
    view = View.of(rows, logits=rows[:, :2], labels=labels)
    pool, labelled = GRAPH(view, torch.arange(POOL * 3))
    nearest = torch.cdist(pool, labelled).argmin(1)
    assert torch.equal(classes[POOL * 3 :][nearest], classes[: POOL * 3])
