"""Limits of a batch: its rows or their cost, and how alike they may be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, repeat

import torch
from torch import Tensor

from autoal.maths.geometry import sample
from autoal.model.features import Features
from autoal.query.view import View

LOOKED_AT = 100  # rows of a pool whose nearest neighbours show how far apart rows are
LISTED = 1024  # places turned into Python numbers at a time
ROUNDING = 1e-9  # relative error allowed in a sum of costs


@dataclass(frozen=True, eq=False)
class Limits:
    """Limits of a batch.

    Args:
        size: how many rows to ask a strategy for.
        spend: what the rows may cost together; None: take `size` rows.
        prices: of each row of the pool, (pool,).
        most: what a single row may cost if none fits into `spend`.
        per_cost: rank rows by worth per cost.
        apart: the least distance of two rows, in median distances to the nearest neighbour.
    """

    size: int
    spend: float | None = None
    prices: Tensor | None = None
    most: float = 0.0
    per_cost: bool = False
    apart: float | None = None

    def part(self, places: Tensor, size: int) -> Limits:
        """The limits of a part of the batch, from a part of the pool."""
        if self.spend is None or self.prices is None:
            return replace(self, size=size)
        share = self.spend * size / self.size
        return replace(self, size=size, spend=share, prices=self.prices[places])


class Basket:
    """Takes rows of a pool into a batch, best first, as far as they fit.

    Args:
        view: of the pool.
        apart: the least distance of two rows; None: any.
    """

    def __init__(self, view: View, apart: float | None = None) -> None:
        self._apart = None if apart is None else Apart.of(view, apart)

    def fill(self, order: Tensor, rows: Tensor, limits: Limits) -> Tensor:
        """Take those of some rows that fit; return their places.

        Args:
            order: places of the rows, best first.
            rows: for each place, the row's position in the pool.
            limits: of this filling.
        """
        if limits.spend is None or limits.prices is None:
            return self._fitting(order, rows, repeat(1.0, len(order)), 1.0, limits.size)
        prices = limits.prices[order].tolist()
        cheapest = min(prices, default=0.0)
        taken = self._fitting(order, rows, prices, cheapest, limits.spend)
        return taken if len(taken) else self._single(order, rows, prices, limits.most)

    def _fitting(
        self, order: Tensor, rows: Tensor, prices: Iterable[float], cheapest: float, spend: float
    ) -> Tensor:
        """As many as their prices allow."""
        left = spend * (1 + ROUNDING)
        taken: list[int] = []
        for place, price in zip(_numbers(order), prices, strict=True):
            if left < cheapest:
                break
            if price <= left and self._admits(int(rows[place])):
                taken.append(place)
                left -= price
        return torch.tensor(taken, dtype=torch.long)

    def _single(self, order: Tensor, rows: Tensor, prices: Sequence[float], most: float) -> Tensor:
        """The best row that costs no more than this."""
        fits = (torch.tensor(prices) <= most * (1 + ROUNDING)).nonzero().flatten()
        free = (place for place in order[fits].tolist() if self._admits(int(rows[place])))
        return torch.tensor([*islice(free, 1)], dtype=torch.long)

    def _admits(self, row: int) -> bool:
        return self._apart is None or self._apart.admits(row)


class Apart:
    """Keeps out rows that are too near to one that has joined.

    Args:
        pool: the rows that may join.
        least: distance from which rows count as apart; equal rows never do.
    """

    def __init__(self, pool: Features, least: float) -> None:
        self._pool = pool
        self._least = least
        self._joined = torch.empty(0, pool.width)

    @classmethod
    def of(cls, view: View, least: float) -> Apart:
        """With distances in units of the pool's median nearest-neighbour distance."""
        drawn = sample(len(view.pool), LOOKED_AT, view.generator())
        return cls(view.pool, least * spacing(view.pool, drawn))

    def admits(self, row: int) -> bool:
        """Whether a row of the pool joins."""
        here = _exact(self._pool.embedded(torch.tensor([row])))
        distances = _distances(here, self._joined)
        if bool(((distances < self._least) | (distances == 0)).any()):
            return False
        self._joined = torch.cat([self._joined, here])
        return True


def spacing(pool: Features, some: Tensor) -> float:
    """The median distance of some rows to the nearest row that differs from them."""
    drawn = _exact(pool.embedded(some))
    nearest = torch.full((len(some),), torch.inf)
    for piece in pool.pieces():
        distances = _distances(drawn, _exact(piece))
        nearest = nearest.minimum(distances.masked_fill(distances == 0, torch.inf).amin(1))
    there = nearest[nearest.isfinite()]
    return float(there.median()) if len(there) else 0.0


def _numbers(places: Tensor) -> Iterator[int]:
    """The places one by one, not as one list, since mostly only the first are needed."""
    for some in places.split(LISTED):
        yield from some.tolist()


def _exact(embeddings: Tensor) -> Tensor:
    return embeddings.cpu().float()


def _distances(first: Tensor, second: Tensor) -> Tensor:
    """Distances of each of the first to each of the second; exactly 0 for equal rows."""
    return torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist")
