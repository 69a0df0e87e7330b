"""Distances in feature space, in blocks: nothing here is as large as the pool times the pool.

Features may be of any floating type; each block is taken to float32 before it is computed with.
What follows from the order of the rows follows from the order given here: strategies hand them over
by ascending row number.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 1 << 22  # numbers in an intermediate result: as many as caches still help with
ROUNDING = 1e-6  # squared distances up to this share of the squared lengths are taken to be 0
NEWEST = 64  # picks between two passes over all rows
REFUSALS = 8  # draws refused between two passes over all rows
ACTIVE = 1024  # rows, at least, that are kept up to date between two passes over all rows


class Clusters(NamedTuple):
    """Centres, and for each row the place of the nearest and its squared distance."""

    centres: Tensor  # (clusters, width) float32
    assignment: Tensor  # (n,) long
    distances: Tensor  # (n,) float32


def blocks(
    features: Tensor, columns: int, dtype: torch.dtype = torch.float32
) -> Iterator[tuple[slice, Tensor]]:
    """Pieces of the rows, so small that a result of that many columns fits in memory."""
    size = max(1, BLOCK // max(columns, features.shape[1], 1))
    for begin in range(0, len(features), size):
        piece = slice(begin, begin + size)
        yield piece, features[piece].to(dtype)


def squared_distances(features: Tensor, anchors: Tensor) -> Tensor:
    """Of each row to each anchor, (n, anchors); the caller sees to it that this is not too large.

    By the scalar product, which is fast; never below 0, and 0 where it drowns in rounding.
    """
    features, anchors = features.float(), anchors.float()
    return _between([features], [anchors])


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


def seeds(
    factors: Sequence[Tensor], count: int, generator: torch.Generator, first: int | None = None
) -> tuple[list[int], Tensor]:
    """Rows drawn by k-means++ (Arthur and Vassilvitskii, 2007), and how far all are from them.

    Each is drawn with a probability proportional to the squared distance to the nearest one so
    far. Less than `count` come back if no other row is apart from them.

    Args:
        factors: a row of the space is the outer product of the factors' rows; mostly there is one
            factor, the features, (n, width).
        count: how many to draw.
        generator: on the CPU.
        first: the row to begin with; drawn with equal probability if not given.

    Returns:
        Their places as drawn, and the squared distances of all rows to the nearest, (n,).
    """
    size = len(factors[0])
    if first is None:
        first = int(torch.randint(size, (1,), generator=generator))
    picks, newest = [first], [first]
    distances = torch.full((size,), torch.inf, device=factors[0].device)
    while newest:
        _approach(distances, factors, newest)
        newest = _draws(distances, factors, min(NEWEST, count - len(picks)), generator)
        picks += newest
    return picks, distances


def _draws(
    distances: Tensor, factors: Sequence[Tensor], count: int, generator: torch.Generator
) -> list[int]:
    """Some more seeds, by distances that know nothing of one another.

    A row drawn by the old distances is taken with the probability new / old, which makes it a draw
    by the new ones, without a pass over all rows for each.
    """
    sums = distances.cpu().double().cumsum(0)  # in double, so that a million rows all count
    picks: list[int] = []
    taken = [factor.new_empty(count, factor.shape[1], dtype=torch.float32) for factor in factors]
    refusals = 0
    while len(picks) < count and refusals < REFUSALS and sums[-1] > 0:
        chance, threshold = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
        place = min(int(torch.searchsorted(sums, chance * sums[-1], right=True)), len(sums) - 1)
        drawn = _rows(factors, slice(place, place + 1))
        after = before = float(distances[place])
        if picks:
            apart = _between(drawn, [rows[: len(picks)] for rows in taken])
            after = min(before, float(apart.min()))
        if threshold * before < after:
            for rows, row in zip(taken, drawn, strict=True):
                rows[len(picks)] = row[0]
            picks.append(place)
        else:
            refusals += 1
    return picks


def _approach(distances: Tensor, factors: Sequence[Tensor], picks: list[int]) -> None:
    """Lower the squared distances of all rows by what is near the picks."""
    chosen = _rows(factors, picks)
    widest = max(factors, key=lambda factor: factor.shape[1])
    for piece, _ in blocks(widest, len(picks)):
        apart = _between(_rows(factors, piece), chosen)
        distances[piece] = distances[piece].minimum(apart.amin(1))


def _rows(factors: Sequence[Tensor], places: slice | list[int]) -> list[Tensor]:
    return [factor[places].float() for factor in factors]


def _between(left: Sequence[Tensor], right: Sequence[Tensor]) -> Tensor:
    """Squared distances of outer products, (left, right), by the lengths and products of factors.

    There is no memory for the outer products themselves.
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
        _approach(distances, [features], newest)
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


def kmeans(
    features: Tensor,
    count: int,
    generator: torch.Generator,
    *,
    iterations: int = 20,
    most: int | None = None,
) -> Clusters:
    """k-means from k-means++ seeds (Lloyd, 1982), until nothing moves or after that many rounds.

    Less than `count` clusters come back if there are less distinct rows; a cluster that loses all
    its rows begins anew at the row farthest from its centre.

    Args:
        features: (n, width).
        count: of clusters.
        generator: on the CPU.
        iterations: rounds, at most.
        most: rows that the centres are learnt from, drawn where there are more; None: all.
    """
    few = features
    if most is not None and len(features) > most:
        few = features[sample(len(features), most, generator).to(features.device)]
    picks, _ = seeds([few], min(count, len(few)), generator)
    clusters = kmeans_from(few, few[picks].float(), iterations)
    if few is features:
        return clusters
    distances, assignment = nearest(features, clusters.centres)
    return Clusters(clusters.centres, assignment, distances)


def kmeans_from(features: Tensor, centres: Tensor, iterations: int = 20) -> Clusters:
    """k-means that begins at these centres."""
    distances, assignment = nearest(features, centres)
    for _ in range(iterations):
        centres = _means(features, Clusters(centres, assignment, distances))
        distances, now = nearest(features, centres)
        if torch.equal(now, assignment):
            break
        assignment = now
    return Clusters(centres, assignment, distances)


def _means(features: Tensor, clusters: Clusters) -> Tensor:
    """The centres of the rows that were assigned to each."""
    centres = torch.zeros_like(clusters.centres)
    for piece, block in blocks(features, len(centres)):
        if block.is_cuda:  # where index_add_ sums in another order each time
            members = torch.nn.functional.one_hot(clusters.assignment[piece], len(centres))
            centres += members.T.float() @ block
        else:
            centres.index_add_(0, clusters.assignment[piece], block)
    sizes = clusters.assignment.bincount(minlength=len(centres))
    centres /= sizes.clamp(min=1)[:, None]
    empty = (sizes == 0).nonzero().flatten()
    far = clusters.distances.topk(len(empty))
    centres[empty] = features[far.indices].float()
    return centres
