"""The published search: a min-max in which FitNet and SearchNet take turns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from autoal.bounds import switch, whole
from autoal.maths.ranking import LossHead, ranking_loss
from autoal.model.networks import Ready
from autoal.search.hypergradient import Road, training_weights
from autoal.search.rehearsal import Rehearsal
from autoal.seeding import generator

LEARNING_RATE = 0.005  # of FitNet by Adam and of the loss head by SGD, as published
HIDDEN = 128  # units of the loss head
BATCH = 128  # rows in a step, at most
MARGIN = 1.0  # by which the larger of two losses should be predicted larger


class Paper(Road):
    """FitNet lowers the chosen rows' loss, SearchNet chooses rows of high loss.

    First order: SearchNet's gradient is only that of the choice; none passes through FitNet's
    training. Each call is one epoch of the rehearsal's FitNet on the current choice.

    Args:
        warmup: epochs of FitNet on the taught rows before the first turn.
        loss_prediction: SearchNet sees the losses predicted by a head on FitNet's stages, not the
            true losses; the head learns from the taught rows, and never from the labels of those
            that play the pool.
    """

    learns = True

    def __init__(self, warmup: int = 0, loss_prediction: bool = False) -> None:
        whole("paper.warmup", warmup, least=0, most=100_000)
        switch("paper.loss_prediction", loss_prediction)
        self.warmup = warmup
        self.loss_prediction = loss_prediction
        # Weak, so that a copy of FitNet made only to look up a loss takes its side along.
        self.sides: WeakKeyDictionary[nn.Module, _FitNetSide] = WeakKeyDictionary()

    def prepare(self, rehearsals: Sequence[Rehearsal]) -> None:
        for rehearsal in rehearsals:
            inputs, labels = rehearsal.taught, rehearsal.taught_labels
            trust, _ = rehearsal.trusted
            weights = (trust / trust.sum().clamp(min=1e-12)).float()
            for _ in range(self.warmup):
                self._side(rehearsal).epoch(rehearsal.fitnet, inputs, labels, weights)

    def __call__(self, shares: Tensor, rehearsal: Rehearsal) -> tuple[float, Tensor]:
        side, taught = self._side(rehearsal), len(rehearsal.taught)
        weights, _ = training_weights(shares, *rehearsal.trusted)
        losses, predicted = side.epoch(rehearsal.fitnet, *rehearsal.training, weights)
        logits, _ = _look(rehearsal.fitnet, rehearsal.check)
        loss = float(cross_entropy(logits, rehearsal.check_labels))
        estimates = losses if predicted is None else predicted
        return loss, -estimates[taught:] / max(1.0, float(shares.sum()))

    def _side(self, rehearsal: Rehearsal) -> _FitNetSide:
        if rehearsal.fitnet not in self.sides:
            self.sides[rehearsal.fitnet] = _FitNetSide(rehearsal, self.loss_prediction)
        return self.sides[rehearsal.fitnet]


class _FitNetSide:
    """Trains FitNet and, if losses are predicted, the head that predicts them from its stages."""

    def __init__(self, rehearsal: Rehearsal, loss_prediction: bool) -> None:
        self.taught = len(rehearsal.taught)
        self.optimizer = torch.optim.Adam(rehearsal.fitnet.parameters(), lr=LEARNING_RATE)
        self.head: LossHead | None = None
        if loss_prediction:
            _, stages = _look(rehearsal.fitnet, rehearsal.training[0])
            stream = generator(len(stages), "loss head")
            self.head = LossHead(stages.float(), HIDDEN, stream)
            self.ranking = torch.optim.SGD(self.head.parameters(), lr=LEARNING_RATE, momentum=0.9)

    def epoch(
        self, fitnet: nn.Module, inputs: Tensor, labels: Tensor, weights: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Pass over rows once, taught ones first; return losses before each step, and as predicted.

        Batches have even sizes, so that none has a single row, and come in an order of their own.
        """
        losses = weights.new_empty(len(labels))
        predicted = None if self.head is None else torch.empty_like(losses)
        batches = math.ceil(len(labels) / BATCH)
        for rows in torch.randperm(len(labels)).to(labels.device).chunk(batches):
            with torch.enable_grad():
                logits, stages = _forward(fitnet, inputs[rows])
                row_losses = cross_entropy(logits, labels[rows], reduction="none")
                self.optimizer.zero_grad()
                (batches * (weights[rows] @ row_losses)).backward()  # on average, over all rows
            self.optimizer.step()
            losses[rows] = row_losses.detach()
            if self.head is not None and predicted is not None:
                predicted[rows] = self._rank(self.head, stages, losses[rows], rows < self.taught)
        return losses, predicted

    @torch.enable_grad()
    def _rank(self, head: LossHead, stages: Tensor, losses: Tensor, taught: Tensor) -> Tensor:
        """Teach the head the order of the taught rows' losses; return its earlier predictions."""
        predicted = head(stages.detach().float())  # no gradient of the ranking enters FitNet
        places = taught.nonzero().flatten()
        if len(places) < 2:  # no pair
            return predicted.detach()
        drawn = places[torch.randperm(len(places), device=losses.device)]
        self.ranking.zero_grad()
        ranking_loss(predicted[drawn], losses[drawn], MARGIN).backward()
        self.ranking.step()
        return predicted.detach()


@torch.no_grad()
def _look(fitnet: nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """The logits and the stages of rows, without learning from them."""
    learning = fitnet.training
    fitnet.eval()
    parts = [_forward(fitnet, part) for part in inputs.split(BATCH)]
    fitnet.train(learning)
    logits, stages = zip(*parts, strict=True)
    return torch.cat(logits), torch.cat(stages)


def _forward(fitnet: nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """The logits, and FitNet's stages; for a mere head, these are its inputs."""
    if isinstance(fitnet, Ready):
        return fitnet.with_stages(inputs)
    return fitnet(inputs), inputs
