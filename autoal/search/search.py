"""The bilevel problem: SearchNet is better if FitNet, trained on what it chooses, is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from pytorch_lightning import LightningModule
from scipy.special import stdtrit
from torch import Tensor
from torch.utils.data import DataLoader

from autoal.search.hypergradient import Road
from autoal.search.rehearsal import Rehearsal
from autoal.search.relax import RELAXATIONS
from autoal.search.searchnet import SearchNet

CHANCE = 0.0455  # that rehearsals which know nothing seem to agree: two normal standard errors


class Search(LightningModule):
    """Learns SearchNet from rehearsals; optimised by hand, since a road gives the gradient.

    Every step plays all rehearsals. Each parameter moves by what they agree on: the mean of their
    gradients in units of its standard error, less what chance alone would give. So SearchNet goes
    as far as the evidence carries it, whatever the scale of the loss. Against that stands the pull
    of the prior, pull x KL(weights, prior).

    Args:
        searchnet: is learnt.
        road: to the gradient; holds FitNet.
        rehearsals: at least two, of which the agreement is measured.
        relaxation: top or mixture.
        steps: of SearchNet.
        learning_rate: of them.
        temperature: of the soft choice at the first and the last step, in deviations of the worth.
        pull: of the prior, in standard errors.
    """

    def __init__(
        self,
        searchnet: SearchNet,
        road: Road,
        rehearsals: Sequence[Rehearsal],
        *,
        relaxation: str = "top",
        steps: int = 30,
        learning_rate: float = 0.05,
        temperature: tuple[float, float] = (1.0, 0.2),
        pull: float = 2.0,
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
        self.learning_rate = learning_rate
        self.temperature = temperature
        self.pull = pull
        self.losses: list[float] = []  # on the checked rows, step by step
        self.gradients: list[float] = []  # the norms of their gradients at SearchNet

    def train_dataloader(self) -> DataLoader[Any]:
        # Only the number of each step: Lightning copies what it hands over, FitNets and all.
        return DataLoader(range(self.steps), batch_size=None)  # type: ignore[arg-type]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.searchnet.parameters(), lr=self.learning_rate)

    def on_fit_start(self) -> None:
        self.rehearsals = [each.to(self.device) for each in self.rehearsals]
        self.road.prepare(self.rehearsals)

    def training_step(self, step: int, index: int) -> None:
        optimizer: Any = self.optimizers()
        parameters = list(self.searchnet.parameters())
        played = [self._play(each, step, parameters) for each in self.rehearsals]
        pulls = torch.autograd.grad(self._divergence(), parameters)
        self.losses.append(sum(loss for loss, _ in played) / len(played))
        squares = 0.0
        for place, parameter in enumerate(parameters):
            gradients = torch.stack([each[place] for _, each in played])
            squares += float(gradients.mean(0).square().sum())
            parameter.grad = agreement(gradients) + self.pull * pulls[place]
        self.gradients.append(math.sqrt(squares))
        optimizer.step()

    def check_loss(self) -> float:
        """The mean loss on the checked rows after the choices of SearchNet as it is now."""
        losses = []
        for each in self.rehearsals:
            # With another FitNet, which the paper's road trains.
            play = replace(each.to(self.device), fitnet=deepcopy(each.fitnet).to(self.device))
            with torch.no_grad():
                shares = self.shares(play, self.steps - 1)
            losses.append(self.road(shares, play)[0])
        return sum(losses) / len(losses)

    def shares(self, rehearsal: Rehearsal, step: int) -> Tensor:
        """How much of each played row is chosen, at the temperature of a step."""
        weights = self.searchnet(rehearsal.inputs, rehearsal.votes)
        worth = (weights * rehearsal.votes).sum(1)
        first, last = self.temperature
        warmth = first * (last / first) ** (step / max(1, self.steps - 1))
        spread = float(worth.detach().std(correction=0))
        return self.relax(worth, rehearsal.budget, warmth * max(spread, 1e-3))

    def _play(
        self, rehearsal: Rehearsal, step: int, parameters: list[torch.nn.Parameter]
    ) -> tuple[float, tuple[Tensor, ...]]:
        """The loss on the checked rows, and SearchNet's gradient."""
        shares = self.shares(rehearsal, step)
        loss, gradient = self.road(shares.detach(), rehearsal)
        return loss, torch.autograd.grad(shares, parameters, gradient.to(shares))

    def _divergence(self) -> Tensor:
        """The mean KL divergence of the weights of all played rows from the prior."""
        weights = torch.cat([self.searchnet(each.inputs, each.votes) for each in self.rehearsals])
        logarithms = weights.clamp(min=1e-30).log() - self.searchnet.prior.log()
        return (weights * logarithms).sum(1).mean()


def agreement(gradients: Tensor) -> Tensor:
    """The mean of several gradients in standard errors, less what chance would give.

    By the positive-part shrinkage t (1 - c^2 / t^2) of James and Stein (1961), for each parameter;
    c is what Student's t passes by chance, which is more the fewer the rehearsals.

    Args:
        gradients: one for each rehearsal, (rehearsals, ...).
    """
    error = gradients.std(0) / math.sqrt(len(gradients))
    ratio = gradients.mean(0) / error.clamp(min=1e-30)
    chance = float(stdtrit(len(gradients) - 1, 1 - CHANCE / 2))
    kept = (1 - (chance / ratio.abs().clamp(min=1e-15)) ** 2).clamp(min=0)
    return (ratio * kept).clamp(-10, 10)  # equal gradients would count as infinitely sure
