"""Rows about which the model is unsure, by its class probabilities."""

from abc import abstractmethod
from math import log

from torch import Tensor, special

from autoal import QueryStrategy, View
from autoal.bounds import number, switch


class _Predicted(QueryStrategy):
    """Scores class probabilities from any source.

    Args:
        temperature: divides the logits; above 1 the model counts as less sure than it claims.
        draws: take the mean of the class probabilities over the dropout draws instead. Dropout
            already softens them, so they allow no temperature.
    """

    reads = ("probs",)

    def __init__(self, temperature: float = 1.0, draws: bool = False) -> None:
        number("temperature", temperature, above=0)
        switch("draws", draws)
        if draws and temperature != 1:
            raise ValueError(f"`temperature` must be 1 where `draws` is set, got {temperature}")
        self.temperature = temperature
        self.draws = draws
        if draws:
            self.reads = ("draws",)

    def score(self, view: View, budget: int) -> Tensor:
        return self._doubt(self._probs(view))

    def _probs(self, view: View) -> Tensor:  # (n, classes)
        if self.draws:
            return view.pool.drawn_probs.mean(0)
        if self.temperature == 1:  # already computed if anybody else reads them
            return view.pool.probs
        return (view.pool.logits / self.temperature).softmax(1)

    @abstractmethod
    def _doubt(self, probs: Tensor) -> Tensor:
        """The doubt in (n, classes) probabilities, (n,)."""


class Entropy(_Predicted):
    """Largest entropy of the predicted classes (Shannon, 1948; Settles, 2009)."""

    def _doubt(self, probs: Tensor) -> Tensor:
        return special.entr(probs).sum(1)

    def votes(self, scores: Tensor, classes: int) -> Tensor:
        return scores / log(max(2, classes))


class LeastConfidence(_Predicted):
    """Smallest probability of the predicted class (Lewis and Gale, 1994)."""

    def _doubt(self, probs: Tensor) -> Tensor:
        return 1 - probs.amax(1)

    def votes(self, scores: Tensor, classes: int) -> Tensor:
        return scores * classes / max(1, classes - 1)


class Margin(_Predicted):
    """Smallest gap between the two most probable classes (Scheffer et al., 2001)."""

    def _doubt(self, probs: Tensor) -> Tensor:
        top = probs.topk(2, dim=1).values
        return top[:, 1] - top[:, 0]

    def votes(self, scores: Tensor, classes: int) -> Tensor:
        return 1 + scores
