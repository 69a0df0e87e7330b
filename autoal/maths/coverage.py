"""Batches that cover the pool: each row goes by the nearest of what is labelled or picked."""

from collections.abc import Callable
from math import isfinite

import torch
from torch import Tensor

from autoal.maths.geometry import ROUNDING, blocks, nearest, neighbours, squared_distances

NARROWEST = 0.01  # kernel, where two labelled rows are alike

Kernel = Callable[[Tensor], Tensor]  # squared distances -> how much is covered, from 0 to 1


def rbf(width: float) -> Kernel:
    """Coverage that falls off as exp(-(distance / width)^2)."""
    return lambda squared: (squared * -(width**-2)).exp_()


def ball(radius: float) -> Kernel:
    """Full coverage of what is nearer than the radius, and none beyond."""
    return lambda squared: (squared < radius**2).float()


def adaptive_width(labelled: Tensor, default: float) -> float:
    """Of a kernel as narrow as the two nearest labelled rows (Bae et al., 2025).

    Coverage turns into uncertainty as labels grow. The default stands while less than two rows
    are labelled.
    """
    if len(labelled) < 2:
        return default
    nearest, _ = neighbours(labelled, labelled, 2)  # of which the first is the row itself
    return max(float(nearest[:, 1].min()), NARROWEST)


def remoteness(features: Tensor, labelled: Tensor) -> Tensor:
    """The squared distance of each row to the nearest labelled one, (n,); infinite without any."""
    if not len(labelled):
        return torch.full((len(features),), torch.inf, device=features.device)
    return nearest(features, labelled)[0]


def typical_width(remote: Tensor, default: float) -> float:
    """Of a kernel as wide as rows are from the nearest labelled one, in the root mean square.

    What is covered narrows as labels grow, and follows the scale of any features.
    """
    mean = float(remote.mean())
    return max(mean**0.5, NARROWEST) if isfinite(mean) else default


def greedy_cover(
    features: Tensor, remote: Tensor, weights: Tensor, kernel: Kernel, budget: int
) -> tuple[list[int], Tensor]:
    """Pick the row that adds most to the weighted coverage of all rows, again and again.

    A row's coverage is its kernel with the nearest row that is labelled or picked, and a pick's
    gain is mean_n weights_n max(0, kernel(pick, n) - coverage_n). The gains are exact at every
    pick: each only takes away what it covered itself, which few rows feel after the first picks.
    The first of the best is picked; less than `budget` come back if nothing is left to gain.

    Args:
        features: candidates, and at the same time what is to be covered, (n, width).
        remote: squared distance of each to what covers it from the start, as of `remoteness`.
        weights: how much it is worth to cover each row, (n,), at least 0.
        kernel: `rbf(width)` or `ball(radius)`.
        budget: how many to pick.

    Returns:
        The places of the picks in their order, and the gains that are left, (n,).
    """
    weights = weights.to(features.device, torch.float32) / len(features)
    covered = kernel(remote)
    gains = _gains(features, features, weights, covered, torch.ones_like(covered), kernel)
    least = ROUNDING * float(gains.max())  # less is what rounding left
    order: list[int] = []
    while len(order) < budget and float(gains.max()) > least:
        best = int(gains.argmax())
        order.append(best)
        after = covered.maximum(kernel(squared_distances(features, features[[best]])[:, 0]))
        felt = ((after > covered) & (weights > 0)).nonzero().flatten()
        gains -= _gains(features, features[felt], weights[felt], covered[felt], after[felt], kernel)
        gains[best] = 0
        covered = after
    return order, gains.where(gains > least, 0.0).to(features.device, torch.float32)


def _gains(
    features: Tensor, rows: Tensor, weights: Tensor, before: Tensor, after: Tensor, kernel: Kernel
) -> Tensor:
    """What each of the features adds to the coverage of the rows between two levels, (n,).

    In double precision and on the CPU, where the gains are summed up and the best is sought.
    """
    gains = torch.empty(len(features), dtype=torch.float64)
    for piece, block in blocks(features, len(rows)):
        reached = kernel(squared_distances(block, rows)).clamp_(before, after).sub_(before)
        gains[piece] = (reached @ weights).double().cpu()
    return gains
