"""Strategies that draw their batch at random, in proportion to a power of the rows' worth.

Rows with similar scores are often similar, so a batch of the highest scores is redundant.
"""

from abc import abstractmethod

import torch
from torch import Tensor

from autoal import QueryStrategy, View, from_order
from autoal.bounds import number
from autoal.maths.draws import in_proportion

from .bayesian import Bald
from .uncertainty import Margin


class _Power(QueryStrategy):
    """Draws without replacement, each time in proportion to the worth to the power of beta.

    Rows of no worth come after all others.

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
        beta: the power of the mutual information: 0 would be uniform; the larger, the closer to the
            order of the mutual information.
    """

    reads = ("draws",)

    def _worth(self, view: View, budget: int) -> Tensor:
        return Bald().score(view, budget)


class PowerMargin(_Power):
    """At random, in proportion to 1 minus the gap of the two top classes (Kirsch et al., 2023).

    Args:
        beta: the power of that difference: 0 would be uniform; the larger, the closer to the
            order of the gap.
    """

    reads = ("probs",)

    def _worth(self, view: View, budget: int) -> Tensor:
        return _doubt(view, budget)


class Falcun(QueryStrategy):
    """At random, by doubt and by difference from the picks before (Gilhuber et al., 2024).

    A row is worth 1 minus the gap between its two top classes, but at most the L1 distance of its
    class probabilities to those of any pick. Each pick is drawn in proportion to the worth to the
    power of gamma.

    Args:
        gamma: 0 would be uniform; the larger, the closer to the order of the worth.
    """

    reads = ("probs",)

    def __init__(self, gamma: float = 10.0) -> None:
        number("gamma", gamma, above=0)
        self.gamma = gamma

    def score(self, view: View, budget: int) -> Tensor:
        probs, stream = view.pool.probs.float(), view.generator()
        worth = _doubt(view, budget).float()
        picks: list[int] = []
        while len(picks) < budget and worth.any():
            picks.append(_drawn(worth, self.gamma, stream))
            worth = worth.minimum(torch.cdist(probs, probs[picks[-1:]], p=1)[:, 0])
        return from_order(picks, worth)


def _drawn(worth: Tensor, power: float, stream: torch.Generator) -> int:
    """A place drawn in proportion to a power of the worth, some of which is above 0."""
    # Divided by the largest, so that its power neither overflows nor vanishes.
    heaped = ((worth / worth.max()).cpu().double() ** power).cumsum(0)
    point = torch.rand(1, generator=stream, dtype=torch.double) * heaped[-1]  # always below it
    return int(torch.searchsorted(heaped, point, right=True))


def _doubt(view: View, budget: int) -> Tensor:
    """1 minus the gap between the two top classes of each row, (n,), from 0 to 1."""
    return (1 + Margin().score(view, budget)).clamp(min=0)
