"""Rows whose predictions differ from those of the labelled rows next to them."""

from abc import abstractmethod

import torch
from torch import Tensor

from autoal import QueryStrategy, View
from autoal.bounds import whole
from autoal.maths.geometry import BLOCK, neighbours


class _Contrast(QueryStrategy):
    """Compares each row with its nearest labelled neighbours in the space of the embeddings.

    With fewer than k labelled rows it uses all of them; with none, all rows score 0.

    Args:
        k: how many neighbours.
    """

    reads = ("embeddings", "probs", "labelled")

    def __init__(self, k: int = 10) -> None:
        whole("k", k, least=1)
        self.k = k

    def score(self, view: View, budget: int) -> Tensor:
        scores = view.pool.logits.new_zeros(len(view.pool))
        if len(view.labelled) == 0:
            return scores
        anchors = view.labelled.features.embeddings
        distances, places = neighbours(view.pool.embeddings, anchors, self.k)
        distances.clamp_(min=_resolution(anchors))
        theirs = _log_probs(view.labelled.features.logits)
        size = max(1, BLOCK // (places.shape[1] * view.classes))
        for begin in range(0, len(scores), size):
            piece = slice(begin, begin + size)
            own = _log_probs(view.pool.logits[piece])[:, None]  # (block, 1, classes)
            near = theirs[places[piece]]  # (block, k, classes)
            scores[piece] = self._contrast(own, near, distances[piece]).mean(1)
        return scores

    @abstractmethod
    def _contrast(self, own: Tensor, near: Tensor, distances: Tensor) -> Tensor:
        """The contrast of each row to each neighbour, (block, k).

        Args:
            own: log-probabilities, (block, 1, classes).
            near: the neighbours' log-probabilities, (block, k, classes).
            distances: to the neighbours, (block, k), above 0.
        """


class Cal(_Contrast):
    """Largest divergence of the predictions of the labelled neighbours (Margatina et al., 2021).

    The mean over the neighbours of KL(p_neighbour || p_x). With fewer than k labelled rows it uses
    all of them; with none, all rows score 0.

    Args:
        k: how many neighbours.
    """

    def _contrast(self, own: Tensor, near: Tensor, distances: Tensor) -> Tensor:
        return _divergence(near, own)


class Signal(_Contrast):
    """Largest divergence per distance to labelled rows (SIGnAL, 2024: self-informed generation).

    The mean over the neighbours of KL(p_x || p_neighbour) / distance. With fewer than k labelled
    rows it uses all of them; with none, all rows score 0.

    Args:
        k: how many neighbours.
    """

    def _contrast(self, own: Tensor, near: Tensor, distances: Tensor) -> Tensor:
        return _divergence(own, near) / distances


def _divergence(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL(p || q) over the last axis."""
    return (log_p.exp() * (log_p - log_q)).sum(-1).clamp(min=0)


def _log_probs(logits: Tensor) -> Tensor:
    # Probabilities near 0 count as the smallest number, so that no divergence is infinite.
    return logits.log_softmax(1).clamp(min=-87)


def _resolution(anchors: Tensor) -> Tensor:
    """A distance that rounding alone can cause; no distance counts as smaller."""
    length = anchors.float().norm(dim=1).mean()
    return (1e-3 * length).clamp(min=torch.finfo(length.dtype).eps)
