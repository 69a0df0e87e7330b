"""Rows that the model is unsure of, by its class probabilities."""

from torch import Tensor, special

from autoal import QueryStrategy, View


class Entropy(QueryStrategy):
    """Largest entropy of the predicted classes (Shannon, 1948; Settles, 2009)."""

    reads = ("probs",)

    def score(self, view: View, budget: int) -> Tensor:
        return special.entr(view.pool.probs).sum(1)


class LeastConfidence(QueryStrategy):
    """Smallest probability of the predicted class (Lewis and Gale, 1994)."""

    reads = ("probs",)

    def score(self, view: View, budget: int) -> Tensor:
        return 1 - view.pool.probs.amax(1)


class Margin(QueryStrategy):
    """Smallest gap between the two most probable classes (Scheffer et al., 2001)."""

    reads = ("probs",)

    def score(self, view: View, budget: int) -> Tensor:
        top = view.pool.probs.topk(2, dim=1).values
        return top[:, 1] - top[:, 0]
