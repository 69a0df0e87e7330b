"""The rows of a data set that are labelled, and those that may be queried."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Pool:
    """The rows of a data set by their status; a change returns a new pool."""

    mask: Tensor  # (n,) bool, true where labelled
    aside: Tensor  # (n,) bool, true where nobody could label, and nobody is asked again
    judging: Tensor  # (n,) bool, true where labelled to judge the model, which never learns them

    @classmethod
    def of(cls, size: int) -> Pool:
        """A pool of `size` rows, none of them labelled."""
        none = torch.zeros(size, dtype=torch.bool)
        return cls(none, none, none)

    def __len__(self) -> int:
        return len(self.mask)

    @property
    def labelled(self) -> Tensor:
        """The labelled rows, ascending."""
        return self.mask.nonzero().flatten()

    @property
    def unlabelled(self) -> Tensor:
        """The rows that may still be queried, ascending."""
        return (~self.mask & ~self.aside & ~self.judging).nonzero().flatten()

    def label(self, rows: Tensor) -> Pool:
        """The pool in which `rows` are labelled too."""
        return replace(self, mask=self._marked(self.mask, rows))

    def set_aside(self, rows: Tensor) -> Pool:
        """The pool in which `rows` are never asked about again."""
        return replace(self, aside=self._marked(self.aside, rows))

    def let_judge(self, rows: Tensor) -> Pool:
        """The pool in which `rows` judge the model."""
        return replace(self, judging=self._marked(self.judging, rows))

    def grown(self, count: int) -> Pool:
        """The pool with this many more rows at its end."""
        more = torch.zeros(count, dtype=torch.bool)
        masks = (self.mask, self.aside, self.judging)
        return Pool(*(torch.cat([mask, more]) for mask in masks))

    def _marked(self, mask: Tensor, rows: Tensor) -> Tensor:
        if rows.ndim != 1 or rows.dtype != torch.long:
            raise ValueError(f"`rows` must be a list of integers, got {rows.dtype} {rows.shape}")
        outside = rows[(rows < 0) | (rows >= len(self))]
        if len(outside):
            raise ValueError(f"row {outside[0]} is outside the pool of {len(self)} rows")
        values, counts = rows.unique(return_counts=True)
        if (counts > 1).any():
            raise ValueError(f"row {values[counts > 1][0]} is named twice")
        masks = (("labelled", self.mask), ("set aside", self.aside), ("a judge", self.judging))
        for name, taken in masks:
            if taken[rows].any():
                raise ValueError(f"row {rows[taken[rows]][0]} is already {name}")
        marked = mask.clone()
        marked[rows] = True
        return marked
