"""Rules that stop when so much was spent: labels, or time."""

from __future__ import annotations

from collections.abc import Sequence

from autoal import bounds
from autoal.cycle.gauge import Gauge
from autoal.query.view import View
from autoal.record.round import Round


class Budget(Gauge):
    """Stops when so many labels were bought.

    Args:
        labels: to buy, the start's and those of validation rows among them.
        obey: end where it says so, instead of advising it.
    """

    def __init__(self, labels: int, *, obey: bool = False) -> None:
        super().__init__(obey)
        bounds.whole("labels", labels, least=1)
        self.labels = labels

    def read(self, history: Sequence[Round], view: View) -> float:
        return sum(len(done.queried) if done.bought is None else done.bought for done in history)

    def enough(self, value: float) -> bool:
        return value >= self.labels

    def reason(self, value: float) -> str:
        return f"{value:g} labels were bought (budget, rule {self.labels})"


class Time(Gauge):
    """Stops when so much time was spent: people's, and in rounds without people the machine's.

    Args:
        minutes: to spend.
        obey: end where it says so, instead of advising it.
    """

    def __init__(self, minutes: float, *, obey: bool = False) -> None:
        super().__init__(obey)
        bounds.number("minutes", minutes, above=0)
        self.minutes = minutes

    def read(self, history: Sequence[Round], view: View) -> float:
        return sum(map(_seconds, history)) / 60

    def enough(self, value: float) -> bool:
        return value >= self.minutes

    def reason(self, value: float) -> str:
        return f"{value:.1f} minutes were spent (time, rule {self.minutes:g})"


def _seconds(done: Round) -> float:
    """That people spent on a round, or else the machine."""
    told = done.persons.values()
    by_person = [float(facts["seconds"]) for facts in told if "seconds" in facts]
    return sum(by_person) if by_person else done.seconds["total"]
