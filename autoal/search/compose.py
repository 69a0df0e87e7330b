"""How a batch is composed from the worth of rows."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from autoal.bounds import choice, number
from autoal.maths.coverage import Kernel, rbf, typical_width
from autoal.maths.draws import in_proportion
from autoal.query.cover import Ground, Space, covering, embedded, predicted
from autoal.query.view import View

WAYS = ("herding", "topk", "power")
SPACES: dict[str, Space] = {"embedded": embedded, "predicted": predicted}


@dataclass(frozen=True)
class Composition:
    """From the worth of each row to a batch.

    Args:
        way: herding (the batch covers the pool, weighted by worth), topk (the rows worth most) or
            power (drawn in proportion to worth).
        sharpness: for herding: a row counts by its worth to this power.
        width: of herding's kernel; 0: the distance of the pool's rows from labelled ones.
        space: for herding: embedded (rows with similar embeddings are near) or predicted (rows must
            also have similar predictions).
    """

    way: str
    sharpness: float
    width: float
    space: str

    def __post_init__(self) -> None:
        choice("compose", self.way, WAYS)
        number("sharpness", self.sharpness, least=0)
        number("width", self.width, least=0)
        choice("space", self.space, SPACES)

    def scores(self, view: View, worth: Tensor, budget: int) -> Tensor:
        """The batch as scores, (pool,).

        Args:
            view: the query's view.
            worth: worth of each row of the pool, (pool,).
            budget: rows to pick.
        """
        worth = worth.clamp(min=0)
        if self.way == "topk":
            return worth
        if self.way == "power":
            return in_proportion(worth, 1.0, view.generator())
        weights, stream = worth**self.sharpness, view.generator()
        return covering(
            view,
            weights,
            budget,
            self._kernel,
            most=len(worth),
            stream=stream,
            space=SPACES[self.space],
        )

    def _kernel(self, ground: Ground) -> Kernel:
        return rbf(self.width or typical_width(ground.remote, 1.0))
