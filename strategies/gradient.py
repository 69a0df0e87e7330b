"""Rows that would move the last layer, individually or as a batch."""

from collections.abc import Iterator

import torch
from torch import Tensor

from autoal import QueryStrategy, Scored, View, from_order
from autoal.bounds import choice, number, whole
from autoal.maths.clusters import seeds
from autoal.maths.geometry import blocks, outer_lengths
from autoal.maths.information import Batch, Evidence, along, leading, moments, of_all, of_top
from autoal.query.strategy import drawn, placed

from .diversity import sampled

WEIGHTS = 512  # most weights of the last layer in BAIT's multinomial likelihood
DIRECTIONS = 16  # most directions of the classes in it


class Badge(QueryStrategy):
    """Diverse and large gradients of the last layer, if the model is right (Ash et al., 2020).

    A row's gradient is the outer product of (probabilities - predicted class) and embedding;
    k-means++ draws from them, after the largest.
    """

    reads = ("embeddings", "probs")

    def score(self, view: View, budget: int) -> Tensor:
        probs, features = view.pool.probs, view.pool.embeddings
        top = probs.argmax(1, keepdim=True)
        errors = probs.scatter_add(1, top, -torch.ones_like(probs[:, :1]))  # (n, classes)
        gradients = [errors, features]
        largest = int(outer_lengths(gradients).argmax())
        picks, distances = seeds(gradients, budget, view.generator(), largest)
        return from_order(picks, distances)


class Bait(QueryStrategy):
    """Least expected error over the pool, by the last layer's information (Ash et al., 2021).

    The batch S should minimise tr((I_S + I_labelled + R)^-1 I_pool) of the Fisher information,
    where I_pool is the mean over the pool's rows: twice as many rows as asked for are picked one by
    one, then the least useful are dropped one by one.

    The multinomial likelihood considers all classes. It has a weight for each class and number of
    the embedding; beyond `WEIGHTS` in all, only those along the leading directions of classes and
    embeddings count. The binary one considers the predicted class against the others: p (1 - p) h
    h' for the embedding h.

    Args:
        regularisation: R is diagonal, this many times the mean of I_pool's diagonal, so that the
            embeddings' scale does not matter.
        likelihood: multinomial, binary.
        sample: how many rows of a larger pool to draw and look at; should be well above twice the
            budget.
    """

    reads = ("embeddings", "probs", "labelled")

    def __init__(
        self, regularisation: float = 10.0, likelihood: str = "multinomial", sample: int = 20_000
    ) -> None:
        number("regularisation", regularisation, least=1e-3)  # less would drown in rounding errors
        choice("likelihood", likelihood, LIKELIHOODS)
        whole("sample", sample, least=1)
        self.regularisation = regularisation
        self.likelihood = likelihood
        self.sample = sample

    def score(self, view: View, budget: int) -> Scored:
        seen, places = drawn(view, self.sample, view.generator())
        rows, labelled = LIKELIHOODS[self.likelihood](seen)
        batch = self._before(rows, labelled)
        picks = batch.grow(rows, 2 * budget)
        picks = batch.shrink(rows, picks, len(picks) - budget)
        worth = batch.worth(rows)
        worth[picks] = 0
        scores = placed(picks, worth.float(), places, len(view.pool))
        return Scored(scores, sampled(self.sample, view))

    def _before(self, rows: Evidence, labelled: Evidence) -> Batch:
        """Nothing is picked yet."""
        pool = rows.information() / len(rows)
        known = labelled.information()
        scale = float(pool.diagonal().mean()) or 1.0  # 0: the model is certain of all rows
        known.diagonal().add_(self.regularisation * scale)
        return Batch(torch.linalg.inv(known), pool)


def _binary(view: View) -> Iterator[Evidence]:
    """The information of the pool and of the labelled rows."""
    for part in (view.pool, view.labelled.features):
        yield Evidence(part.embeddings, of_top(part.probs))


def _multinomial(view: View) -> Iterator[Evidence]:
    """The information of the pool and of the labelled rows."""
    probs, embeddings = view.pool.probs.double(), view.pool.embeddings
    spread = probs.mean(0).diag() - probs.T @ probs / len(probs)
    # One direction fewer than classes: adding the same to all logits changes nothing.
    classes = leading(spread, min(max(1, len(spread) - 1), DIRECTIONS))
    axes = leading(moments(embeddings), WEIGHTS // classes.shape[1])
    for part in (view.pool, view.labelled.features):
        yield Evidence(along(part.embeddings, axes), of_all(part.probs, classes))


LIKELIHOODS = {"binary": _binary, "multinomial": _multinomial}


class Egl(QueryStrategy):
    """Largest expected length of the gradient of the last layer (Settles et al., 2007).

    The mean, over the model's predictive distribution, of the length of the loss's gradient if that
    class were the label: |p - e_c| |(h, 1)|, where the 1 stands for the bias.
    """

    reads = ("embeddings", "probs")

    def score(self, view: View, budget: int) -> Tensor:
        probs, embeddings = view.pool.probs, view.pool.embeddings
        scores = torch.empty_like(probs[:, 0])
        for piece, block in blocks(embeddings, probs.shape[1]):
            lengths = ((block**2).sum(1) + 1).sqrt()
            scores[piece] = _expected_surprise(probs[piece]) * lengths
        return scores


def _expected_surprise(probs: Tensor) -> Tensor:
    """sum_c p_c |p - e_c|, (n,)."""
    squares, top = probs**2, probs.argmax(1, keepdim=True)
    others = squares.sum(1, keepdim=True) - squares  # (n, classes)
    # For a certain prediction, 1 - p would be pure rounding error; a sum without p is not.
    others.scatter_(1, top, squares.scatter(1, top, 0).sum(1, keepdim=True))
    return (probs * (others + (1 - probs) ** 2).sqrt()).sum(1)
