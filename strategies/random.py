"""The baseline that every strategy has to beat."""

import torch
from torch import Tensor

from autoal import QueryStrategy, View


class Random(QueryStrategy):
    """Every row of the pool with equal probability."""

    reads = ()

    def score(self, view: View, budget: int) -> Tensor:
        # Drawn in the order of the rows' numbers, so that a pool in another order scores the same.
        scores = torch.empty(len(view.pool))
        scores[view.pool.order] = torch.rand(len(view.pool), generator=view.generator())
        return scores
