"""The upper reference: what a strategy could reach that saw the outcome of its choice."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from autoal import View
from autoal.cheating import Cheating, Outcome
from autoal.errors import UserError


class CheatingOracle(Cheating):
    """Best of many random batches by real retraining on their true labels: a cheat.

    Every batch is labelled and trained on as the round would do it, with the round's own random
    numbers, and the one that leads to the lowest loss is queried. The loss is that on the
    validation rows; where there are none, on the true labels of a random half of the pool, out of
    which nothing is queried in that round. The test set takes no part.

    Args:
        tries: random batches in a round, each of which costs a training.
        limit: rows of the largest pool that is not refused.
    """

    def __init__(self, tries: int = 20, limit: int = 5000) -> None:
        if tries < 1:
            raise ValueError(f"`tries` must be at least 1, got {tries}")
        self.tries = tries
        self.limit = limit
        self._losses: WeakKeyDictionary[View, list[float]] = WeakKeyDictionary()

    def check_pool(self, size: int) -> None:
        if size > self.limit:
            raise UserError(
                f"cheating_oracle trains {self.tries} times a round and is meant for small pools: "
                f"this one has {size} rows, strategy.limit={self.limit}"
            )

    def cheat(self, view: View, budget: int, outcome: Outcome) -> Tensor:
        stream = view.generator()
        rows = view.pool.rows[view.pool.order]
        rows = rows[torch.randperm(len(rows), generator=stream)]
        # Without validation rows, half of the pool judges, as far as the budget leaves one.
        half = max(budget, len(rows) // 2) if view.validation is None else len(rows)
        asked, judges = rows.tensor_split([half])
        if view.validation is None and not len(judges):
            return asked[:budget]
        batches = [
            asked[torch.randperm(len(asked), generator=stream)[:budget]] for _ in range(self.tries)
        ]
        losses = [outcome(batch, judges) for batch in batches]
        self._losses[view] = losses
        return batches[losses.index(min(losses))]

    def notes(self, view: View) -> dict[str, Any]:
        """The loss of the best batch, and the mean over all of them, which is random's."""
        losses = self._losses.get(view)
        return {"best": min(losses), "random": sum(losses) / len(losses)} if losses else {}
