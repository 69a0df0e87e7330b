"""Which rows of the data set are labelled."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Pool:
    """The rows of a data set, each labelled or not; labelling returns a new pool."""

    mask: Tensor  # (n,) bool, true where labelled

    @classmethod
    def of(cls, size: int) -> Pool:
        """A pool of `size` rows, none of them labelled."""
        return cls(torch.zeros(size, dtype=torch.bool))

    def __len__(self) -> int:
        return len(self.mask)

    @property
    def labelled(self) -> Tensor:
        """The labelled rows, ascending."""
        return self.mask.nonzero().flatten()

    @property
    def unlabelled(self) -> Tensor:
        """The rows that may still be queried, ascending."""
        return (~self.mask).nonzero().flatten()

    def label(self, rows: Tensor) -> Pool:
        """The pool in which `rows` are labelled too."""
        if rows.ndim != 1 or rows.dtype != torch.long:
            raise ValueError(f"`rows` must be a list of integers, got {rows.dtype} {rows.shape}")
        outside = rows[(rows < 0) | (rows >= len(self))]
        if len(outside):
            raise ValueError(f"row {outside[0]} is outside the pool of {len(self)} rows")
        values, counts = rows.unique(return_counts=True)
        if (counts > 1).any():
            raise ValueError(f"row {values[counts > 1][0]} is named twice")
        if self.mask[rows].any():
            raise ValueError(f"row {rows[self.mask[rows]][0]} is labelled already")
        mask = self.mask.clone()
        mask[rows] = True
        return Pool(mask)
