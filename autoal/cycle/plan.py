"""How many labels an experiment buys, at what cost, and how many rows it looks at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autoal import bounds
from autoal.costs.units import LABELS, UNITS
from autoal.settings import Settings


@dataclass(frozen=True)
class Plan:
    """`start` labels at first, then `budget` of them in each of `rounds`.

    A budget may also be a list with one number for each round. Without `rounds` only the end of the
    pool ends it.

    Args:
        start: labels of the first round.
        budget: labels of every later one, or a list of them.
        rounds: later ones; None: there is no end.
        unit: labels, seconds or money: what `spend` counts.
        spend: what each later round may cost, instead of `budget`; None: no limit.
        per_cost: rank rows by worth per cost.
        apart: the least distance of two rows of a batch, in median distances from a row to its
            nearest neighbour; None: any.
        minutes: how long answers to a batch should take; None: no target.
        look: rows of a larger pool to look at in a round, drawn afresh; None: all.
    """

    start: int
    budget: int | Sequence[int]
    rounds: int | None
    unit: str = LABELS
    spend: float | None = None
    per_cost: bool = False
    apart: float | None = None
    minutes: float | None = None
    look: int | None = None

    @classmethod
    def of(cls, settings: Settings) -> Plan:
        """The plan in complete settings; older runs lack the section."""
        own = settings.get("plan") or {}
        own = {**own, "look": settings.get("look")}  # which older runs lack too
        return cls(settings["start"]["size"], settings["budget"], settings["rounds"], **own)

    def __post_init__(self) -> None:
        bounds.whole("start", self.start, least=1)
        if self.rounds is not None:
            bounds.whole("rounds", self.rounds, least=0)
        if isinstance(self.budget, list | tuple):
            self._demand_each(self.budget)
            object.__setattr__(self, "budget", tuple(self.budget))  # as frozen data classes do it
        else:
            bounds.whole("budget", self.budget, least=1)
        bounds.choice("plan.unit", self.unit, UNITS)
        bounds.switch("per_cost", self.per_cost)
        for name in ("spend", "apart", "minutes"):
            if (value := getattr(self, name)) is not None:
                bounds.number(name, value, above=0)
        self._demand_one_size()
        self._demand_look()

    @property
    def counts_rows(self) -> bool:
        """Whether it says how many rows each batch has."""
        return self.spend is None and self.minutes is None

    def _demand_one_size(self) -> None:
        """Refuse a plan with two sizes for a batch, or with a unit and no amount."""
        if self.spend is None and self.unit != LABELS:
            raise ValueError(f"plan.unit={self.unit} is the unit of plan.spend=: give plan.spend=")
        if self.spend is not None and self.minutes is not None:
            raise ValueError("plan.spend= and plan.minutes= both say how large a batch is")
        if not self.counts_rows and isinstance(self.budget, tuple):
            given = "plan.minutes=" if self.spend is None else "plan.spend="
            raise ValueError(f"{given} says how large a batch is, and a list in budget= does too")

    def _demand_look(self) -> None:
        """Refuse to look at fewer rows than a batch has."""
        if self.look is None:
            return
        bounds.whole("look", self.look, least=1)
        budgets = self.budget if isinstance(self.budget, Sequence) else [self.budget]
        largest = max([self.start, *budgets] if self.counts_rows else [self.start])
        if self.look < largest:
            raise ValueError(
                f"look={self.look}: a batch has {largest} rows, and is chosen among those that "
                f"are looked at: give look={largest} or more, or null for all"
            )

    def _demand_each(self, sizes: Sequence[int]) -> None:
        for place, size in enumerate(sizes):
            bounds.whole(f"budget[{place}]", size, least=1)
        if self.rounds is None:
            raise ValueError(f"budget={[*sizes]}: rounds=null has no end, and the list has one")
        if len(sizes) != self.rounds:
            raise ValueError(
                f"budget={[*sizes]} is for {len(sizes)} rounds, and rounds={self.rounds}: "
                "give a number for each round, or one for all"
            )

    def batch(self, number: int) -> int:
        """How many rows the round of this number asks about; round 0 is the start."""
        if number == 0:
            return self.start
        return self.budget[number - 1] if isinstance(self.budget, Sequence) else self.budget

    def over(self, done: int) -> bool:
        """Whether the plan is done after this many rounds, including the start."""
        return self.rounds is not None and done > self.rounds

    def demand_room(
        self, size: int, checked: int = 0, made: Callable[[int], int] = lambda number: 0
    ) -> None:
        """Refuse more labels than a pool of this size has, or will have.

        Args:
            size: of the pool.
            checked: rows of it that judge the model.
            made: most rows that join it before a round.
        """
        if checked and checked + self.start > size:
            raise ValueError(
                f"data.check={checked} start={self.start}: the pool has only {size} rows"
            )
        size -= checked
        if self.start > size:
            raise ValueError(f"start={self.start}: the pool has only {size} rows")
        if self.rounds is None or not self.counts_rows:
            return
        later, words = self._later(self.rounds)
        joining = sum(map(made, range(1, self.rounds + 1)))
        if self.start + later > size + joining:
            budget = [*self.budget] if isinstance(self.budget, Sequence) else self.budget
            raise ValueError(
                f"start={self.start} rounds={self.rounds} budget={budget}: that is "
                f"{self.start} + {words} = {self.start + later} labels, "
                f"but the pool has only {size} rows"
                + (f", and at most {joining} are made" if joining else "")
            )

    def _later(self, rounds: int) -> tuple[int, str]:
        """How many labels come after the start, also written as a sum."""
        if isinstance(self.budget, Sequence):
            return sum(self.budget), " + ".join(map(str, self.budget)) or "0"
        return rounds * self.budget, f"{rounds} x {self.budget}"
