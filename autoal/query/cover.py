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

SAID = 1.5  # the weight of predictions relative to the spread of rows

# Distances, remoteness, weights, kernel and budget -> picks and the remaining worth of rows.
Greedy = Callable[[Pairs, Tensor, Tensor, Kernel, int], tuple[list[int], Tensor]]

# The view and places in the pool -> the positions of these rows, and of the labelled ones.
Space = Callable[[View, Tensor], tuple[Tensor, Tensor]]


class Ground(NamedTuple):
    """The rows to cover."""

    features: Tensor  # (n, width) of the pool, or a sample of it
    labelled: Tensor  # (labelled, width)
    remote: Tensor  # (n,) the squared distance of each to the nearest labelled one
    pairs: Pairs  # squared distances between pool rows, until they become a kernel


def embedded(view: View, places: Tensor) -> tuple[Tensor, Tensor]:
    """Position rows at their embeddings, scaled to length 1."""
    return unit(view.pool.embedded(places)), unit(view.labelled.features.embeddings)


def predicted(view: View, places: Tensor) -> tuple[Tensor, Tensor]:
    """Position rows at their embeddings and, in further dimensions, at their predictions.

    Predictions are the square roots of the class probabilities, whose distance is sqrt(2) times
    Hellinger's, scaled to the spread of the embeddings. A model that predicts much the same for all
    rows counts for little.
    """
    pool, labelled = embedded(view, places)
    by = SAID * _spread(pool)
    said, known = view.pool.probs[places], view.labelled.features.probs
    return torch.cat([pool, by * said.sqrt()], 1), torch.cat([labelled, by * known.sqrt()], 1)


def _spread(rows: Tensor) -> Tensor:
    """The root of the mean squared distance from the mean."""
    return rows.var(0, correction=0).sum().sqrt()


def covering(
    view: View,
    weights: Tensor,
    budget: int,
    kernel: Callable[[Ground], Kernel],
    *,
    most: int,
    stream: torch.Generator,
    space: Space = embedded,
    greedy: Greedy = greedy_cover,
) -> Tensor:
    """The rows that together cover the pool best, as scores, (pool,).

    Args:
        view: whose pool is covered.
        weights: how much it is worth to cover each row of the pool, (pool,), at least 0.
        budget: rows to pick.
        kernel: how far a row covers, given the ground.
        most: how many rows of a larger pool to draw and look at; the others score lowest.
        stream: for the draw.
        space: positions the rows.
        greedy: finds the picks.
    """
    places = sample(len(view.pool), most, stream)
    ground = _ground(view, places, space)
    picks, rest = greedy(
        ground.pairs, ground.remote, weights[places.to(weights.device)], kernel(ground), budget
    )
    return placed(picks, rest, places, len(view.pool))


def _ground(view: View, places: Tensor, space: Space) -> Ground:
    """These rows of the pool; what strategies share is computed once a round."""

    def made() -> tuple[Tensor, Tensor, Tensor]:
        features, labelled = space(view, places)
        return features, labelled, remoteness(features, labelled)

    shared = view.once((space, places.numpy().tobytes()), made)
    return Ground(*shared, Pairs(shared[0]))
