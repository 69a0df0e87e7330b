"""Logits, and draws of them: from the head of a network, or given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from autoal.data.room import demand_room
from autoal.errors import UserError, diverged
from autoal.maths.geometry import in_one
from autoal.seeding import generator

if TYPE_CHECKING:
    from autoal.model.features import Features

DRAWS = 20  # Monte-Carlo draws of the head
DRAWN_DROPOUT = 0.2  # their rate if the head was trained without dropout
BLOCK = 8192  # rows whose intermediate results are in memory at a time
PIECE = 1 << 16  # rows of a large pool whose embeddings are in memory at a time; whole blocks


class Predictions(ABC):
    """Computes the logits of some rows, and draws of them."""

    @abstractmethod
    def logits(self, features: Features) -> Tensor:
        """The logits of each row, (n, classes)."""

    @abstractmethod
    def drawn(self, features: Features) -> Tensor:
        """The logits of each row in each draw, (draws, n, classes)."""

    @abstractmethod
    def logits_at(self, embeddings: Tensor) -> Tensor:
        """The logits at any points of the space of the embeddings, (m, classes)."""

    @abstractmethod
    def of(self, whole: Features, places: Tensor) -> Predictions:
        """The predictions for only the rows at these places."""

    @abstractmethod
    def under(self, whole: Features, head: nn.Module | None, seed: int) -> Predictions:
        """The predictions through another head, or with other draws."""

    @abstractmethod
    def cooled(self, whole: Features, by: float) -> Predictions:
        """The predictions with logits divided by a temperature."""


class Head(Predictions):
    """Predictions by the last layer of a network: small products on the embeddings.

    A draw is one mask of dropout before the head, for all rows.

    Args:
        module: embeddings -> logits.
        dropout: the rate with which the head was trained.
        seed: of the draws.
    """

    def __init__(self, module: nn.Module, dropout: float = 0.0, seed: int = 0) -> None:
        self.module = module
        self.dropout = dropout
        self.seed = seed

    def logits(self, features: Features) -> Tensor:
        return self._through(features, torch.ones(1))[0]

    def drawn(self, features: Features) -> Tensor:
        rate = self.dropout or DRAWN_DROPOUT
        stream = generator(self.seed, "dropout")
        mask = torch.rand(DRAWS, features.width, generator=stream) >= rate
        return self._through(features, mask / (1 - rate))

    def logits_at(self, embeddings: Tensor) -> Tensor:
        return self.module.to(embeddings.device)(embeddings.to(self._exact))

    def of(self, whole: Features, places: Tensor) -> Head:
        return self

    def under(self, whole: Features, head: nn.Module | None, seed: int) -> Head:
        return Head(self.module if head is None else head, self.dropout, seed)

    def cooled(self, whole: Features, by: float) -> Head:
        return Head(_Cooled(self.module, by), self.dropout, self.seed)

    @torch.no_grad()
    def _through(self, features: Features, factors: Tensor) -> Tensor:
        """The head's output for embeddings times each of the factors, (factors, n, classes)."""
        # In blocks, since a product of all embeddings with a factor is as large as the embeddings.
        blocks = chain.from_iterable(piece.split(BLOCK) for piece in features.pieces())
        first = self._products(next(blocks), factors)
        demand_room("predictions", len(features), first[:, :1].nbytes)
        rest = (self._products(block, factors) for block in blocks)
        return in_one(chain([first], rest), len(features), dim=1)

    def _products(self, embeddings: Tensor, factors: Tensor) -> Tensor:
        """The same for one block."""
        head, block = self.module.to(embeddings.device), embeddings.to(self._exact)
        return torch.stack([head(block * factor) for factor in factors.to(block.device)])

    @property
    def _exact(self) -> torch.dtype:
        """The type in which the head computes."""
        return next((weight.dtype for weight in self.module.parameters()), torch.float32)


class _Cooled(nn.Module):
    """A head whose logits are divided by a temperature."""

    def __init__(self, head: nn.Module, by: float) -> None:
        super().__init__()
        self.head = head
        self.by = by

    def forward(self, embeddings: Tensor) -> Tensor:
        return self.head(embeddings) / self.by


class Given(Predictions):
    """Given predictions: from a model without a linear head, or from arrays.

    Args:
        logits: returns those of all rows, (n, classes); called at most once.
        drawn: returns those of several draws, (draws, n, classes); None if there are none.
    """

    def __init__(
        self, logits: Callable[[], Tensor], drawn: Callable[[], Tensor] | None = None
    ) -> None:
        self._logits = logits
        self._drawn = drawn

    def logits(self, features: Features) -> Tensor:
        with features.clock():
            return self._logits()

    def drawn(self, features: Features) -> Tensor:
        if self._drawn is None:
            raise UserError(
                "these predictions come without draws, which this strategy reads: give a model "
                "that draws, or draws= with arrays"
            )
        with features.clock():
            return self._drawn()

    def logits_at(self, embeddings: Tensor) -> Tensor:
        raise UserError(
            "these predictions come without a head, which this strategy reads: give a network with "
            "a linear head, or head= with arrays"
        )

    def of(self, whole: Features, places: Tensor) -> Given:
        return self._derived(
            lambda: whole.logits[places.to(whole.logits.device)],
            lambda: whole.drawn_probs[:, places.to(whole.drawn_probs.device)].log(),
        )

    def under(self, whole: Features, head: nn.Module | None, seed: int) -> Predictions:
        return self.cooled(whole, 1.0) if head is None else Head(head, seed=seed)

    def cooled(self, whole: Features, by: float) -> Given:
        return self._derived(lambda: whole.logits / by, lambda: whole.drawn_probs.log() / by)

    def _derived(self, logits: Callable[[], Tensor], drawn: Callable[[], Tensor]) -> Given:
        return Given(logits, drawn if self._drawn is not None else None)


def demand_lines(what: str, given: Any, axes: int, size: int) -> None:
    """Refuse anything but one line of numbers for each row, on the last axis but one."""
    shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
    if not isinstance(given, Tensor) or given.ndim != axes or given.shape[-2] != size:
        raise UserError(f"the model must give {what} of {axes} axes for {size} rows, got {shape}")


def demand_finite(logits: Tensor) -> None:  # (draws, n, classes)
    """Refuse the predictions of a network that diverged."""
    # A class may be impossible, at minus infinity; all of them may not.
    bad = int((~logits.amax(2).isfinite().all(0)).sum())
    if bad:
        raise diverged(f"predictions of {bad} of {logits.shape[1]} rows are")
