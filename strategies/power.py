"""Strategies that draw their batch at random, the rows worth more with more probability.

Rows that score alike are often alike, so that a batch of the highest scores is redundant.
"""

from abc import abstractmethod

from torch import Tensor

from autoal import QueryStrategy, View
from autoal.bounds import number
from autoal.maths.draws import in_proportion

from .bayesian import Bald
from .uncertainty import Margin


class _Power(QueryStrategy):
    """Draws without replacement, each time in proportion to the worth to the power of beta.

    Rows that are worth nothing come after all others.

    Args:
        beta: 0 would be uniform; the larger, the closer to the order of the worth.
    """

    def __init__(self, beta: float = 1.0) -> None:
        number("beta", beta, above=0)
        self.beta = beta

    def score(self, view: View, budget: int) -> Tensor:
        return in_proportion(self._worth(view, budget), self.beta, view.generator())

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
