"""The contract of an encoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from autoal.data.rows import Rows
from autoal.data.texts import are_texts
from autoal.errors import UserError

BLOCK = 256  # rows encoded together


class Encoder(ABC):
    """Turns rows into tensors; it may first learn from the pool, without labels.

    A plugin is a subclass, registered under the entry-point group `autoal.encoders`; the parameters
    of its `__init__` become options of the command line.
    """

    new_rows = True  # it also encodes rows from outside the data set, such as those to predict
    choice = ""  # what it turned out to be, if its options alone do not say

    @abstractmethod
    def key(self) -> str:
        """A key of everything but the rows: encoders with equal keys give equal results."""

    def leaves(self, rows: Rows) -> bool:
        """Whether rows like these stay unchanged."""
        return False

    def learn(self, pool: Rows, device: torch.device) -> None:  # most learn nothing
        """Get ready to encode, once; the labels of the pool play no part."""

    @abstractmethod
    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        """Encode these rows, (n, ...), mostly as features (n, width) float32.

        A row's result does not depend on the other rows.
        """

    def stream(self, rows: Rows, device: torch.device) -> Iterator[Tensor]:
        """Encode rows a few at a time, so that they are never all in memory."""
        for piece in rows.pieces(BLOCK):
            yield self.encode(piece, device)

    def state_dict(self) -> dict[str, Any]:
        """Everything learnt, as tensors and plain values."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Encode as the encoder with this state did; replaces `learn`."""


def are_pictures(rows: Rows) -> bool:
    """Whether rows are (channels, height, width)."""
    return len(rows.shape) == 3


def demand_pictures(encoder: Encoder, rows: Rows) -> None:
    """Refuse rows that are not pictures, for an encoder that reads only pictures."""
    if not are_pictures(rows):
        better = (
            "tfidf, or another one for texts" if are_texts(rows) else "none, or another encoder"
        )
        raise UserError(
            f"{type(encoder).__name__} encodes pictures, (channels, height, width), and these "
            f"{_called(rows)}: give encoder={better}"
        )


def demand_texts(encoder: Encoder, rows: Rows) -> None:
    """Refuse rows that are not texts, for an encoder that reads only texts."""
    if not are_texts(rows):
        raise UserError(
            f"{type(encoder).__name__} encodes texts, and these {_called(rows)}: "
            "give encoder=auto, or another encoder"
        )


def _called(rows: Rows) -> str:
    return "rows are texts" if are_texts(rows) else f"rows have the shape {rows.shape}"
