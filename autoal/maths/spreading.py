"""Labels spread over a graph of neighbours (Zhou et al., 2004), without all pairs of rows."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from autoal.maths.clusters import kmeans_from
from autoal.maths.geometry import neighbours
from autoal.maths.systems import conjugate_gradients

NEIGHBOURS = 10  # of each row
INERTIA = 0.9  # weight of a row's neighbours against its own label
EXACT = 10_000  # up to this many rows, all are compared
CELLS = 256  # cells for larger sets
PROBED = 8  # cells in which to seek the neighbours of a cell's rows
ITERATIONS = 5  # of the k-means that finds the cells
TOLERANCE = 1e-6  # of the spreading: even little from afar counts
TINY = 1e-30


class Graph:
    """Rows and their nearest neighbours, with weights that fall off with distance.

    The weight of an edge is exp(-d^2 / (r s)), where r and s are its two rows' distances to their
    last neighbours (Zelnik-Manor and Perona, 2004), so there is no scale to choose.

    Args:
        features: (n, width) of any floating type.
    """

    def __init__(self, features: Tensor) -> None:
        rows, places, distances = map(torch.cat, zip(*_edges(features), strict=True))
        size = len(features)
        reach = torch.zeros(size).scatter_reduce(0, rows, distances, "amax")
        closeness = (-distances.square() / (reach[rows] * reach[places]).clamp(min=TINY)).exp()
        ends = torch.cat([torch.stack([rows, places]), torch.stack([places, rows])], 1)
        both = _sparse(ends, closeness.double().repeat(2), size)
        roots = both.sum(1).to_dense().clamp(min=TINY).rsqrt()
        rows, places = both.indices()
        self._links = _sparse(both.indices(), both.values() * roots[rows] * roots[places], size)

    def spread(self, rows: Tensor, labels: Tensor) -> Tensor:
        """The spread labels of all rows, given these known ones, (n, classes) double.

        The classes keep the shares that they have among the known rows (Zhu et al., 2003). The
        probabilities are squared, since labels blur on their way; a row that no label reaches has
        none.

        Args:
            rows: their numbers, (known,); repeated ones count repeatedly.
            labels: the probability of each class, (known, classes) double.
        """
        told = labels.new_zeros(self._links.shape[0], labels.shape[1]).index_add(0, rows, labels)
        beliefs = conjugate_gradients(self._pull, told, TOLERANCE).clamp(min=0)
        shares = (labels.sum(0) + 1) / (labels.sum() + labels.shape[1])
        squares = (beliefs * shares / beliefs.sum(0).clamp(min=TINY)).square()
        return squares / squares.sum(1, keepdim=True).clamp(min=TINY**2)

    def _pull(self, beliefs: Tensor) -> Tensor:
        return beliefs - INERTIA * torch.sparse.mm(self._links, beliefs)


def _sparse(places: Tensor, values: Tensor, size: int) -> Tensor:
    """A square matrix; values that share a place are summed."""
    shape = (size, size)
    return torch.sparse_coo_tensor(places, values, shape, check_invariants=False).coalesce()


def _edges(features: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Rows, their neighbours and the distances between them, each (edges,), on the CPU."""
    for own, others in _searched(features):
        found, near = neighbours(features[own], features[others], NEIGHBOURS + 1)
        rows, places = own[:, None].expand_as(near), others[near.cpu()]
        real = rows != places
        yield rows[real], places[real], found.cpu()[real]


def _searched(features: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Groups of rows, and the rows among which to seek their neighbours."""
    size = len(features)
    if size <= EXACT:
        yield torch.arange(size), torch.arange(size)
        return
    begin = torch.linspace(0, size - 1, CELLS).long()
    cells = kmeans_from(features, features[begin].float(), ITERATIONS)
    cell = cells.assignment.cpu()
    _, near = neighbours(cells.centres, cells.centres, PROBED)
    for number, probed in enumerate(near.cpu()):
        own = (cell == number).nonzero().flatten()
        if len(own):
            yield own, torch.isin(cell, probed).nonzero().flatten()
