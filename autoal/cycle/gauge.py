"""The contract of rules that advise to stop buying labels by one number."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from autoal.cycle.hooks import Advice, StopRule
from autoal.query.view import View
from autoal.record.round import Round


class Gauge(StopRule):
    """A rule that reads one number after each round, and says when it is enough."""

    def __call__(self, history: Sequence[Round], view: View) -> Advice:
        name, value = type(self).__name__.lower(), self.read(history, view)
        if value is None or not self.enough(value):
            return Advice("", value, name)
        return Advice(self.reason(value), value, name)

    @abstractmethod
    def read(self, history: Sequence[Round], view: View) -> float | None:
        """The number after the last of these rounds; None if there is none yet."""

    @abstractmethod
    def enough(self, value: float) -> bool:
        """Whether to stop at this number."""

    @abstractmethod
    def reason(self, value: float) -> str:
        """Why this number is enough, in plain words."""
