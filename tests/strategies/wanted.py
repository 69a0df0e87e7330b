"""Candidates of which it is known what they ask for."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from autoal import QueryStrategy, View
from autoal.query.composite import Candidates, Composite


class Wanting(QueryStrategy):
    """Asks for these rows, the first ones first, and for none of the others rather than another.

    It counts the pools that it was fitted to, and how large those were that it scored.
    """

    reads = ()

    def __init__(self, *rows: int) -> None:
        self.rows = rows
        self.fitted = 0
        self.scored: list[int] = []

    def fit(self, view: View) -> None:
        self.fitted += 1

    def score(self, view: View, budget: int) -> Tensor:
        self.scored.append(len(view.pool))
        places = {row: len(self.rows) - place for place, row in enumerate(self.rows)}
        return torch.tensor([float(places.get(row, 0)) for row in view.pool.rows.tolist()])

    def state_dict(self) -> dict[str, Any]:
        return {"fitted": self.fitted}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.fitted = state["fitted"]


def made_of(composite: Composite, *wanted: Sequence[int]) -> list[Wanting]:
    """Let a strategy be made of such ones, in the place of its candidates."""
    each = [Wanting(*rows) for rows in wanted]
    composite.candidates = Candidates(dict(zip(composite.candidates, each, strict=True)))
    return each
