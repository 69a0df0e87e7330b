"""Greedy batches of rows that are worth the more, the more of the pool lies beyond their cover."""

import torch
from torch import Tensor

from autoal.maths.coverage import Kernel
from autoal.maths.geometry import ROUNDING, blocks, squared_distances

AHEAD = 64  # rows of the highest gains that are brought up to date together


def greedy_candidates(
    features: Tensor, remote: Tensor, weights: Tensor, kernel: Kernel, budget: int
) -> tuple[list[int], Tensor]:
    """Pick the row of the largest gain by its own weight and coverage, again and again.

    A pick's gain is weights_pick mean_n max(0, kernel(pick, n) - coverage_pick), where
    `greedy_cover` has the weight and the coverage of row n. Gains only fall, so that what a row
    once gained bounds what it gains now: only rows that may come first are computed anew.

    Args and returns are those of `greedy_cover`.
    """
    weights = weights.to(features.device, torch.float32) / len(features)
    covered = kernel(remote)

    def gains_of(places: Tensor) -> Tensor:
        some = places.to(features.device)
        return _gains(features[some], features, weights[some], covered[some], kernel)

    gains = gains_of(torch.arange(len(features)))
    stale = torch.zeros(len(gains), dtype=torch.bool)
    least = ROUNDING * float(gains.max())  # less is what rounding left
    order: list[int] = []
    while len(order) < budget and float(gains.max()) > least:
        best = int(gains.argmax())
        if stale[best]:
            ahead = gains.where(stale, -1.0).topk(min(AHEAD, len(gains))).indices
            gains[ahead], stale[ahead] = gains_of(ahead), False
            continue
        order.append(best)
        after = covered.maximum(kernel(squared_distances(features, features[[best]])[:, 0]))
        stale |= (after > covered).cpu()
        covered = after
        gains[best], stale[best] = 0, False
    gains[stale] = gains_of(stale.nonzero().flatten())
    return order, gains.where(gains > least, 0.0).to(features.device, torch.float32)


def _gains(
    features: Tensor, rows: Tensor, weights: Tensor, covered: Tensor, kernel: Kernel
) -> Tensor:
    """What each of the features covers of the rows beyond its own coverage, weighted, (n,).

    In double precision and on the CPU, where the best is sought.
    """
    gains = torch.empty(len(features), dtype=torch.float64)
    for piece, block in blocks(features, len(rows)):
        beyond = kernel(squared_distances(block, rows)).sub_(covered[piece, None]).clamp_(min=0)
        gains[piece] = (beyond.sum(1) * weights[piece]).double().cpu()
    return gains
