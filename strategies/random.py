"""The baseline that every strategy has to beat."""

import torch
from torch import Tensor

from autoal import QueryStrategy, View


class Random(QueryStrategy):
    """Every row of the pool with equal probability."""

    reads = ()

    def score(self, view: View, budget: int) -> Tensor:
        return torch.rand(len(view.pool), generator=view.generator())
