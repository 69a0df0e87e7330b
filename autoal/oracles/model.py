"""Who labels the batch that a strategy chose, where that is not the oracle."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from autoal.cheating import Cheating
from autoal.errors import UserError, unknown
from autoal.model.features import Features
from autoal.query.strategy import QueryStrategy, no_labels
from autoal.query.view import View

LABELERS = ("oracle", "salutary", "pseudo")


class Labeler(Protocol):
    """Gives labels that nobody is asked for, and nobody paid for."""

    def __call__(self, view: View, rows: Tensor) -> Tensor:
        """The classes of these rows of the pool, in their order."""


class ByStrategy:
    """The labels that the strategy itself gives.

    Args:
        strategy: one that gives labels, such as salutary.
    """

    def __init__(self, strategy: QueryStrategy) -> None:
        if type(strategy).labels is QueryStrategy.labels:
            raise no_labels(strategy)
        self.strategy = strategy

    def __call__(self, view: View, rows: Tensor) -> Tensor:
        return self.strategy.labels(view, places(view.pool, rows)).cpu()


class ByModel:
    """The predictions of the task's model: pseudo-labels."""

    def __call__(self, view: View, rows: Tensor) -> Tensor:
        probs = view.pool.probs
        return probs[places(view.pool, rows).to(probs.device)].argmax(1).cpu()


def labeler(name: str, strategy: QueryStrategy) -> Labeler | None:
    """The labeler of this name; None where the oracle is asked."""
    if name not in LABELERS:
        raise unknown("labeler", name, LABELERS)
    if name == "oracle":
        return None
    if isinstance(strategy, Cheating):
        raise UserError(
            f"labeler={name}: {type(strategy).__name__} chooses by what true labels lead to"
        )
    return ByStrategy(strategy) if name == "salutary" else ByModel()


def places(pool: Features, rows: Tensor) -> Tensor:
    """Where these rows of the data set stand in the pool."""
    return pool.order[torch.searchsorted(pool.rows[pool.order], rows)]
