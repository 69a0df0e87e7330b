"""Greedy batches that weigh a candidate by its own doubt and coverage."""

import torch
from torch import Tensor

from autoal.maths.coverage import Kernel
from autoal.maths.geometry import ROUNDING
from autoal.maths.pairs import Pairs

AHEAD = 64  # rows of the highest gains that are updated together


def greedy_candidates(
    pairs: Pairs, remote: Tensor, weights: Tensor, kernel: Kernel, budget: int
) -> tuple[list[int], Tensor]:
    """Pick the row of the largest gain by its own weight and coverage, again and again.

    A pick's gain is weights_pick mean_n max(0, kernel(pick, n) - coverage_pick), where
    `greedy_cover` has the weight and the coverage of row n. Gains only fall, so a row's earlier
    gain bounds its present one: only rows that may come first are recomputed.

    Args and returns are those of `greedy_cover`.
    """
    pairs.become(kernel)
    weights = weights.to(remote.device, torch.float32) / len(remote)
    covered = kernel(remote)
    gains = _gains(pairs, torch.arange(len(remote)), weights, covered)
    stale = torch.zeros(len(gains), dtype=torch.bool)
    least = ROUNDING * float(gains.max())  # anything less is rounding error
    order: list[int] = []
    while len(order) < budget and float(gains.max()) > least:
        best = int(gains.argmax())
        if stale[best]:
            ahead = gains.where(stale, -1.0).topk(min(AHEAD, len(gains))).indices
            gains[ahead], stale[ahead] = _gains(pairs, ahead, weights, covered), False
            continue
        order.append(best)
        after = covered.maximum(pairs.rows(torch.tensor([best]))[0])
        stale |= (after > covered).cpu()
        covered = after
        gains[best], stale[best] = 0, False
    gains[stale] = _gains(pairs, stale.nonzero().flatten(), weights, covered)
    return order, gains.where(gains > least, 0.0).to(remote.device, torch.float32)


def _gains(pairs: Pairs, places: Tensor, weights: Tensor, covered: Tensor) -> Tensor:
    """The weighted cover of each of these rows beyond its own coverage, (places,).

    In double precision and on the CPU, where the best is sought.
    """
    gains = [
        reached.sub_(covered[some, None]).clamp_(min=0).sum(1) * weights[some]
        for some, reached in pairs.blocks(places.to(weights.device))
    ]
    return torch.cat(gains).double().cpu() if gains else torch.empty(0, dtype=torch.float64)
