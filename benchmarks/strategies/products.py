"""The matrix products that the definitions of strategies need, and their time."""

import time
from collections.abc import Callable

import torch
from autoal.strategies.diversity import KMeans, ProbCover, TypiClust
from autoal.strategies.gradient import DIRECTIONS, WEIGHTS, Bait
from autoal.strategies.herding import MaxHerding

from benchmarks.strategies.rows import CLASSES, WIDTH, Size

BLOCK = 4096  # rows of the left factor at a time
RUNS = 3

Product = tuple[int, int, int]  # (rows, inner) @ (inner, columns)


def covering(size: Size) -> list[Product]:
    """All rows of the sample by all, and by the labelled ones."""
    seen = min(size.rows, MaxHerding().sample)
    return [(seen, WIDTH, seen), (seen, WIDTH, size.labelled)]


def probcover(size: Size) -> list[Product]:
    """The products of covering, and of the clusters that determine the radius."""
    seen = min(size.rows, ProbCover().sample)
    return [*covering(size), *clustering(seen, CLASSES)]


def clustering(rows: int, clusters: int) -> list[Product]:
    """A pass to draw the seeds, and one per iteration, as many as there may be."""
    return [(rows, WIDTH, clusters)] * (1 + KMeans().iterations)


def coreset(size: Size) -> list[Product]:
    """All rows by the labelled ones, and by each pick."""
    return [(size.rows, WIDTH, size.labelled), (size.rows, WIDTH, size.batch)]


def kmeans(size: Size) -> list[Product]:
    """Clusters of the sample, and in larger pools all rows by their centres."""
    seen = min(size.rows, KMeans().sample)
    others = [(size.rows, WIDTH, size.batch)] if seen < size.rows else []
    return [*clustering(seen, size.batch), *others]


def typiclust(size: Size) -> list[Product]:
    """Clusters of the sample, and its rows by those of their own cluster, if all are level."""
    strategy = TypiClust()
    rows = min(size.rows, strategy.sample) + size.labelled
    clusters = min(size.labelled + size.batch, strategy.clusters)
    members = rows // clusters
    within = (members, WIDTH, min(members, strategy.members))
    return [*clustering(rows, clusters), *[within] * clusters]


def badge(size: Size) -> list[Product]:
    """All rows by each pick, in both factors of the gradient."""
    return [(size.rows, WIDTH, size.batch), (size.rows, CLASSES, size.batch)]


def bait(size: Size) -> list[Product]:
    """The information of all rows, its two forms, and the change in these by each pick.

    A number of these is that of a pair of classes; systems of so many equations come on top.
    """
    seen = min(size.rows, Bait().sample)
    classes = min(CLASSES - 1, DIRECTIONS)
    width = min(WIDTH, WEIGHTS // classes)
    picks = 2 * size.batch  # twice as many as are left
    once, changed = classes**2 * width, 2 * classes**2 * picks
    return [*[(seen, width, once)] * 3, (seen, width, changed)]


NEEDED: dict[str, Callable[[Size], list[Product]]] = {
    "badge": badge,
    "bait": bait,
    "coreset": coreset,
    "kmeans": kmeans,
    "maxherding": covering,
    "probcover": probcover,
    "typiclust": typiclust,
    "uherding": covering,
}


def seconds(name: str, size: Size) -> list[float]:
    """Times of a strategy's products in float32, several times; [] if it needs none."""
    if name not in NEEDED:
        return []
    return [
        sum(_taken(*product, size.device) for product in NEEDED[name](size)) for _ in range(RUNS)
    ]


def _taken(rows: int, inner: int, columns: int, device: str) -> float:
    """Seconds of one product, block by block, so that it fits into memory at any size."""
    block = min(rows, BLOCK)
    left, right = torch.rand(block, inner, device=device), torch.rand(inner, columns, device=device)
    result = torch.empty(block, columns, device=device)
    start = time.perf_counter()
    for begin in range(0, rows, block):
        count = min(block, rows - begin)
        torch.mm(left[:count], right, out=result[:count])
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start
