"""Positions of rows for a herding."""

from __future__ import annotations

from functools import partial

import torch
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import eigsh
from torch import Tensor
from torch.nn.functional import one_hot

from autoal import Features, View
from autoal.maths.geometry import neighbours
from autoal.query.cover import Space, embedded, predicted

NEAREST = 10  # neighbours in a graph of rows
WAVES = 64  # number of the smoothest functions on the graph
INERTIA = 0.99  # share of a signal that spreads on
RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # in units of the mean kernel, to choose from


def said(view: View, places: Tensor, what: str, share: float, even: bool) -> tuple[Tensor, Tensor]:
    """The model's predictions as further dimensions, in units of the embeddings' spread.

    Args:
        view: of the query.
        places: in the pool.
        what: logits, probs or roots of these.
        share: how many times as much it counts.
        even: over the pool it varies as much as the embeddings, however little the model knows.
    """
    pool, labelled = embedded(view, places)
    mine, theirs = _told(view.pool, what)[places], _told(view.labelled.features, what)
    by = share * _spread(pool) / (_spread(mine).clamp(min=1e-3) if even else 1.0)
    return torch.cat([pool, by * mine], 1), torch.cat([labelled, by * theirs], 1)


def graph(view: View, places: Tensor, gate: Space | None) -> tuple[Tensor, Tensor]:
    """The positions of rows by how labels reach them over the graph of nearest neighbours.

    The coordinates are the smoothest functions on the graph (Laplacian eigenmaps), scaled so that
    inner products are the covariance of a process that spreads over it.

    Args:
        view: of the query.
        places: in the pool.
        gate: where rows lie instead if the labels are foretold better there, each left out once.
    """
    pool, labelled = embedded(view, places)
    waves = _waves(torch.cat([pool, labelled]))
    waves = waves / waves.norm(dim=1).mean()
    if gate is not None:
        targets = one_hot(view.labelled.labels, view.classes).double()
        if _left_out(labelled, targets) <= _left_out(waves[len(pool) :], targets):
            return gate(view, places)
    return waves[: len(pool)], waves[len(pool) :]


GRAPH: Space = partial(graph, gate=None)
GATED: Space = partial(graph, gate=predicted)


def _waves(rows: Tensor) -> Tensor:
    """The coordinates of all rows, (n, waves)."""
    distances, places = (part[:, 1:] for part in neighbours(rows, rows, NEAREST + 1))
    reach = distances[:, -1].clamp(min=1e-6)
    near = (-distances.square() / (reach[:, None] * reach[places])).exp()
    own = torch.arange(len(rows))[:, None].expand_as(places)
    links = coo_matrix(
        (near.double().flatten(), (own.flatten(), places.flatten())), (len(rows),) * 2
    ).tocsr()
    links = links + links.T
    roots = 1 / links.sum(1).A1.clip(1e-12) ** 0.5
    links = links.multiply(roots[:, None]).multiply(roots[None]).tocsr()
    count = min(WAVES, len(rows) - 2)
    start = torch.ones(len(rows), dtype=torch.double).numpy()
    values, vectors = eigsh(links, k=count, which="LA", v0=start)
    scale = (1 - INERTIA) / (1 - INERTIA * torch.from_numpy(values).clamp(max=1))
    return (torch.from_numpy(vectors) * scale.sqrt()).float()


def _left_out(rows: Tensor, targets: Tensor) -> float:
    """The squared error of ridge regression on left-out rows, under the best ridge."""
    kernel = rows.double() @ rows.double().T
    mean = kernel.diagonal().mean()
    centred = targets - targets.mean(0)
    errors = []
    for ridge in RIDGES:
        inverse = torch.linalg.inv(kernel + ridge * mean * torch.eye(len(rows)).double())
        errors.append(float(((inverse @ centred) / inverse.diagonal()[:, None]).square().mean()))
    return min(errors)


def _told(rows: Features, what: str) -> Tensor:
    return rows.logits if what == "logits" else rows.probs ** (0.5 if what == "roots" else 1.0)


def _spread(rows: Tensor) -> Tensor:
    return rows.var(0, correction=0).sum().sqrt()
