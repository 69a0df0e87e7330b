"""Batches that cover the pool: each row goes by the nearest of what is labelled or picked."""

from collections.abc import Callable

import torch
from torch import Tensor

from autoal.geometry import ROUNDING, blocks, nearest, neighbours, squared_distances

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


def greedy_cover(
    features: Tensor, labelled: Tensor, weights: Tensor, kernel: Kernel, budget: int
) -> tuple[list[int], Tensor]:
    """Pick the row that adds most to the weighted coverage of all rows, again and again.

    A row's coverage is its kernel with the nearest row that is labelled or picked, and a pick's
    gain is mean_n weights_n max(0, kernel(pick, n) - coverage_n). The gains are exact at every
    pick: each only takes away what it covered itself, which few rows feel after the first picks.
    The first of the best is picked; less than `budget` come back if nothing is left to gain.

    Args:
        features: candidates, and at the same time what is to be covered, (n, width).
        labelled: what covers from the start, (labelled, width); may be empty.
        weights: how much it is worth to cover each row, (n,), at least 0.
        kernel: `rbf(width)` or `ball(radius)`.
        budget: how many to pick.

    Returns:
        The places of the picks in their order, and the gains that are left, (n,).
    """
    weights = weights.to(features.device, torch.float32) / len(features)
    covered = torch.zeros_like(weights)
    if len(labelled):
        covered = kernel(nearest(features, labelled)[0])
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
