"""Representative rows: seeds by k-means++, and the clusters of k-means.

As in `geometry`, features may be of any floating type, are processed in blocks, and come in the
order of their row numbers.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from autoal.maths.geometry import (
    approach,
    blocks,
    nearest,
    outer_distances,
    outer_lengths,
    sample,
)

NEWEST = 128  # picks between two passes over all rows
SPARE = 16  # draws beyond these, as some are refused


class Clusters(NamedTuple):
    """Centres, and for each row the place of the nearest and its squared distance."""

    centres: Tensor  # (clusters, width) float32
    assignment: Tensor  # (n,) long
    distances: Tensor  # (n,) float32


def seeds(
    factors: Sequence[Tensor], count: int, generator: torch.Generator, first: int | None = None
) -> tuple[list[int], Tensor]:
    """Rows drawn by k-means++ (Arthur and Vassilvitskii, 2007), and all rows' distances to them.

    Each is drawn with a probability proportional to the squared distance to the nearest one so
    far. Fewer than `count` come back if no further row differs from them.

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
    lengths = outer_lengths(factors)
    distances = torch.full_like(lengths, torch.inf)
    while newest:
        approach(distances, factors, lengths, newest)
        newest = _draws(distances, factors, min(NEWEST, count - len(picks)), generator)
        picks += newest
    return picks, distances


def _draws(
    distances: Tensor, factors: Sequence[Tensor], count: int, generator: torch.Generator
) -> list[int]:
    """Draw some more seeds by distances that ignore one another.

    A row drawn by the old distances is taken with the probability new / old, which makes it a draw
    by the new ones, without a pass over all rows for each.
    """
    sums = distances.cpu().double().cumsum(0)  # in double, so that a million rows all count
    if not count or not sums[-1] > 0:
        return []
    chances, shares = torch.rand(2, count + SPARE, generator=generator, dtype=torch.float64)
    drawn = torch.searchsorted(sums, chances * sums[-1], right=True).clamp(max=len(sums) - 1)
    rows = [factor[drawn.to(factor.device)].float() for factor in factors]
    apart, before = outer_distances(rows, rows).cpu(), distances.cpu()[drawn]
    limits, after = shares * before, before
    picks: list[int] = []
    for number, place in enumerate(drawn.tolist()):
        if limits[number] < after[number]:
            picks.append(place)
            after = after.minimum(apart[number])
    return picks[:count]


def kmeans(
    features: Tensor,
    count: int,
    generator: torch.Generator,
    *,
    iterations: int = 20,
    most: int | None = None,
) -> Clusters:
    """k-means from k-means++ seeds (Lloyd, 1982), until nothing moves or after this many rounds.

    Fewer than `count` clusters come back if there are fewer distinct rows; a cluster that loses all
    its rows restarts at the row farthest from its centre.

    Args:
        features: (n, width).
        count: of clusters.
        generator: on the CPU.
        iterations: most rounds.
        most: most rows to learn the centres from, drawn if there are more; None: all.
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
    """k-means starting from these centres."""
    distances, assignment = nearest(features, centres)
    for _ in range(iterations):
        centres = _means(features, Clusters(centres, assignment, distances))
        distances, now = nearest(features, centres)
        if torch.equal(now, assignment):
            break
        assignment = now
    return Clusters(centres, assignment, distances)


def _means(features: Tensor, clusters: Clusters) -> Tensor:
    """The mean of the rows assigned to each centre."""
    centres = torch.zeros_like(clusters.centres)
    for piece, block in blocks(features, len(centres)):
        if block.is_cuda:  # where index_add_ sums in a different order each time
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
