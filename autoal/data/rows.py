"""The rows of a data set."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Images:
    """Pictures and their classes, in RAM or mapped from a file."""

    images: Tensor  # (n, channels, height, width) uint8, or features in that shape
    labels: Tensor  # (n,) long
    part: str = "train"  # of the data set as it was loaded
    rows: Tensor | None = None  # their places in that part; None: all of it, in order
    whole: int = -1  # images in that part; -1: as many as there are here

    def __post_init__(self) -> None:
        if self.whole < 0:
            object.__setattr__(self, "whole", len(self))  # as frozen data classes do it

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: Tensor) -> Images:
        """Some of them, by row numbers or by a mask."""
        places = torch.arange(len(self)) if self.rows is None else self.rows
        return Images(self.images[rows], self.labels[rows], self.part, places[rows], self.whole)
