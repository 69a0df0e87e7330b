"""Strategies that draw their batch at random, the rows worth more with more probability.

Rows that score alike are often alike, so that a batch of the highest scores is redundant.
"""

from abc import abstractmethod

import torch
from torch import Tensor

from autoal import QueryStrategy, View

from .bayesian import Bald
from .uncertainty import Margin


class _Power(QueryStrategy):
    """Draws without replacement, each time in proportion to the worth to the power of beta.

    The largest sums of beta times the logarithm of the worth and a Gumbel noise are such a draw.
    Rows that are worth nothing come after all others.

    Args:
        beta: 0 would be uniform; the larger, the closer to the order of the worth.
    """

    def __init__(self, beta: float = 1.0) -> None:
        if not beta > 0:
            raise ValueError(f"`beta` must be above 0, got {beta}")
        self.beta = beta

    def score(self, view: View, budget: int) -> Tensor:
        worth = self._worth(view, budget)
        scores = worth.log() + _gumbel(view).to(worth) / self.beta
        some = worth > 0
        last = scores[some].min() - 1 if some.any() else worth.new_zeros(())
        return scores.where(some, last)

    @abstractmethod
    def _worth(self, view: View, budget: int) -> Tensor:
        """At least 0 for each row of the pool, (n,)."""


class PowerBald(_Power):
    """At random, in proportion to the mutual information of label and model (Kirsch et al., 2023).

    Args:
        beta: the power of the mutual information: 0 would be uniform; the larger, the closer to
            the order of the mutual information.
    """

    reads = ("draws",)

    def _worth(self, view: View, budget: int) -> Tensor:
        return Bald().score(view, budget)


class PowerMargin(_Power):
    """At random, in proportion to 1 less the gap of the two top classes (Kirsch et al., 2023).

    Args:
        beta: the power of that difference: 0 would be uniform; the larger, the closer to the
            order of the gap.
    """

    reads = ("probs",)

    def _worth(self, view: View, budget: int) -> Tensor:
        return (1 + Margin().score(view, budget)).clamp(min=0)


def _gumbel(view: View) -> Tensor:
    """Noise for each row of the pool, (n,), drawn in the order of the rows' numbers."""
    # In double precision: of a million numbers in single precision, many would be the same.
    uniform = torch.rand(len(view.pool), generator=view.generator(), dtype=torch.double)
    noise = torch.empty_like(uniform)
    noise[view.pool.order] = -(-uniform.clamp(min=1e-300).log()).log()
    return noise
