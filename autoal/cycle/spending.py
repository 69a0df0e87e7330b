"""Spending of rounds, and rules that stop at a limit of labels, money or time."""

from __future__ import annotations

from collections.abc import Sequence

from autoal import bounds
from autoal.costs.units import LABELS, MONEY, SECONDS, UNITS
from autoal.cycle.gauge import Gauge
from autoal.errors import UserError
from autoal.query.view import View
from autoal.record.round import Round


class Budget(Gauge):
    """Stops when enough labels were bought, or enough was spent on them.

    The start's labels count, and those of validation rows.

    Args:
        labels: how many to buy; None: `spend` is the limit.
        unit: labels, seconds or money: what `spend` counts.
        spend: what labels may cost together.
        obey: end the run when it says so, instead of advising it.
    """

    def __init__(
        self,
        labels: int | None = None,
        unit: str = LABELS,
        spend: float | None = None,
        *,
        obey: bool = False,
    ) -> None:
        super().__init__(obey)
        bounds.choice("unit", unit, UNITS)
        if (labels is None) == (spend is None):
            raise UserError("stop=budget: give stop.labels=, or stop.spend= with stop.unit=")
        if labels is not None:
            bounds.whole("labels", labels, least=1)
        else:
            bounds.number("spend", spend, above=0)
        self.unit = unit if labels is None else LABELS
        self.most = spend if labels is None else labels

    def read(self, history: Sequence[Round], view: View) -> float:
        return sum(spent(done, self.unit) for done in history)

    def enough(self, value: float) -> bool:
        return value >= (self.most or 0)

    def reason(self, value: float) -> str:
        what = f"{value:g} labels were bought"
        if self.unit != LABELS:
            what = f"{value:.6g} was spent in {self.unit}"
        return f"{what} (budget, rule {self.most:g})"


class Time(Gauge):
    """Stops when enough time was spent: people's or, in rounds without people, the machine's.

    Args:
        minutes: to spend.
        obey: end the run when it says so, instead of advising it.
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


def spent(done: Round, unit: str) -> float:
    """The cost of a round's labels."""
    return {LABELS: done.paid, SECONDS: done.time, MONEY: done.money}[unit]


def _seconds(done: Round) -> float:
    """The seconds that people, or else the machine, spent on a round."""
    told = done.persons.values()
    by_person = [float(facts["seconds"]) for facts in told if "seconds" in facts]
    return sum(by_person) if by_person else done.seconds["total"]
