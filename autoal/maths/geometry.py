"""Distances in feature space, in blocks: nothing here is as large as the pool times the pool.

Features may be of any floating type; each block is converted to float32 first. Results that depend
on the order of rows depend on the given order: strategies pass rows by ascending number.
"""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

BLOCK = 1 << 22  # numbers in an intermediate result, small enough for caches
ROUNDING = 1e-6  # squared distances up to this share of the squared lengths count as 0
ACTIVE = 1024  # rows of which each pick is compared with all


def blocks(
    features: Tensor, columns: int, dtype: torch.dtype = torch.float32
) -> Iterator[tuple[slice, Tensor]]:
    """Pieces of the rows, small enough for a result with that many columns to fit in memory."""
    size = max(1, BLOCK // max(columns, features.shape[1], 1))
    for begin in range(0, len(features), size):
        piece = slice(begin, begin + size)
        yield piece, features[piece].to(dtype)


def in_one(parts: Iterable[Tensor], count: int, dim: int = 0) -> Tensor:
    """Join parts along a dimension, in which they have `count` rows together.

    Each is copied as it comes: small results kept between large blocks would leave holes in the
    memory, which can add up to more than the data.
    """
    found, place = torch.empty(0), 0
    for part in parts:
        rows = part.shape[dim]
        if not place:
            found = part.new_empty(*part.shape[:dim], count, *part.shape[dim + 1 :])
        found.narrow(dim, place, rows).copy_(part)
        place += rows
    return found


def squared_distances(features: Tensor, anchors: Tensor) -> Tensor:
    """The squared distance of each row to each anchor, (n, anchors); the caller limits its size.

    It uses the scalar product, which is fast; never below 0, and 0 within rounding errors.
    """
    features, anchors = features.float(), anchors.float()
    return outer_distances([features], [anchors])


def neighbours(features: Tensor, anchors: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Distances to the nearest anchors and their places, both (n, count), nearest first."""
    count = min(count, len(anchors))
    distances = features.new_empty(len(features), count, dtype=torch.float32)
    places = torch.empty(len(features), count, dtype=torch.long, device=features.device)
    for piece, block in blocks(features, len(anchors)):
        nearest = squared_distances(block, anchors).topk(count, largest=False)
        distances[piece], places[piece] = nearest.values.sqrt_(), nearest.indices
    return distances, places


def nearest(features: Tensor, anchors: Tensor) -> tuple[Tensor, Tensor]:
    """The squared distance to the nearest anchor and its place, both (n,); needs an anchor."""
    anchors = anchors.float()
    halves = outer_lengths([anchors]) / 2
    distances = features.new_empty(len(features), dtype=torch.float32)
    places = torch.empty(len(features), dtype=torch.long, device=features.device)
    for piece, block in blocks(features, len(anchors)):
        # x.a - |a|^2 / 2 is largest where |x - a|^2 is smallest, and saves a pass.
        best, places[piece] = torch.addmm(-halves, block, anchors.T).max(1)
        half = halves[places[piece]]
        distances[piece] = _apart(outer_lengths([block]) + 2 * half, best + half)
    return distances, places


def unit(features: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """The rows scaled to length 1; a row of zeros stays unchanged."""
    rows = torch.empty_like(features, dtype=dtype)
    for piece, block in blocks(features, 1):
        rows[piece] = torch.nn.functional.normalize(block, dim=1).to(dtype)
    return rows


def sample(size: int, count: int, generator: torch.Generator) -> Tensor:
    """This many places out of `size`, or all if there are no more, in drawn order.

    They are not sorted, so that taking the first of the best leaves ties to chance.
    """
    return torch.randperm(size, generator=generator)[:count]


def approach(
    distances: Tensor, factors: Sequence[Tensor], lengths: Tensor, picks: list[int]
) -> None:
    """Lower the squared distances of all rows to those from the picks.

    Args:
        distances: (n,), changed in place.
        factors: a row of the space is the outer product of the factors' rows.
        lengths: squared, of the rows, (n,).
        picks: places of some rows, at least one.
    """
    chosen, halves = _rows(factors, picks), lengths[picks] / 2
    widest = max(factors, key=lambda factor: factor.shape[1])
    for piece, _ in blocks(widest, len(picks)):
        # As in `nearest`; close to a pick, where rounding counts, both rows are of one length.
        best = _products(_rows(factors, piece), chosen).sub_(halves).amax(1)
        apart = _apart(2 * lengths[piece], best + lengths[piece] / 2)
        distances[piece] = distances[piece].minimum(apart)


def outer_distances(left: Sequence[Tensor], right: Sequence[Tensor]) -> Tensor:
    """Squared distances of outer products, (left, right), by the lengths and products of factors.

    The outer products themselves would not fit in memory; with one factor, they are its rows.
    """
    lengths = outer_lengths(left)[:, None] + outer_lengths(right)
    return _apart(lengths, _products(left, right))


def outer_lengths(factors: Sequence[Tensor]) -> Tensor:
    """The squared length of each outer product, (n,)."""
    lengths = factors[0].new_ones(len(factors[0]), dtype=torch.float32)
    for factor in factors:
        for piece, block in blocks(factor, 1):
            lengths[piece] *= (block**2).sum(1)
    return lengths


def _rows(factors: Sequence[Tensor], places: slice | list[int]) -> list[Tensor]:
    return [factor[places].float() for factor in factors]


def _products(left: Sequence[Tensor], right: Sequence[Tensor]) -> Tensor:
    """Scalar products of outer products, (left, right)."""
    products = left[0] @ right[0].T
    for rows, others in zip(left[1:], right[1:], strict=True):
        products *= rows @ others.T
    return products


def _apart(lengths: Tensor, products: Tensor) -> Tensor:
    """Squared distances from the sums of squared lengths, which are overwritten, and products."""
    apart = torch.sub(lengths, products, alpha=2)
    # Equal rows must have distance 0, not a random rounding error.
    return apart.masked_fill_(apart <= lengths.mul_(ROUNDING), 0.0)


def farthest_first(features: Tensor, count: int, distances: Tensor) -> tuple[list[int], Tensor]:
    """The row farthest from all so far, again and again (Gonzalez, 1985).

    Fewer than `count` come back if no further row differs from them.

    Args:
        features: (n, width).
        count: how many to pick.
        distances: squared, of each row to what there is already, (n,).

    Returns:
        The places of the picks in order, and the squared distances after them, (n,).
    """
    picks: list[int] = []
    distances, lengths = distances.clone(), outer_lengths([features])
    newest = _farthest(features, lengths, distances, count)
    while newest:
        picks += newest
        approach(distances, [features], lengths, newest)
        newest = _farthest(features, lengths, distances, count - len(picks))
    return picks, distances


def _farthest(
    features: Tensor, lengths: Tensor, distances: Tensor, count: int, least: float = 0.0
) -> list[int]:
    """The next picks, as many as the currently farthest rows determine.

    Distances only fall, so no other row can be farther than the last of these is now. The same
    holds among them, down to so few that they stay in a processor's cache.

    Args:
        features: (n, width).
        lengths: squared, of the rows, (n,).
        distances: squared, of each row to what there is already, (n,).
        count: most picks.
        least: a pick is at least that far.
    """
    if len(features) <= ACTIVE:
        return _one_by_one(features.float(), lengths, distances, count, least)
    top = distances.topk(max(ACTIVE, len(features) // 16))
    active, left = features[top.indices].float(), top.values.clone()
    theirs, least = lengths[top.indices], max(least, float(left[-1]))
    picks: list[int] = []
    while newest := _farthest(active, theirs, left, count - len(picks), least):
        picks += newest
        approach(left, [active], theirs, newest)
    return top.indices[picks].tolist()


def _one_by_one(
    features: Tensor, lengths: Tensor, distances: Tensor, count: int, least: float
) -> list[int]:
    least = max(least, torch.finfo(distances.dtype).tiny)
    picks: list[int] = []
    while len(picks) < count:
        at = int(distances.argmax())
        if not float(distances[at]) >= least:
            break
        picks.append(at)
        products = features @ features[at]
        distances = distances.minimum(_apart(lengths + lengths[at], products))
    return picks
