"""What an encoder is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from autoal.data.rows import Rows
from autoal.errors import UserError

Parts = Mapping[str, Rows]  # train, which is the pool, and, where there are such, test, validation


class Encoder(ABC):
    """Turns rows into tensors once; whatever it learns, it learns from the pool without labels.

    A plugin is a subclass, entered under the entry-point group `autoal.encoders`; the parameters of
    its `__init__` become options of the command line.
    """

    learns = True  # something from the pool, without which other rows cannot be encoded

    @abstractmethod
    def key(self) -> str:
        """What the result depends on beside the rows: two encoders of one key do the same."""

    @abstractmethod
    def encode(self, parts: Parts, device: torch.device) -> dict[str, Tensor]:
        """What each part's rows become, (n, ...), mostly features (n, width) float32."""


def demand_pictures(encoder: Encoder, parts: Parts) -> None:
    """Refuse rows that are no pictures, for an encoder that looks at nothing else."""
    for rows in parts.values():
        if len(rows.shape) != 3:
            raise UserError(
                f"{type(encoder).__name__} encodes pictures, (channels, height, width), and these "
                f"rows have the shape {rows.shape}: give encoder=none, or another encoder"
            )
