"""Rows whose predicted class changes when their embeddings do, spread over clusters."""

from abc import abstractmethod

import torch
from torch import Tensor, nn

from autoal import Features, QueryStrategy, Scored, View, from_order
from autoal.bounds import number, whole
from autoal.maths.clusters import kmeans
from autoal.maths.geometry import blocks, squared_distances, unit

from .diversity import central
from .uncertainty import Margin

PLENTY = 25  # unstable rows for each row of the batch that DropQuery wants to choose from


class _Unstable(QueryStrategy):
    """Picks the unstable row nearest to the centre of each of `budget` clusters of such rows.

    The other unstable rows come next, then all others, in order of the smallest margin.
    """

    def score(self, view: View, budget: int) -> Scored:
        stream = view.generator()
        unstable = self._unstable(view, budget, stream)
        picks = _spread(view.pool.embeddings, unstable.nonzero().flatten(), budget, stream)
        rest = Margin().score(view, budget) + unstable  # margins are from -1 to 0
        return Scored(from_order(picks, rest), {"unstable": int(unstable.sum())})

    @abstractmethod
    def _unstable(self, view: View, budget: int, stream: torch.Generator) -> Tensor:
        """True for unstable rows of the pool, (n,)."""


def _spread(features: Tensor, places: Tensor, count: int, stream: torch.Generator) -> Tensor:
    """Among these places, the nearest to each centre of as many clusters, at length 1."""
    if not len(places):
        return places
    rows = features[places]
    return places[central(kmeans(unit(rows, rows.dtype), count, stream))]


class AlfaMix(_Unstable):
    """Rows of many kinds whose prediction a small step changes (Parvaneh et al., 2022).

    The published step mixes a row's embedding with the mean of a class's labelled rows, each number
    in the proportion that raises the loss of the predicted class most. That is a step along the
    loss's gradient, `reach` / sqrt(width) times as long as the way to that mean. Under a linear
    head the longest step changes whatever any class's step changes, so only that one is taken.

    Of the rows that change, the nearest to the centre of each of `budget` clusters is picked. If
    they are too few, rows of the smallest margin follow.

    Args:
        reach: how long the steps are.
    """

    reads = ("embeddings", "probs", "head", "labelled", "labels")

    def __init__(self, reach: float = 0.2) -> None:
        number("reach", reach, above=0)
        self.reach = reach

    @torch.no_grad()
    def _unstable(self, view: View, budget: int, stream: torch.Generator) -> Tensor:
        embeddings, means = view.pool.embeddings, _means(view)
        changed = torch.zeros(len(embeddings), dtype=torch.bool, device=embeddings.device)
        if not len(means):
            return changed  # no known class to step towards
        share = self.reach / embeddings.shape[1] ** 0.5
        for piece, block in blocks(embeddings, view.classes):
            steps = share * squared_distances(block, means).amax(1, keepdim=True).sqrt()
            predicted, directions = _away(view.pool, block)
            moved = view.pool.logits_at(block + steps * directions)
            changed[piece] = moved.argmax(1) != predicted
        return changed


def _means(view: View) -> Tensor:
    """The mean embedding of the labelled rows of each class that has any, (classes, width)."""
    known, labels = view.labelled.features.embeddings, view.labelled.labels
    means = [known[labels == label].float().mean(0) for label in labels.unique()]
    return torch.stack(means) if means else known[:0].float()


@torch.enable_grad()
def _away(rows: Features, embeddings: Tensor) -> tuple[Tensor, Tensor]:
    """The predicted classes, (n,), and where their loss grows fastest, (n, width) of length 1."""
    points = embeddings.clone().requires_grad_()
    logits = rows.logits_at(points)
    top = logits.argmax(1, keepdim=True)
    # The loss is softplus of this difference, and so grows along with it; its own gradient would
    # vanish where the model is sure.
    others = logits.scatter(1, top, -torch.inf).logsumexp(1)
    rise = (others - logits.gather(1, top)[:, 0]).sum()
    return top[:, 0], nn.functional.normalize(torch.autograd.grad(rise, points)[0], dim=1)


class DropQuery(_Unstable):
    """Rows of many kinds whose prediction dropout changes (Gupte et al., 2024).

    Each row's embedding goes through the head a few times, each time with different numbers set to
    0. It counts if most passes change the predicted class; if that leaves fewer than 25 rows for
    each row of the batch, fewer passes suffice, at least one.

    Of the rows that count, the nearest to the centre of each of `budget` clusters is picked. If
    they are too few, rows of the smallest margin follow.

    Args:
        passes: how often each row goes through the head.
        rate: the share of numbers that a pass sets to 0.
    """

    reads = ("embeddings", "probs", "head")

    def __init__(self, passes: int = 3, rate: float = 0.75) -> None:
        whole("passes", passes, least=1, most=1000)
        number("rate", rate, above=0, below=1)
        self.passes = passes
        self.rate = rate

    def _unstable(self, view: View, budget: int, stream: torch.Generator) -> Tensor:
        changes = self._changes(view.pool, stream)
        least = self.passes // 2 + 1
        while least > 1 and int((changes >= least).sum()) < PLENTY * budget:
            least -= 1
        return changes >= least

    @torch.no_grad()
    def _changes(self, rows: Features, stream: torch.Generator) -> Tensor:
        """How many passes change each row's prediction, (n,)."""
        predicted, width = rows.logits.argmax(1, keepdim=True), rows.embeddings.shape[1]
        changes = torch.zeros_like(predicted[:, 0])
        for piece, block in blocks(rows.embeddings, self.passes * width):
            chances = torch.rand(len(block), self.passes, width, generator=stream)
            factors = (chances >= self.rate).to(block) / (1 - self.rate)
            classes = rows.logits_at((block[:, None] * factors).flatten(0, 1)).argmax(1)
            changes[piece] = (classes.view(-1, self.passes) != predicted[piece]).sum(1)
        return changes
