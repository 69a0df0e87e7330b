"""What the task model says about some rows: computed once a round, and only if somebody asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor, nn

from autoal.errors import diverged
from autoal.seeding import generator

DRAWS = 20  # Monte-Carlo draws of the head
DRAWN_DROPOUT = 0.2  # their rate where the head was trained without dropout
BLOCK = 8192  # rows whose intermediate results are in memory at a time


class Features:
    """One look at some rows, shared by all strategies of a round.

    Everything here follows from the embeddings, which cost one pass of the backbone on their first
    read; a strategy that reads none of it costs none.

    Args:
        rows: of the data set, (n,) long.
        inputs: their images, (n, channels, height, width) uint8.
        embed: images -> embeddings, (n, width), of any floating type; or, if `width` is given, the
            pooled stages of the network side by side, of which the embedding is the last.
        head: embeddings -> logits, the last layer.
        dropout: the rate that the head was trained with.
        seed: of the dropout draws.
        width: of the embedding, where `embed` gives all stages.
    """

    def __init__(
        self,
        rows: Tensor,
        inputs: Callable[[], Tensor],
        embed: Callable[[Tensor], Tensor],
        head: nn.Module,
        dropout: float = 0.0,
        seed: int = 0,
        width: int | None = None,
    ) -> None:
        self.rows = rows
        self._inputs = inputs
        self._embed = embed
        self.head = head
        self._dropout = dropout
        self._seed = seed
        self._width = width

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def inputs(self) -> Tensor:
        """The images, (n, channels, height, width) uint8."""
        return self._inputs()

    @cached_property
    def order(self) -> Tensor:
        """The places of the rows in the order of their numbers, (n,).

        What is drawn for each row goes by this order, so that a pool in another order gets the
        same draws.
        """
        return self.rows.argsort()

    @property
    def embeddings(self) -> Tensor:
        """The penultimate features, (n, width)."""
        return self._seen if self._width is None else self._seen[:, -self._width :]

    @property
    def stages(self) -> Tensor:
        """The network's stages, pooled, side by side, (n, sum of their widths).

        Only there for a strategy that names them in `reads`, since they take memory.
        """
        if self._width is None:
            raise RuntimeError("a strategy that reads `stages` must name them in its `reads`")
        return self._seen

    def take(
        self, places: Tensor, *, head: nn.Module | None = None, seed: int | None = None
    ) -> Features:
        """Some of the rows, or all under another head, without another pass of the backbone."""
        return Features(
            self.rows[places],
            inputs=lambda: self.inputs[places.to(self.inputs.device)],
            embed=lambda _: self._seen[places.to(self._seen.device)],
            head=self.head if head is None else head,
            dropout=self._dropout,
            seed=self._seed if seed is None else seed,
            width=self._width,
        )

    @cached_property
    def logits(self) -> Tensor:
        """Unnormalised log-probabilities, (n, classes)."""
        return self._through_head(torch.ones(1))[0]

    @cached_property
    def probs(self) -> Tensor:
        """Class probabilities, (n, classes)."""
        return self.logits.softmax(1)

    @cached_property
    def drawn_probs(self) -> Tensor:
        """Class probabilities under dropout before the head, (draws, n, classes).

        A draw is one mask for all rows, that is, one network out of those that dropout stands for,
        so that the draws of two rows belong together.
        """
        rate = self._dropout or DRAWN_DROPOUT
        stream = generator(self._seed, "dropout")
        kept = torch.rand(DRAWS, self.embeddings.shape[1], generator=stream) >= rate
        return self._through_head(kept / (1 - rate)).softmax(2)

    @cached_property
    def _seen(self) -> Tensor:
        seen = self._embed(self.inputs)
        _demand_sound(seen.isfinite().all(1), "features")
        return seen

    @torch.no_grad()
    def _through_head(self, factors: Tensor) -> Tensor:
        """The head's output for embeddings times each of the factors, (factors, n, classes)."""
        embeddings = self.embeddings
        head, factors = self.head.to(embeddings.device), factors.to(embeddings.device)
        # In blocks, since a product of all embeddings with a factor is as large as they are.
        parts = [
            torch.stack([head(block * factor) for factor in factors])
            for block in (part.float() for part in embeddings.split(BLOCK))
        ]
        logits = torch.cat(parts, 1)
        # A class may be impossible, at minus infinity; all of them may not.
        _demand_sound(logits.amax(2).isfinite().all(0), "predictions")
        return logits


def _demand_sound(sound: Tensor, what: str) -> None:
    """Refuse what a network that diverged says; `sound` tells of each row whether it will do."""
    bad = int((~sound).sum())
    if bad:
        raise diverged(f"{what} of {bad} of {len(sound)} rows are")
