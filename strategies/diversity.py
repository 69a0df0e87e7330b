"""Rows that are spread over the pool, by the distances of their features."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Any

import torch
from torch import Tensor

from autoal import QueryStrategy, Scored, View, from_order
from autoal.bounds import number, switch, whole
from autoal.maths.clusters import Clusters, kmeans
from autoal.maths.coverage import Kernel, ball
from autoal.maths.geometry import blocks, farthest_first, nearest, neighbours, sample, unit
from autoal.maths.pairs import Pairs
from autoal.query.cover import Ground, covering
from autoal.query.strategy import drawn, placed

SMALL = 5  # clusters up to this size are outliers to TypiClust
PURE = 0.95  # share of ProbCover's balls that must not mix clusters


class KMeans(QueryStrategy):
    """The row nearest to the centre of each of `budget` clusters (Nguyen and Smeulders, 2004).

    Args:
        iterations: most rounds of k-means.
        sample: how many rows to draw from a larger pool to learn the centres; should be well above
            the budget. The rows nearest to them are sought in the whole pool.
        normalise: scale every embedding to length 1 first. On a transformer's embeddings, this is
            BERT-KM (Yuan et al., 2020).
    """

    reads = ("embeddings",)

    def __init__(self, iterations: int = 20, sample: int = 50_000, normalise: bool = False) -> None:
        whole("iterations", iterations, least=1)
        whole("sample", sample, least=1)
        switch("normalise", normalise)
        self.iterations = iterations
        self.sample = sample
        self.normalise = normalise

    def score(self, view: View, budget: int) -> Scored:
        embeddings = view.pool.embeddings
        clusters = kmeans(
            unit(embeddings) if self.normalise else embeddings,
            budget,
            view.generator(),
            iterations=self.iterations,
            most=self.sample,
        )
        rest = clusters.distances.max() - clusters.distances
        return Scored(from_order(central(clusters), rest), sampled(self.sample, view))


def central(clusters: Clusters) -> list[int]:
    """The row nearest to the centre of each cluster, the largest cluster's first."""
    members = [rows for rows in _members(clusters) if rows]
    members.sort(key=len, reverse=True)
    return [rows[0] for rows in members]


class CoreSet(QueryStrategy):
    """The row farthest from everything labelled or picked (Sener and Savarese, 2018)."""

    reads = ("embeddings", "labelled")

    def score(self, view: View, budget: int) -> Tensor:
        features = view.pool.embeddings
        first: list[int] = []
        centres = view.labelled.features.embeddings
        if not len(centres):  # nothing to be far from: begin in the middle of the pool
            first = [_central(features)]
            centres = features[first]
        distances, _ = nearest(features, centres)
        picks, distances = farthest_first(features, budget - len(first), distances)
        return from_order(first + picks, distances)


def _central(features: Tensor) -> int:
    """The row nearest to the mean of all."""
    mean = torch.zeros(features.shape[1], device=features.device)
    for _, block in blocks(features, 1):
        mean += block.sum(0) / len(features)
    return int(nearest(features, mean[None])[0].argmin())


class TypiClust(QueryStrategy):
    """The most typical row of each cluster that has the fewest labels (Hacohen et al., 2022).

    Labelled rows and pool are clustered together, into as many clusters as there will be labels. A
    row is typical if its mean distance to its nearest neighbours in the cluster is small.

    Args:
        clusters: most clusters.
        neighbours: how many nearest neighbours count.
        members: how many rows of a larger cluster are drawn as possible neighbours.
        sample: how many rows of a larger pool to draw and look at; should be well above the budget.
    """

    reads = ("embeddings", "labelled")

    def __init__(
        self,
        clusters: int = 500,
        neighbours: int = 20,
        members: int = 5_000,
        sample: int = 50_000,
    ) -> None:
        whole("clusters", clusters, least=1)
        whole("neighbours", neighbours, least=1)
        whole("members", members, least=1)
        whole("sample", sample, least=1)
        self.clusters = clusters
        self.neighbours = neighbours
        self.members = members
        self.sample = sample

    def score(self, view: View, budget: int) -> Scored:
        stream = view.generator()
        seen, places = drawn(view, self.sample, stream)
        features, pool = _together(seen), len(seen.pool)
        count = min(len(view.labelled) + budget, self.clusters)
        clusters = kmeans(features, count, stream)
        picks = self._visit(features, clusters, pool, budget, stream)
        rest = (clusters.distances.max() - clusters.distances)[:pool]
        # How many neighbours the rows of a larger cluster may have.
        notes = {"members": self.members} if self.members < pool else {}
        scores = placed(picks, rest, places, len(view.pool))
        return Scored(scores, {**notes, **sampled(self.sample, view)})

    def _visit(
        self,
        features: Tensor,
        clusters: Clusters,
        pool: int,
        budget: int,
        stream: torch.Generator,
    ) -> list[int]:
        """Let clusters take turns by fewest labels, then size, outliers last; pool rows lead."""
        members = _members(clusters)
        queue = [
            (len(rows) <= SMALL, sum(row >= pool for row in rows), -len(rows), number)
            for number, rows in enumerate(members)
        ]
        heapify(queue)
        typical: dict[int, Iterator[int]] = {}
        picks: list[int] = []
        while queue and len(picks) < budget:
            small, labels, size, number = heappop(queue)
            if number not in typical:
                rows = self._most_typical_first(features, members[number], stream)
                typical[number] = iter([row for row in rows if row < pool])
            pick = next(typical[number], None)
            if pick is not None:
                picks.append(pick)
                heappush(queue, (small, labels + 1, size, number))
        return picks

    def _most_typical_first(
        self, features: Tensor, members: list[int], stream: torch.Generator
    ) -> list[int]:
        rows = torch.tensor(members, dtype=torch.long)
        anchors = sample(len(rows), self.members, stream)
        inside = torch.zeros(len(rows), dtype=torch.bool)
        inside[anchors] = True
        cluster = features[rows.to(features.device)]
        # One more than asked for, since an anchor's nearest neighbour is itself, at 0.
        distances, _ = neighbours(cluster, cluster[anchors], self.neighbours + 1)
        beyond = distances[:, -1].where(~inside.to(distances.device), 0.0)
        count = max(1, min(self.neighbours, len(anchors) - 1))
        mean = (distances.sum(1) - beyond) / count
        return rows[mean.cpu().argsort(stable=True)].tolist()


def _together(view: View) -> Tensor:
    """The pool at length 1, followed by the labelled rows."""
    pool, labelled = view.pool.embeddings, view.labelled.features.embeddings
    # In their own type, so that half precision stays half as large.
    return torch.cat([unit(pool, pool.dtype), unit(labelled, pool.dtype)])


def _members(clusters: Clusters) -> list[list[int]]:
    """The rows of each cluster, nearest to its centre first."""
    near = clusters.distances.argsort(stable=True)
    grouped = near[clusters.assignment[near].argsort(stable=True)]
    sizes = clusters.assignment.bincount(minlength=len(clusters.centres))
    return [rows.tolist() for rows in grouped.cpu().split(sizes.tolist())]


class ProbCover(QueryStrategy):
    """The row whose ball covers the most rows not covered yet (Yehuda et al., 2022).

    Args:
        delta: radius of the balls, on features of length 1. If null, the largest at which 95 % of
            the balls hold rows of only one of as many k-means clusters as there are classes.
        sample: how many rows of a larger pool to draw and look at; should be well above the budget.
    """

    reads = ("embeddings", "labelled")

    def __init__(self, delta: float | None = None, sample: int = 10_000) -> None:
        if delta is not None:
            number("delta", delta, above=0)
        whole("sample", sample, least=1)
        self.delta = delta
        self.sample = sample

    def score(self, view: View, budget: int) -> Scored:
        stream, even = view.generator(), torch.ones(len(view.pool))

        def balls(ground: Ground) -> Kernel:
            if self.delta is not None:
                return ball(self.delta)
            clusters = kmeans(ground.features, view.classes, stream)
            return ball(pure_radius(ground.pairs, clusters.assignment))

        scores = covering(view, even, budget, balls, most=self.sample, stream=stream)
        return Scored(scores, sampled(self.sample, view))


def pure_radius(pairs: Pairs, clusters: Tensor) -> float:
    """The largest radius at which the share `PURE` of all balls is within one cluster."""
    radii = torch.empty(len(pairs), device=clusters.device)
    for rows, apart in pairs.blocks(torch.arange(len(pairs), device=clusters.device)):
        # Rows of length 1 can be no farther apart than 2.
        apart.masked_fill_(clusters[rows, None] == clusters, 4.0)
        radii[rows] = apart.amin(1).sqrt_()
    return max(float(radii.sort().values[int((1 - PURE) * len(radii))]), 1e-3)


def sampled(count: int, view: View) -> dict[str, Any]:
    """The note of a strategy that looks at a sample of a larger pool."""
    return {"sample": count} if count < len(view.pool) else {}
