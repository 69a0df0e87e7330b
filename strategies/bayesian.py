"""Rows on which the model's draws disagree, so that a label would decide between them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn, special

from autoal import QueryStrategy, Scored, View, from_order
from autoal.bounds import whole
from autoal.maths.geometry import BLOCK, sample

RESOLUTION = 1e-6  # of entropies in single precision, in nats


class Bald(QueryStrategy):
    """Largest mutual information of the label and the model (Houlsby et al., 2011)."""

    reads = ("draws",)

    def score(self, view: View, budget: int) -> Tensor:
        return _over_draws(_information, view.pool.drawn_probs)


class VarRatio(QueryStrategy):
    """Smallest share of the draws that predict the most predicted class (Freeman, 1965)."""

    reads = ("draws",)

    def score(self, view: View, budget: int) -> Tensor:
        return _over_draws(_dissent, view.pool.drawn_probs)


class MeanStd(QueryStrategy):
    """Largest mean over the classes of the spread over the draws (Kampffmeyer et al., 2016)."""

    reads = ("draws",)

    def score(self, view: View, budget: int) -> Tensor:
        return _over_draws(_spread, view.pool.drawn_probs)


class Epig(QueryStrategy):
    """Largest information about the labels of other rows (Bickford Smith et al., 2023).

    The mean, over target rows, of the mutual information of a row's label and the target's. What a
    label would tell about the model counts only as far as it bears on the targets' classes.

    Args:
        targets: how many rows of the pool to draw as targets.
    """

    reads = ("draws",)

    def __init__(self, targets: int = 100) -> None:
        whole("targets", targets, least=1)
        self.targets = targets

    def score(self, view: View, budget: int) -> Tensor:
        drawn = view.pool.drawn_probs
        targets = drawn[:, sample(len(view.pool), self.targets, view.generator())]
        return _over_draws(lambda block: _shared(block, targets), drawn, targets[0].numel())


class BatchBald(QueryStrategy):
    """Largest mutual information of the labels of a batch and the model (Kirsch et al., 2019).

    Picks one row after another by what its label would add to those before: the entropy of its
    label once theirs are known, minus the entropy that no label removes. The mean over all their
    possible labels is exact for the first picks, and over a sample of them later.

    Args:
        joint: how many picks are made in this way; a model's draws hardly distinguish more. The
            others are ranked by what they would add to these picks.
        samples: most configurations of labels to average over.
        candidates: how many rows, those of the highest BALD, to consider as picks. A row never adds
            more than its BALD.
    """

    reads = ("draws",)

    def __init__(self, joint: int = 10, samples: int = 2000, candidates: int = 1000) -> None:
        whole("joint", joint, least=1)
        whole("samples", samples, least=1, most=100_000)
        whole("candidates", candidates, least=1)
        self.joint = joint
        self.samples = samples
        self.candidates = candidates

    def score(self, view: View, budget: int) -> Scored:
        drawn, stream = view.pool.drawn_probs, view.generator()
        bald = _over_draws(_information, drawn)
        # Twice the batch, so that the ranking after the picks has a choice as well.
        best = _best(bald, max(self.candidates, 2 * budget), stream)
        probs = drawn[:, best]  # (draws, best, classes)
        picks, known = self._pick(probs[:, : self.candidates], budget, stream)
        rest = bald - bald.max()  # at most 0: rows that were not considered come last
        rest[best] = _gains(known, probs)
        return Scored(from_order(best[picks], rest), self._notes(view))

    def _notes(self, view: View) -> dict[str, Any]:
        """How many rows were candidates, and how many picks are exact."""
        exact = 1
        while exact < self.joint and view.classes**exact <= self.samples:
            exact += 1
        return {"candidates": min(self.candidates, len(view.pool)), "exact": exact}

    def _pick(self, probs: Tensor, budget: int, stream: torch.Generator) -> tuple[Tensor, "_Known"]:
        """Places of the picks, best first, and the state of knowledge after them."""
        draws, count, _ = probs.shape
        known: _Known = probs.new_ones(1), probs.new_full((1, draws), 1 / draws)
        picks: list[int] = []
        for _ in range(min(self.joint, budget, count)):
            gains = _gains(known, probs)
            gains[picks] = -torch.inf
            picks.append(int(gains.argmax()))
            known = _answered(known, probs[:, picks[-1]], self.samples, stream)
        return torch.tensor(picks, device=probs.device), known


# Configurations of labels of the picks so far: their weights, which sum to 1, (configurations,),
# and the weight that each leaves to every draw of the model, (configurations, draws).
_Known = tuple[Tensor, Tensor]


def _gains(known: _Known, probs: Tensor) -> Tensor:
    """The information that each row's label would add, (n,), from probs (draws, n, classes)."""
    weights, left = known
    draws, count, classes = probs.shape
    gains = probs.new_empty(count)
    size = max(1, BLOCK // (max(len(weights), draws) * classes))
    for begin in range(0, count, size):
        piece = probs[:, begin : begin + size]
        predicted = (left @ piece.flatten(1)).view(len(weights), -1, classes)
        noise = _entropy(piece).mean(0)
        gains[begin : begin + size] = _difference(weights @ _entropy(predicted), noise)
    return gains


def _answered(known: _Known, probs: Tensor, samples: int, stream: torch.Generator) -> _Known:
    """Every configuration with every label of one more row, or a sample of them."""
    weights, left = known
    joint = left[:, None] * probs.T  # (configurations, classes, draws)
    chances = joint.sum(2)
    weights = (weights[:, None] * chances).flatten()
    left = (joint / chances.clamp(min=torch.finfo(joint.dtype).tiny)[:, :, None]).flatten(0, 1)
    if len(weights) <= samples:
        return weights, left
    places = _sample(weights, samples, stream)
    return weights.new_full((samples,), 1 / samples), left[places]


def _sample(weights: Tensor, count: int, stream: torch.Generator) -> Tensor:
    """Places drawn in proportion to their weights, (count,).

    Takes one from each of `count` equal parts of the weight, which varies less than free draws.
    """
    heaped = weights.cpu().double().cumsum(0)
    points = (torch.arange(count) + torch.rand(count, generator=stream, dtype=torch.double)) / count
    places = torch.searchsorted(heaped, points * heaped[-1], right=True)
    return places.clamp(max=len(weights) - 1).to(weights.device)


def _best(scores: Tensor, count: int, stream: torch.Generator) -> Tensor:
    """Places of the highest scores, best first; ties are broken by the stream."""
    shuffled = torch.randperm(len(scores), generator=stream).to(scores.device)
    return shuffled[scores[shuffled].argsort(descending=True, stable=True)[:count]]


def _over_draws(measure: Callable[[Tensor], Tensor], drawn: Tensor, columns: int = 1) -> Tensor:
    """Measure the draws of each row, (n,), in blocks, since many draws take much memory.

    Args:
        measure: (draws, rows, classes) -> (rows,).
        drawn: (draws, n, classes).
        columns: how many numbers the measure needs for each class of a row.
    """
    draws, _, classes = drawn.shape
    size = max(1, BLOCK // (max(draws, columns) * classes))
    return torch.cat([measure(block) for block in drawn.split(size, dim=1)])


def _information(drawn: Tensor) -> Tensor:  # (draws, n, classes) -> (n,)
    return _difference(_entropy(drawn.mean(0)), _entropy(drawn).mean(0))


def _shared(drawn: Tensor, targets: Tensor) -> Tensor:  # (draws, n or targets, classes) -> (n,)
    """The mean over the targets of the mutual information of a row's label and theirs.

    It is the sum of p q ((1 + r) log(1 + r) - r) over both labels, where p q (1 + r) is the
    probability of both. Computed as a difference of entropies, it would drown in rounding errors.
    """
    own, apart = _deviations(drawn)
    theirs, others = _deviations(targets)
    excess = (apart.flatten(1).T @ others.flatten(1) / len(drawn)).clamp_(min=-1)
    told = special.xlog1py(1 + excess, excess).sub_(excess) @ theirs.flatten()  # (n classes,)
    return (own * told.view_as(own)).sum(1) / len(theirs)


def _deviations(drawn: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of the draws, and each draw's relative difference from it."""
    mean = drawn.mean(0)
    return mean, (drawn - mean) / mean.clamp(min=torch.finfo(mean.dtype).tiny)


def _dissent(drawn: Tensor) -> Tensor:
    votes = drawn.argmax(2).T  # (n, draws)
    counts = drawn.new_zeros(len(votes), drawn.shape[2])
    counts.scatter_add_(1, votes, torch.ones_like(votes, dtype=counts.dtype))
    return 1 - counts.amax(1) / len(drawn)


def _spread(drawn: Tensor) -> Tensor:
    return drawn.std(0, correction=0).mean(1)


def _entropy(probs: Tensor) -> Tensor:
    return special.entr(probs).sum(-1)


def _difference(entropy: Tensor, noise: Tensor) -> Tensor:
    """The difference of an entropy and its noise part; at least 0."""
    # Smaller ones are rounding errors, which must not rank rows on which all draws agree.
    return nn.functional.threshold(entropy - noise, RESOLUTION, 0)
