"""Batches that cover the pool: the nearest labelled or picked row covers each row."""

from collections.abc import Callable
from math import isfinite

import torch
from torch import Tensor

from autoal.maths.geometry import ROUNDING, nearest, neighbours
from autoal.maths.pairs import Pairs

NARROWEST = 0.01  # width of a kernel, if two labelled rows are equal

Kernel = Callable[[Tensor], Tensor]  # squared distances -> how much is covered, from 0 to 1


def rbf(width: float) -> Kernel:
    """Coverage that falls off as exp(-(distance / width)^2)."""
    return lambda squared: (squared * -(width**-2)).exp_()


def ball(radius: float) -> Kernel:
    """Full coverage within the radius, and none beyond."""
    return lambda squared: (squared < radius**2).float()


def adaptive_width(labelled: Tensor, default: float) -> float:
    """The width of a kernel as narrow as the two nearest labelled rows (Bae et al., 2025).

    Coverage turns into uncertainty as labels grow. The default applies while fewer than two rows
    are labelled.
    """
    if len(labelled) < 2:
        return default
    nearest, _ = neighbours(labelled, labelled, 2)  # the first is the row itself
    return max(float(nearest[:, 1].min()), NARROWEST)


def remoteness(features: Tensor, labelled: Tensor) -> Tensor:
    """The squared distance of each row to the nearest labelled one, (n,); infinite without any."""
    if not len(labelled):
        return torch.full((len(features),), torch.inf, device=features.device)
    return nearest(features, labelled)[0]


def typical_width(remote: Tensor, default: float) -> float:
    """The width of a kernel: the rows' root mean square distance to their nearest labelled row.

    It narrows as labels grow, and follows the scale of any features.
    """
    mean = float(remote.mean())
    return max(mean**0.5, NARROWEST) if isfinite(mean) else default


def greedy_cover(
    pairs: Pairs, remote: Tensor, weights: Tensor, kernel: Kernel, budget: int
) -> tuple[list[int], Tensor]:
    """Pick the row that adds most to the weighted coverage of all rows, again and again.

    A row's coverage is its kernel with the nearest row that is labelled or picked, and a pick's
    gain is mean_n weights_n max(0, kernel(pick, n) - coverage_n). The gains are exact at every
    pick: each pick only removes what it covers itself, which affects few rows after the first
    picks. The first of the best is picked; fewer than `budget` come back if nothing is left to
    gain.

    Args:
        pairs: squared distances of the candidates, which are also the rows to cover; they become
            their kernel.
        remote: squared distance of each to what covers it at the start, as from `remoteness`.
        weights: how much it is worth to cover each row, (n,), at least 0.
        kernel: `rbf(width)` or `ball(radius)`.
        budget: how many to pick.

    Returns:
        The places of the picks in order, and the remaining gains, (n,).
    """
    pairs.become(kernel)
    weights = weights.to(remote.device, torch.float32)
    covered = kernel(remote)
    gains = _gains(pairs, weights, covered, torch.ones_like(covered))
    least = ROUNDING * float(gains.max())  # less is what rounding left
    order: list[int] = []
    while len(order) < budget and float(gains.max()) > least:
        best = int(gains.argmax())
        order.append(best)
        after = covered.maximum(pairs.rows(torch.tensor([best]))[0])
        gains -= _gains(pairs, weights, covered, after)
        gains[best] = 0
        covered = after
    left = gains.where(gains > least, 0.0) / len(gains)
    return order, left.to(remote.device, torch.float32)


def _gains(pairs: Pairs, weights: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """The summed addition of each row to the coverage of all rows between two levels, (n,).

    In double precision and on the CPU, where gains are summed and the best is sought.
    """
    gains = torch.zeros(len(pairs), dtype=torch.float64)
    felt = ((after > before) & (weights > 0)).nonzero().flatten()
    for rows, reached in pairs.blocks(felt):
        torch.minimum(reached, after[rows, None], out=reached)  # clamp_ takes twice as long
        reached.sub_(before[rows, None]).clamp_(min=0)
        gains += (weights[rows] @ reached).cpu().double()
    return gains
