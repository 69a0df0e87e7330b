"""Other ways to compose a batch, each a variation of AutoAL's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

from torch import Tensor

from autoal import View
from autoal.maths.coverage import (
    NARROWEST,
    Kernel,
    adaptive_width,
    rbf,
    remoteness,
    typical_width,
)
from autoal.maths.geometry import neighbours, squared_distances, unit
from autoal.query.cover import Ground, Space
from autoal.search import compose
from autoal.search.autoal import AutoAL
from autoal.search.compose import Composition


class Composed(AutoAL):
    """AutoAL with another way to compose a batch."""

    def __init__(self, way: Callable[..., Composition], **options: Any) -> None:
        super().__init__(**options)
        self.composition = way(**asdict(self.composition))


@dataclass(frozen=True)
class ByLabelled(Composition):
    """The width of the kernel follows the distances between labelled rows."""

    rule: str = "nearest two"  # as uherding; or mean, or 10 %

    def _kernel(self, ground: Ground) -> Kernel:
        if self.rule == "nearest two":
            return rbf(adaptive_width(ground.labelled, 1.0))
        apart = neighbours(ground.labelled, ground.labelled, 2)[0][:, 1]
        found = apart.mean() if self.rule == "mean" else apart.quantile(0.1)
        return rbf(max(float(found), NARROWEST))


@dataclass(frozen=True)
class Scaled(Composition):
    """The usual kernel, widened or narrowed by a factor."""

    factor: float = 1.0

    def _kernel(self, ground: Ground) -> Kernel:
        return rbf(self.factor * typical_width(ground.remote, 1.0))


@dataclass(frozen=True)
class Narrowing(Composition):
    """The usual kernel, wider while a class has few labels and narrower later."""

    usual: float = 8.0  # labels per class at which it is as wide as usual
    most: float = 1.4  # limits of the factor, above and below

    def scores(self, view: View, worth: Tensor, budget: int) -> Tensor:
        share = (self.usual * view.classes / len(view.labelled)) ** 0.25
        factor = min(max(share, 1 / self.most), self.most)
        return Scaled(**asdict_of(self), factor=factor).scores(view, worth, budget)


@dataclass(frozen=True)
class Seeking(Composition):
    """While some classes have no labels, rows far from labelled ones are worth more."""

    def scores(self, view: View, worth: Tensor, budget: int) -> Tensor:
        unseen = 1 - len(view.labelled.labels.unique()) / view.classes
        if unseen:
            far = remoteness(unit(view.pool.embeddings), unit(view.labelled.features.embeddings))
            ranks = far.argsort().argsort().to(worth) / max(1, len(far) - 1)
            worth = (1 - unseen) * worth + unseen * ranks
        return super().scores(view, worth, budget)


@dataclass(frozen=True)
class Once(Composition):
    """Coverage counts once, however many slightly changed copies of a row the pool has."""

    near: float = 0.2  # as a share of the typical width

    def scores(self, view: View, worth: Tensor, budget: int) -> Tensor:
        rows = unit(view.pool.embeddings)
        width = typical_width(remoteness(rows, unit(view.labelled.features.embeddings)), 1.0)
        copies = (squared_distances(rows, rows) < (self.near * width) ** 2).sum(1)
        return super().scores(view, worth / copies ** (1 / self.sharpness), budget)


class Placed(AutoAL):
    """The herding uses other positions of rows."""

    def __init__(self, space: Space, **options: Any) -> None:
        super().__init__(**options)
        self.space = space

    def score(self, view: View, budget: int) -> Any:
        with patch.dict(compose.SPACES, predicted=self.space):
            return super().score(view, budget)


def asdict_of(composition: Composition) -> dict[str, Any]:
    """The options common to all compositions."""
    return {name: getattr(composition, name) for name in Composition.__dataclass_fields__}


def composed(way: Callable[..., Composition], options: dict[str, Any], **own: Any) -> Any:
    """Build AutoAL with such a composition.

    Args:
        way: of composing.
        options: of AutoAL.
        own: of the way.
    """
    return partial(Composed, partial(way, **own), **options)
