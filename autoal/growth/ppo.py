"""Proximal policy optimisation (Schulman et al., 2017) of a language model, on stored pairs.

SIGnAL's line 13: texts are rewarded, and the model learns to make more of those rewarded most,
without moving far from the published model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW

from autoal.errors import UserError
from autoal.growth.lora import adapt, published, trained
from autoal.growth.sampling import TOGETHER, Pair, alike, log_probs

MOST = 3.0  # of an advantage
CLIP = 0.2  # relative move of a probability beyond which nothing more is gained
NORM = 1.0  # of the gradient at most
BATCH = 16  # pairs of one step
LEARNT = 4  # of these at once, which saves memory, and time where lengths differ
RANK, ALPHA = 8, 16.0  # of the changes
SMALL = 1e-6  # added to a deviation that may be 0


def advantages(rewards: Sequence[float]) -> Tensor:
    """Rewards standardised to mean 0 and deviation 1, and clipped."""
    given = torch.tensor(rewards, dtype=torch.float32)
    return ((given - given.mean()) / (given.std(correction=0) + SMALL)).clamp(-MOST, MOST)


def divergence(new: Tensor, base: Tensor) -> Tensor:
    """An estimate of KL(new || base) at each token, never below 0 (Schulman's k3)."""
    gap = base - new
    return gap.expm1() - gap


def loss(new: Tensor, old: Tensor, base: Tensor, advantage: Tensor, beta: float) -> Tensor:
    """The loss of one answer.

    Args:
        new: log-probabilities of its tokens under the current model.
        old: under the model that wrote it.
        base: under the published model.
        advantage: the answer's.
        beta: the cost of moving away from the published model.
    """
    ratio = (new - old).exp()
    gain = torch.min(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage)
    return (beta * divergence(new, base) - gain).mean()


class Rewarded(NamedTuple):
    """A stored pair, and the values that a step compares the model with."""

    pair: Pair
    advantage: Tensor
    old: Tensor
    base: Tensor


class Ppo:
    """Tunes a network by the worth of its answers.

    Args:
        network: a causal language model of transformers; only low-rank changes are trained.
        beta: the cost of moving away from the published model.
        epochs: over the pairs of a round.
        learning_rate: of the changes.
        seed: for their initial values.
    """

    def __init__(
        self, network: Any, *, beta: float, epochs: int, learning_rate: float, seed: int
    ) -> None:
        adapt(network, RANK, ALPHA, seed)
        self._network = network
        self._beta = beta
        self._epochs = epochs
        self._changes = trained(network)
        self._optimizer = AdamW(self._changes.values(), lr=learning_rate, weight_decay=0)
        self._beginning = self.state_dict()

    def learn(self, pairs: Sequence[Pair], rewards: Sequence[float]) -> dict[str, float]:
        """Learn to make more of what was rewarded most; return how far it moved."""
        worth = advantages(rewards).to(self._network.device)
        with published(self._network):
            base = self._weighed(pairs)
        stored = [*map(Rewarded, pairs, worth, self._weighed(pairs), base)]
        for _ in range(self._epochs):
            for begin in range(0, len(stored), BATCH):
                self._step(stored[begin : begin + BATCH])
        new = self._weighed(pairs)
        return {"kl": float(divergence(torch.cat(new), torch.cat(base)).mean())}

    def state_dict(self) -> dict[str, Any]:
        changes = {name: change.detach().clone() for name, change in self._changes.items()}
        return {"changes": changes, "optimizer": deepcopy(self._optimizer.state_dict())}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state, or from the beginning if it is empty."""
        state = state or self._beginning
        with torch.no_grad():
            for name, change in self._changes.items():
                change.copy_(state["changes"][name])
        self._optimizer.load_state_dict(state["optimizer"])

    def _step(self, batch: Sequence[Rewarded]) -> None:
        """One optimizer step; computed a few pairs at a time, to save memory."""
        self._optimizer.zero_grad()
        for rows in alike([each.pair.tokens for each in batch], LEARNT):
            some = [batch[row] for row in rows]
            logs = log_probs(self._network, [each.pair for each in some])
            losses = [
                loss(new, each.old, each.base, each.advantage, self._beta)
                for new, each in zip(logs, some, strict=True)
            ]
            (torch.stack(losses).sum() / len(batch)).backward()
        if not clip_grad_norm_(self._changes.values(), NORM).isfinite():
            raise UserError("the generator diverged: give a lower growth.learning_rate")
        self._optimizer.step()

    @torch.no_grad()
    def _weighed(self, pairs: Sequence[Pair]) -> list[Tensor]:
        """Log-probabilities of all answers under the current model."""
        found: dict[int, Tensor] = {}
        for rows in alike([pair.tokens for pair in pairs], TOGETHER):
            logs = log_probs(self._network, [pairs[row] for row in rows])
            found |= zip(rows, logs, strict=True)
        return [found[row] for row in range(len(pairs))]
