"""The pool of a learner that also learns from rows without labels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from autoal.maths.geometry import nearest
from autoal.maths.spreading import Graph

JOINING = 500  # rows of the pool, evenly spread, that may join a lesson


class Neighbourhood:
    """The pool's rows as a model reads them, their neighbour graph, and some that join lessons.

    A labelled row is identified by its position, so that copies of it are labelled with it, and a
    row from outside the pool labels its nearest neighbour.

    Args:
        features: of all rows, (n, width), on the CPU.
    """

    def __init__(self, features: Tensor) -> None:
        features = features.float()
        self._features = features
        self._graph = Graph(features)
        spread = torch.linspace(0, len(features) - 1, min(len(features), JOINING))
        self._joining = spread.long()

    def __deepcopy__(self, memo: dict[int, Any]) -> Neighbourhood:
        return self  # it never changes, and may be large

    def places(self, features: Tensor) -> Tensor:
        """Where rows stand in the pool, (n,)."""
        return nearest(features.float(), self._features)[1]

    def others(self, places: Tensor) -> Tensor:
        """The places of rows that may join, except these."""
        return self._joining[~torch.isin(self._joining, places)]

    def features(self, places: Tensor) -> Tensor:
        """The features of the rows at these places, in double precision."""
        return self._features[places].double()

    def spread(self, places: Tensor, targets: Tensor, others: Tensor) -> Tensor:
        """The labels that reach the others from the rows at the places, (others, classes)."""
        return self._graph.spread(places, targets)[others]
