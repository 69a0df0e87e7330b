"""Numbers between all rows of one set: squared distances, or a function of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn.functional import threshold

from autoal.maths.geometry import BLOCK, ROUNDING

HELD = 1 << 29  # bytes for numbers between all rows; if they would take more, they are
# computed on demand
STRIP = 512  # rows whose numbers are computed at a time

Function = Callable[[Tensor], Tensor]  # of each number


class Pairs:
    """A number for each two rows: their squared distance, until it becomes a function of it.

    Each is computed once for both of its rows, when first needed.

    Args:
        features: (n, width), of similar lengths or 0.
    """

    def __init__(self, features: Tensor) -> None:
        lengths = (features**2).sum(1, keepdim=True)
        ones = torch.ones_like(lengths)
        # So that one product gives |a|^2 - 2 ab + |b|^2.
        self._left = torch.cat([-2 * features, lengths, ones], 1)
        self._right = torch.cat([features, ones, lengths], 1)
        self._rounding = 2 * ROUNDING * float(lengths.max())
        self._function: Function = lambda squared: squared
        self._held: Tensor | None = None

    def __len__(self) -> int:
        return len(self._left)

    def become(self, function: Function) -> None:
        """Replace the squared distances by a function of them."""
        self._function = function
        if self._held is not None:
            for strip in self._held.split(STRIP):
                strip.copy_(function(strip))

    def rows(self, places: Tensor) -> Tensor:
        """The numbers between these rows and all, (places, n), which the caller may overwrite."""
        if 4 * len(self) ** 2 > HELD:
            return self._between(places, len(self))
        if self._held is None:
            self._held = self._all()
        return self._held.index_select(0, places.to(self._held.device))

    def blocks(self, places: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The same for some places at a time, together with these."""
        for some in places.split(max(1, BLOCK // len(self))):
            yield some, self.rows(some)

    def _all(self) -> Tensor:
        size = len(self)
        numbers = self._left.new_empty(size, size)
        for begin in range(0, size, STRIP):
            strip, end = slice(begin, begin + STRIP), min(begin + STRIP, size)
            numbers[strip, :end] = self._between(strip, end)
            numbers[:begin, strip] = numbers[strip, :begin].T
        return numbers

    def _between(self, places: Tensor | slice, first: int) -> Tensor:
        """The numbers between these rows and the first ones."""
        apart = self._left[places] @ self._right[:first].T
        # Equal rows must have distance 0, not a random rounding error.
        threshold(apart, self._rounding, 0.0, inplace=True)
        return self._function(apart)
