"""The bilevel problem: SearchNet is better if FitNet, trained on what it chooses, is better."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from pytorch_lightning import LightningModule
from scipy.special import stdtrit
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.utils.data import DataLoader

from autoal.progress import Advance
from autoal.search.hypergradient import Road
from autoal.search.rehearsal import Rehearsal
from autoal.search.relax import RELAXATIONS
from autoal.search.searchnet import SearchNet

SURE = 2.0  # standard errors of a normal distribution,
CHANCE = 0.0455  # exceeded this often by rehearsals that know nothing
NUDGE = 1e-3  # of all parameters together, to see their effect
PIECE = 512  # rows that SearchNet reads at a time


class Search(LightningModule):
    """Learns SearchNet from rehearsals; optimised by hand, since a road gives the gradient.

    Every step plays all rehearsals, unless they agree on nothing at the first. SearchNet moves by
    what they agree on: the mean of their gradients in units of its standard error, minus what
    chance alone would give, for each candidate separately or, if SearchNet has many parameters, for
    all together. So it goes as far as the evidence carries it, whatever the scale of the loss. The
    prior pulls against that, by pull x KL(weights, prior).

    Args:
        searchnet: the network to learn.
        road: computes the gradient; holds FitNet.
        rehearsals: at least two, whose agreement is measured.
        relaxation: top or mixture.
        steps: number of SearchNet's steps.
        learning_rate: of these steps.
        temperature: of the soft choice at the first and the last step, in deviations of the worth.
        pull: the prior's, in standard errors.
        advance: is told about every step.
    """

    def __init__(
        self,
        searchnet: SearchNet,
        road: Road,
        rehearsals: Sequence[Rehearsal],
        *,
        relaxation: str,
        steps: int,
        learning_rate: float,
        pull: float,
        temperature: tuple[float, float] = (1.0, 0.2),
        advance: Advance = lambda more: None,
    ) -> None:
        super().__init__()
        if len(rehearsals) < 2:
            raise ValueError(f"a search needs at least 2 rehearsals, got {len(rehearsals)}")
        self.automatic_optimization = False
        self.searchnet = searchnet
        self.road = road
        self.rehearsals = rehearsals
        self.relax = RELAXATIONS[relaxation]
        self.steps = steps
        self.advance = advance
        self.learning_rate = learning_rate
        self.temperature = temperature
        self.pull = pull
        self.losses: list[float] = []  # on the checked rows, step by step
        self.gradients: list[float] = []  # the norms of their gradients at SearchNet
        self.silent = False  # the rehearsals agreed on nothing, so no more are played

    def train_dataloader(self) -> DataLoader[Any]:
        # Only the steps' numbers: Lightning copies whatever it hands over, including FitNets.
        return DataLoader(range(self.steps), batch_size=None)  # type: ignore[arg-type]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.searchnet.parameters(), lr=self.learning_rate)

    def on_fit_start(self) -> None:
        self.rehearsals = [rehearsal.to(self.device) for rehearsal in self.rehearsals]
        self.road.prepare(self.rehearsals)

    def training_step(self, step: int, index: int) -> None:
        optimizer: Any = self.optimizers()
        moves = self._back_to_prior()
        if not self.silent:
            learnt = self._learnt(step)
            self.silent = index == 0 and not self.road.learns and not bool(learnt.any())
            moves += learnt
        parameters = list(self.searchnet.parameters())
        sizes = [parameter.numel() for parameter in parameters]
        for parameter, move in zip(parameters, moves.split(sizes), strict=True):
            parameter.grad = move.view_as(parameter)
        optimizer.step()
        self.advance(1)

    def _learnt(self, step: int) -> Tensor:
        """The move of all parameters on which the rehearsals agree."""
        losses, gradients = self._played(step)
        self.losses.append(sum(losses) / len(losses))
        self.gradients.append(float(gradients.mean(0).norm()))
        if not self.searchnet.together:
            return agreement(gradients)
        way, length = _direction(gradients.mean(0))
        # As large a move of the rows' logits as shared weights would make.
        return way * (common(gradients) / self._reach(way)) if length else way

    def _back_to_prior(self) -> Tensor:
        """The prior's pull, in the same units."""
        if not self.pull:
            return torch.zeros_like(parameters_to_vector(self.searchnet.parameters()))
        pulled = self._pulled()
        if not self.searchnet.together:
            return self.pull * pulled
        back, rise = _direction(pulled)
        return back * (self.pull * rise / self._reach(back) ** 2) if rise else back

    @torch.no_grad()
    def _reach(self, direction: Tensor) -> float:
        """How far the played rows' logits move with the parameters, as a root mean square."""
        parameters = list(self.searchnet.parameters())
        start = parameters_to_vector(parameters)
        before = self._logits()
        vector_to_parameters(start + NUDGE * direction, parameters)
        moved = (self._logits() - before) / NUDGE
        vector_to_parameters(start, parameters)
        return max(float(moved.square().sum(1).mean().sqrt()), 1e-6)

    def _logits(self) -> Tensor:
        parts = (
            self.searchnet.deviation(*part)
            for rehearsal in self.rehearsals
            for part in pieces(rehearsal)
        )
        return torch.cat(list(parts))

    def check_loss(self) -> float:
        """The mean loss on the checked rows after the current SearchNet's choices."""
        plays = [rehearsal.to(self.device) for rehearsal in self.rehearsals]
        with torch.no_grad():
            shares = [self.shares(play, self.steps - 1) for play in plays]
        losses = self.road.losses(shares, plays)
        return sum(losses) / len(losses)

    def shares(self, rehearsal: Rehearsal, step: int) -> Tensor:
        """How much of each played row is chosen, at the temperature of a step."""
        return self.relaxed(self._worth(rehearsal), rehearsal, step)

    def _worth(self, rehearsal: Rehearsal) -> Tensor:
        with torch.no_grad():
            return torch.cat([_mixed(self.searchnet, *piece) for piece in pieces(rehearsal)])

    def relaxed(self, worth: Tensor, rehearsal: Rehearsal, step: int) -> Tensor:
        """The shares of rows with this worth."""
        first, last = self.temperature
        warmth = first * (last / first) ** (step / max(1, self.steps - 1))
        spread = float(worth.detach().std(correction=0))
        return self.relax(worth, rehearsal.budget, warmth * max(spread, 1e-3))

    def _played(self, step: int) -> tuple[list[float], Tensor]:
        """The losses on the checked rows, and SearchNet's gradients, flattened."""
        worths = [self._worth(rehearsal).requires_grad_() for rehearsal in self.rehearsals]
        shares = [
            self.relaxed(worth, rehearsal, step)
            for worth, rehearsal in zip(worths, self.rehearsals, strict=True)
        ]
        answers = self.road.together([each.detach() for each in shares], self.rehearsals)
        gradients = []
        for worth, share, rehearsal, (_, gradient) in zip(
            worths, shares, self.rehearsals, answers, strict=True
        ):
            (slope,) = torch.autograd.grad(share, worth, gradient.to(share))
            gradients.append(self._worth_gradient(rehearsal, slope))
        return [loss for loss, _ in answers], torch.stack(gradients)

    def _worth_gradient(self, rehearsal: Rehearsal, slope: Tensor) -> Tensor:
        """SearchNet's gradient, from that of the played rows' worth."""
        slopes = slope.split(PIECE)
        return self._gradient(
            _mixed(self.searchnet, *piece) @ part
            for piece, part in zip(pieces(rehearsal), slopes, strict=True)
        )

    def _pulled(self) -> Tensor:
        """The gradient of the mean KL divergence of the played rows' weights from the prior."""
        rows = sum(len(rehearsal.votes) for rehearsal in self.rehearsals)
        return self._gradient(
            _divergence(self.searchnet, *piece) / rows
            for rehearsal in self.rehearsals
            for piece in pieces(rehearsal)
        )

    def _gradient(self, sums: Iterable[Tensor]) -> Tensor:
        """SearchNet's gradient of a sum, term by term, which keeps only one term's graph."""
        parameters = list(self.searchnet.parameters())
        sizes = sum(parameter.numel() for parameter in parameters)
        gradient = parameters[0].new_zeros(sizes)
        for term in sums:
            parts = torch.autograd.grad(term, parameters)
            gradient += torch.cat([part.flatten() for part in parts])
        return gradient


def pieces(rehearsal: Rehearsal) -> Iterator[tuple[Tensor, Tensor]]:
    """SearchNet's inputs for the played rows, in parts that fit into any memory."""
    return zip(rehearsal.inputs.split(PIECE), rehearsal.votes.split(PIECE), strict=True)


def _mixed(searchnet: SearchNet, inputs: Tensor, votes: Tensor) -> Tensor:
    """The worth of each row, by the weighted votes."""
    return (searchnet(inputs, votes) * votes).sum(1)


def _divergence(searchnet: SearchNet, inputs: Tensor, votes: Tensor) -> Tensor:
    """The sum over the rows of the KL divergence of their weights from the prior."""
    weights = searchnet(inputs, votes)
    return (weights * (weights.clamp(min=1e-30).log() - searchnet.prior.log())).sum()


def agreement(gradients: Tensor) -> Tensor:
    """The mean of several gradients in standard errors, minus what chance would give.

    By the positive-part shrinkage t (1 - c^2 / t^2) of James and Stein (1961), for each parameter;
    c is what Student's t exceeds by chance, which grows as rehearsals get fewer.

    Args:
        gradients: one for each rehearsal, (rehearsals, ...).
    """
    error = gradients.std(0) / math.sqrt(len(gradients))
    ratio = gradients.mean(0) / error.clamp(min=1e-30)
    chance = float(stdtrit(len(gradients) - 1, 1 - CHANCE / 2))
    factor = (1 - (chance / ratio.abs().clamp(min=1e-15)) ** 2).clamp(min=0)
    return (ratio * factor).clamp(-10, 10)  # equal gradients would count as infinitely certain


def common(gradients: Tensor) -> float:
    """How sure several gradients are of their mean's direction, minus what chance would give.

    The products of different gradients show it: if these know nothing, a product is as often
    negative as positive, in any number of dimensions. The sum of the products, in units of its
    deviation under random signs, is shrunk as in `agreement`. It grows with their number, and fewer
    than four are never sure enough.

    Args:
        gradients: one for each rehearsal, (rehearsals, parameters).
    """
    products = gradients @ gradients.T
    products.fill_diagonal_(0.0)
    deviation = products.square().sum().mul(2).sqrt().clamp(min=1e-30)
    ratio = max(float(products.sum() / deviation), 1e-15)
    return max(0.0, ratio - SURE**2 / ratio)


def _direction(vector: Tensor) -> tuple[Tensor, float]:
    length = float(vector.norm())
    return vector / max(length, 1e-30), length
