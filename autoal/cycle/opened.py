"""An open question, and the view already seen for the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from autoal.cycle.stopwatch import Stopwatch
from autoal.oracles.question import Question
from autoal.query.view import View
from autoal.record.round import PHASES


@dataclass(frozen=True)
class Asked:
    """An open question."""

    question: Question
    stopwatch: Stopwatch
    notes: dict[str, Any]
    made: int = 0  # rows that joined the pool before it
    given: Mapping[int, int] = field(default_factory=dict)  # rows that came labelled, before it
    looked: int = 0  # rows looked at for it, if the plan limits them; 0: all
    expected: float | None = None  # what its labels will cost, if the plan spends costs
    judging: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))

    @property
    def spent(self) -> dict[str, float]:
        """The seconds of the round by phase, so far."""
        spent = self.stopwatch.seconds
        return {**dict.fromkeys(PHASES, 0.0), **spent, "total": self.stopwatch.total}

    def seeing(self, view: View | None) -> Asked:
        """The same, with another view in the question."""
        return replace(self, question=replace(self.question, view=view))


@dataclass(frozen=True)
class Ahead:
    """The view of the next query, which `stop` has seen already."""

    view: View
    stopwatch: Stopwatch
