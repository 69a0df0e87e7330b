"""Batches that cover the pool, as several strategies compose them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from autoal.maths.coverage import Kernel, greedy_cover, remoteness
from autoal.maths.geometry import sample, unit
from autoal.maths.pairs import Pairs
from autoal.query.strategy import placed
from autoal.query.view import View

# Distances, remoteness, weights, kernel and budget -> picks and what the rows are still worth.
Greedy = Callable[[Pairs, Tensor, Tensor, Kernel, int], tuple[list[int], Tensor]]


class Ground(NamedTuple):
    """What is to be covered, at length 1."""

    features: Tensor  # (n, width) of the pool, or of a sample of it
    labelled: Tensor  # (labelled, width)
    remote: Tensor  # (n,) the squared distance of each to the nearest labelled one
    pairs: Pairs  # squared distances between the former, until they become a kernel


def covering(
    view: View,
    weights: Tensor,
    budget: int,
    kernel: Callable[[Ground], Kernel],
    *,
    most: int,
    stream: torch.Generator,
    greedy: Greedy = greedy_cover,
) -> Tensor:
    """The rows that together cover the pool best, as scores, (pool,).

    Args:
        view: whose embeddings are covered.
        weights: how much it is worth to cover each row of the pool, (pool,), at least 0.
        budget: rows to pick.
        kernel: how far a row covers, from the ground.
        most: rows of a larger pool that are looked at, drawn; those left out score lowest.
        stream: of the draw.
        greedy: how the picks are found.
    """
    places = sample(len(view.pool), most, stream)
    ground = _ground(view, places)
    picks, rest = greedy(
        ground.pairs, ground.remote, weights[places.to(weights.device)], kernel(ground), budget
    )
    return placed(picks, rest, places, len(view.pool))


def _ground(view: View, places: Tensor) -> Ground:
    """These rows of the pool; what strategies share is made once a round."""

    def made() -> tuple[Tensor, Tensor, Tensor]:
        features = unit(view.pool.embeddings[places])
        labelled = unit(view.labelled.features.embeddings)
        return features, labelled, remoteness(features, labelled)

    shared = view.once(("ground", places.numpy().tobytes()), made)
    return Ground(*shared, Pairs(shared[0]))
