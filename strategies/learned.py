"""Strategies that learn: from the labelled rows of a round, or from one round to the next."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from autoal import Known, QueryStrategy, View
from autoal.bounds import number, whole
from autoal.maths.geometry import blocks
from autoal.maths.ranking import LossHead, ranking_loss

from .uncertainty import Entropy, Margin

PAIRS = 64  # of labelled rows compared in a step of loss prediction


class LossPrediction(QueryStrategy):
    """Largest loss, as predicted by a small network from the stages (Yoo and Kweon, 2019).

    It learns from the labelled rows which of two has the larger loss, and reads all stages of the
    task's network, standardised. It is trained after the task, on fixed stages: the paper trains
    both together at first and later lets no gradient into the stages. If no two labelled rows
    differ in their loss, the scores are the entropies of the predictions, the losses that the
    task's network itself expects.

    Args:
        hidden: units of the network.
        steps: training steps, each on up to 64 pairs of labelled rows.
        margin: by how much the larger of two losses should be predicted larger.
        learning_rate: of Adam.
    """

    reads = ("stages", "probs", "labelled", "labels")

    def __init__(
        self,
        hidden: int = 128,
        steps: int = 300,
        margin: float = 1.0,
        learning_rate: float = 0.001,
    ) -> None:
        whole("hidden", hidden, least=1, most=10_000)
        whole("steps", steps, least=1, most=1_000_000)
        number("margin", margin, above=0)
        number("learning_rate", learning_rate, above=0)
        self.hidden = hidden
        self.steps = steps
        self.margin = margin
        self.learning_rate = learning_rate

    @torch.no_grad()
    def score(self, view: View, budget: int) -> Tensor:
        head = view.once((self, "head"), lambda: self._trained(view))
        if head is None:
            return Entropy().score(view, budget)
        stages = view.pool.stages
        scores = torch.empty(len(stages), device=stages.device)
        for piece, block in blocks(stages, self.hidden):
            scores[piece] = head(block)
        return scores

    @torch.enable_grad()
    def _trained(self, view: View) -> LossHead | None:
        """The trained network; None if there is nothing to learn."""
        losses = _losses(view.labelled)
        if not (losses != losses[:1]).any():
            return None
        stages, stream = view.labelled.features.stages.float(), view.generator()
        head = LossHead(stages, self.hidden, stream)
        optimiser = torch.optim.Adam(head.parameters(), lr=self.learning_rate)
        for _ in range(self.steps):
            drawn = torch.randperm(len(losses), generator=stream)[: 2 * PAIRS]
            optimiser.zero_grad()
            ranking_loss(head(stages[drawn]), losses[drawn], self.margin).backward()
            optimiser.step()
        return head


def _losses(known: Known) -> Tensor:
    """The task's loss on each of the rows, (n,)."""
    logits = known.features.logits
    return nn.functional.cross_entropy(logits, known.labels.to(logits.device), reduction="none")


class Tod(QueryStrategy):
    """Largest change of the predictions since the last round's model (Huang et al., 2021).

    Half the squared distance of the class probabilities, which are remembered from round to round.
    Rows without an earlier prediction (in the first query, all of them) are ranked by 1 minus the
    gap between the two most probable classes, scaled to the others' changes by the average ratio of
    the two over the rows with an earlier prediction.
    """

    reads = ("probs",)

    def __init__(self) -> None:
        self._now: dict[str, Any] | None = None
        self._before: dict[str, Any] | None = None

    def fit(self, view: View) -> None:
        if self._now is None or self._now["seed"] != view.seed:
            self._before, self._now = self._now, _predictions(view)

    def score(self, view: View, budget: int) -> Tensor:
        doubts = (1 + Margin().score(view, budget)).clamp(min=0)
        known, before = self._earlier(view)
        if not known.any():
            return doubts
        # Rounded like the earlier ones, so that no change is a change of 0.
        change = view.pool.probs.half()[known].float() - before
        changes = (change**2).sum(1) / 2
        ratio = changes.mean() / doubts[known].mean().clamp(min=torch.finfo(doubts.dtype).eps)
        scores = ratio * doubts
        scores[known] = changes
        return scores

    def state_dict(self) -> dict[str, Any]:
        return {"now": self._now, "before": self._before}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._now, self._before = state["now"], state["before"]

    def _earlier(self, view: View) -> tuple[Tensor, Tensor]:
        """Rows with an earlier prediction, (n,) bool, and these predictions, (known, classes)."""
        fitted = self._now is not None and self._now["seed"] == view.seed
        memory = self._before if fitted else self._now
        device = view.pool.probs.device
        if memory is None:
            nobody = torch.zeros(len(view.pool), dtype=torch.bool, device=device)
            return nobody, view.pool.probs[:0]
        places = torch.searchsorted(memory["rows"], view.pool.rows)
        places.clamp_(max=len(memory["rows"]) - 1)
        known = memory["rows"][places] == view.pool.rows
        return known.to(device), memory["probs"][places[known]].to(device).float()


def _predictions(view: View) -> dict[str, Any]:
    """The class probabilities of the pool, by ascending row; on the CPU, in half precision."""
    probs = view.pool.probs.half().cpu()
    return {"seed": view.seed, "rows": view.pool.rows, "probs": probs}
