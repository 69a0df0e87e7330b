"""Looks that cost no more than reading the rows."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from autoal.data.room import demand_room
from autoal.data.rows import Rows
from autoal.model.networks import Network, Ready
from autoal.model.predictions import PIECE

BLOCK = 1024  # rows read at a time
HALVES = (torch.float16, torch.bfloat16)


class Glance:
    """A look through a network that is just a head: the head's inputs for any rows.

    It is cheap enough to be repeated, piece by piece, when keeping all of it would take too much
    memory.

    Args:
        module: a copy of the network, which is not trained further.
        rows: of a data set.
        place: moves the result to where strategies compute.
    """

    def __init__(self, module: Ready, rows: Rows, place: Callable[[Tensor], Tensor]) -> None:
        self.module = module.eval().to(rows.inputs.device)
        self.rows = rows
        self.width = module.network.head.in_features
        self.place = place

    @torch.no_grad()
    def __call__(self, numbers: Tensor) -> Tensor:
        """The head's inputs for the rows of these numbers, (n, width), in single precision."""
        read = self.module.network.embed
        seen = torch.empty(len(numbers), self.width, device=self.rows.inputs.device)
        blocks = self.rows.blocks(numbers, BLOCK)
        for block, lines in zip(blocks, seen.split(BLOCK), strict=True):
            lines.copy_(read(self.module.preprocess(block)))
        return self.place(seen)

    def kept(self, numbers: Tensor) -> Tensor:
        """The same for all these rows; in half precision for a large pool whose rows are."""
        if len(numbers) <= PIECE:
            return self(numbers)
        stored = self.rows.inputs.dtype
        dtype = stored if stored in HALVES else torch.float32
        demand_room("embeddings", len(numbers), self.width * dtype.itemsize)
        kept = torch.empty(len(numbers), self.width, dtype=dtype)
        for piece, place in zip(numbers.split(PIECE), kept.split(PIECE), strict=True):
            place.copy_(self(piece))
        return self.place(kept)


def only_head(network: Network) -> bool:
    """Whether a network has no weights below its head."""
    return next(network.embed.parameters(), None) is None
