"""What the task model says about some rows: computed once a round, and only if somebody asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from autoal.seeding import generator

DRAWS = 20  # Monte-Carlo draws of the head


class Features:
    """One look at some rows, shared by all strategies of a round.

    Everything here follows from the embeddings, which cost one pass of the backbone on their first
    read; a strategy that reads none of it costs none.

    Args:
        rows: of the data set, (n,) long.
        inputs: their images, (n, channels, height, width) uint8.
        embed: images -> embeddings, (n, width).
        head: embeddings -> logits, the last layer.
        dropout: the rate that the head was trained with.
        seed: of the dropout draws.
    """

    def __init__(
        self,
        rows: Tensor,
        inputs: Callable[[], Tensor],
        embed: Callable[[Tensor], Tensor],
        head: nn.Module,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.rows = rows
        self._inputs = inputs
        self._embed = embed
        self._head = head
        self._dropout = dropout
        self._seed = seed

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def inputs(self) -> Tensor:
        """The images, (n, channels, height, width) uint8."""
        return self._inputs()

    @cached_property
    def embeddings(self) -> Tensor:
        """The penultimate features, (n, width)."""
        return self._embed(self.inputs)

    @cached_property
    def logits(self) -> Tensor:
        """Unnormalised log-probabilities, (n, classes)."""
        with torch.no_grad():
            return self._head(self.embeddings)

    @cached_property
    def probs(self) -> Tensor:
        """Class probabilities, (n, classes)."""
        return self.logits.softmax(1)

    @cached_property
    def drawn_probs(self) -> Tensor:
        """Class probabilities under dropout before the head, (draws, n, classes)."""
        stream = generator(self._seed, "dropout")
        keep = 1 - self._dropout
        draws = []
        with torch.no_grad():
            for _ in range(DRAWS):
                mask = torch.empty_like(self.embeddings).bernoulli_(keep, generator=stream)
                draws.append(self._head(self.embeddings * mask / keep).softmax(1))
        return torch.stack(draws)


@dataclass(frozen=True, eq=False)
class View:
    """All that a strategy may know: the pool's labels are not in it, so they cannot leak."""

    pool: Features  # what may be queried
    labelled: Features
    labels: Tensor  # (labelled,) long, the classes of `labelled`
    classes: int
    seed: int

    def generator(self) -> torch.Generator:
        """A fresh stream: the same numbers at every call, whoever drew before."""
        return generator(self.seed, "view")
