"""What an encoder is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from autoal.data.rows import Rows
from autoal.errors import UserError


class Encoder(ABC):
    """Turns rows into tensors; whatever it learns first, it learns from the pool without labels.

    A plugin is a subclass, entered under the entry-point group `autoal.encoders`; the parameters of
    its `__init__` become options of the command line.
    """

    new_rows = True  # it encodes rows of no data set too, such as are to be predicted

    @abstractmethod
    def key(self) -> str:
        """What the result depends on beside the rows: two encoders of one key do the same."""

    def learn(self, pool: Rows, device: torch.device) -> None:  # most learn nothing
        """Get ready to encode, once; the labels of the pool take no part."""

    @abstractmethod
    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        """What these rows become, (n, ...), mostly features (n, width) float32.

        A row becomes the same whichever rows stand beside it.
        """

    def state_dict(self) -> dict[str, Any]:
        """All that was learnt, as tensors and plain values."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Encode as the encoder did whose state this is; it stands in the place of `learn`."""


def demand_pictures(encoder: Encoder, rows: Rows) -> None:
    """Refuse rows that are no pictures, for an encoder that looks at nothing else."""
    if len(rows.shape) != 3:
        raise UserError(
            f"{type(encoder).__name__} encodes pictures, (channels, height, width), and these "
            f"rows have the shape {rows.shape}: give encoder=none, or another encoder"
        )
