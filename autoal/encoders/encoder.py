"""What an encoder is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from autoal.data.rows import Rows
from autoal.data.texts import are_texts
from autoal.errors import UserError

BLOCK = 256  # rows that are encoded together


class Encoder(ABC):
    """Turns rows into tensors; whatever it learns first, it learns from the pool without labels.

    A plugin is a subclass, entered under the entry-point group `autoal.encoders`; the parameters of
    its `__init__` become options of the command line.
    """

    new_rows = True  # it encodes rows of no data set too, such as are to be predicted
    choice = ""  # what it has turned out to be, where its options alone do not tell

    @abstractmethod
    def key(self) -> str:
        """What the result depends on beside the rows: two encoders of one key do the same."""

    def leaves(self, rows: Rows) -> bool:
        """Whether rows like these stay as they are."""
        return False

    def learn(self, pool: Rows, device: torch.device) -> None:  # most learn nothing
        """Get ready to encode, once; the labels of the pool take no part."""

    @abstractmethod
    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        """What these rows become, (n, ...), mostly features (n, width) float32.

        A row becomes the same whichever rows stand beside it.
        """

    def stream(self, rows: Rows, device: torch.device) -> Iterator[Tensor]:
        """What `encode` makes of rows, some of them at a time, so that all are never in memory."""
        for piece in rows.pieces(BLOCK):
            yield self.encode(piece, device)

    def state_dict(self) -> dict[str, Any]:
        """All that was learnt, as tensors and plain values."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Encode as the encoder did whose state this is; it stands in the place of `learn`."""


def are_pictures(rows: Rows) -> bool:
    """Whether rows are (channels, height, width)."""
    return len(rows.shape) == 3


def demand_pictures(encoder: Encoder, rows: Rows) -> None:
    """Refuse rows that are no pictures, for an encoder that looks at nothing else."""
    if not are_pictures(rows):
        better = (
            "tfidf, or another one for texts" if are_texts(rows) else "none, or another encoder"
        )
        raise UserError(
            f"{type(encoder).__name__} encodes pictures, (channels, height, width), and these "
            f"{_called(rows)}: give encoder={better}"
        )


def demand_texts(encoder: Encoder, rows: Rows) -> None:
    """Refuse rows that are no texts, for an encoder that reads nothing else."""
    if not are_texts(rows):
        raise UserError(
            f"{type(encoder).__name__} encodes texts, and these {_called(rows)}: "
            "give encoder=auto, or another encoder"
        )


def _called(rows: Rows) -> str:
    return "rows are texts" if are_texts(rows) else f"rows have the shape {rows.shape}"
