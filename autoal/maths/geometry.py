"""Distances in feature space, in blocks: nothing here is as large as the pool times the pool.

Features may be of any floating type; each block is taken to float32 before it is computed with.
What follows from the order of the rows follows from the order given here: strategies hand them over
by ascending row number.
"""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

BLOCK = 1 << 22  # numbers in an intermediate result: as many as caches still help with
ROUNDING = 1e-6  # squared distances up to this share of the squared lengths are taken to be 0
ACTIVE = 1024  # rows, at least, that are kept up to date between two passes over all rows


def blocks(
    features: Tensor, columns: int, dtype: torch.dtype = torch.float32
) -> Iterator[tuple[slice, Tensor]]:
    """Pieces of the rows, so small that a result of that many columns fits in memory."""
    size = max(1, BLOCK // max(columns, features.shape[1], 1))
    for begin in range(0, len(features), size):
        piece = slice(begin, begin + size)
        yield piece, features[piece].to(dtype)


def in_one(parts: Iterable[Tensor], count: int, dim: int = 0) -> Tensor:
    """All parts, joined along a dimension, in which they have so many rows together.

    They are copied as they come: small results that are kept between large blocks would leave
    holes in the memory, which can add up to more than all blocks together.
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
    """Of each row to each anchor, (n, anchors); the caller sees to it that this is not too large.

    By the scalar product, which is fast; never below 0, and 0 where it drowns in rounding.
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
    halves = _lengths([anchors]) / 2
    distances = features.new_empty(len(features), dtype=torch.float32)
    places = torch.empty(len(features), dtype=torch.long, device=features.device)
    for piece, block in blocks(features, len(anchors)):
        # x.a - |a|^2 / 2 is largest where |x - a|^2 is smallest, at one pass less.
        best, places[piece] = torch.addmm(-halves, block, anchors.T).max(1)
        half = halves[places[piece]]
        distances[piece] = _apart(_lengths([block]) + 2 * half, best + half)
    return distances, places


def unit(features: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """The rows at length 1; a row of zeros stays as it is."""
    rows = torch.empty_like(features, dtype=dtype)
    for piece, block in blocks(features, 1):
        rows[piece] = torch.nn.functional.normalize(block, dim=1).to(dtype)
    return rows


def sample(size: int, count: int, generator: torch.Generator) -> Tensor:
    """So many places out of `size`, or all if there are no more, as drawn.

    Not sorted, so that a strategy that takes the first of the best leaves ties to chance.
    """
    return torch.randperm(size, generator=generator)[:count]


def approach(distances: Tensor, factors: Sequence[Tensor], picks: list[int]) -> None:
    """Lower the squared distances of all rows by what is near the picks."""
    chosen = _rows(factors, picks)
    widest = max(factors, key=lambda factor: factor.shape[1])
    for piece, _ in blocks(widest, len(picks)):
        apart = outer_distances(_rows(factors, piece), chosen)
        distances[piece] = distances[piece].minimum(apart.amin(1))


def _rows(factors: Sequence[Tensor], places: slice | list[int]) -> list[Tensor]:
    return [factor[places].float() for factor in factors]


def outer_distances(left: Sequence[Tensor], right: Sequence[Tensor]) -> Tensor:
    """Squared distances of outer products, (left, right), by the lengths and products of factors.

    There is no memory for the outer products themselves; of one factor, they are its rows.
    """
    products = left[0] @ right[0].T
    for rows, others in zip(left[1:], right[1:], strict=True):
        products *= rows @ others.T
    return _apart(_lengths(left)[:, None] + _lengths(right), products)


def _lengths(factors: Sequence[Tensor]) -> Tensor:
    """The squared length of each outer product, (n,)."""
    lengths = (factors[0] ** 2).sum(1)
    for factor in factors[1:]:
        lengths = lengths * (factor**2).sum(1)
    return lengths


def _apart(lengths: Tensor, products: Tensor) -> Tensor:
    """Squared distances from the sums of squared lengths, which are used up, and products."""
    apart = torch.sub(lengths, products, alpha=2)
    # The same row twice must have no distance, or chance would decide what rounding left of it.
    return apart.masked_fill_(apart <= lengths.mul_(ROUNDING), 0.0)


def farthest_first(features: Tensor, count: int, distances: Tensor) -> tuple[list[int], Tensor]:
    """The row farthest from all so far, again and again (Gonzalez, 1985).

    Less than `count` come back if no other row is apart from them.

    Args:
        features: (n, width).
        count: how many to pick.
        distances: squared, of each row to what there is already, (n,).

    Returns:
        The places of the picks in their order, and the squared distances after them, (n,).
    """
    picks: list[int] = []
    distances = distances.clone()
    newest = _farthest(features, distances, count)
    while newest:
        picks += newest
        approach(distances, [features], newest)
        newest = _farthest(features, distances, count - len(picks))
    return picks, distances


def _farthest(features: Tensor, distances: Tensor, count: int) -> list[int]:
    """The next picks, as many as are certain from the rows that are farthest now.

    Distances only fall, so that no other row can be farther than the last of them is now.
    """
    top = distances.topk(min(len(features), max(ACTIVE, len(features) // 16)))
    active, left, bound = features[top.indices].float(), top.values.clone(), float(top.values[-1])
    lengths = _lengths([active])
    picks: list[int] = []
    while len(picks) < count:
        at = int(left.argmax())
        if not float(left[at]) >= max(bound, torch.finfo(left.dtype).tiny):
            break
        picks.append(int(top.indices[at]))
        products = active @ active[at]
        left = left.minimum(_apart(lengths + lengths[at], products))
    return picks
