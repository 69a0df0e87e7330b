"""How many labels an experiment buys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autoal import bounds


@dataclass(frozen=True)
class Plan:
    """`start` labels at first, then `budget` of them in each of `rounds`.

    A budget may also be a list, of one number for each round. Without `rounds` there is no end but
    that of the pool.
    """

    start: int
    budget: int | Sequence[int]
    rounds: int | None

    def __post_init__(self) -> None:
        bounds.whole("start", self.start, least=1)
        if self.rounds is not None:
            bounds.whole("rounds", self.rounds, least=0)
        if isinstance(self.budget, list | tuple):
            self._demand_each(self.budget)
            object.__setattr__(self, "budget", tuple(self.budget))  # as frozen data classes do it
        else:
            bounds.whole("budget", self.budget, least=1)

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
        """Whether nothing is to be done after so many rounds, the start among them."""
        return self.rounds is not None and done > self.rounds

    def demand_room(
        self, size: int, checked: int = 0, made: Callable[[int], int] = lambda number: 0
    ) -> None:
        """Refuse more than a pool of this size has, and will have.

        Args:
            size: of the pool.
            checked: rows of it that judge the model.
            made: how many rows join it before a round, at most.
        """
        if checked and checked + self.start > size:
            raise ValueError(
                f"data.check={checked} start={self.start}: the pool has only {size} rows"
            )
        size -= checked
        if self.start > size:
            raise ValueError(f"start={self.start}: the pool has only {size} rows")
        if self.rounds is None:
            return
        later, words = self._later(self.rounds)
        joining = sum(map(made, range(1, self.rounds + 1)))
        if self.start + later > size + joining:
            budget = [*self.budget] if isinstance(self.budget, Sequence) else self.budget
            raise ValueError(
                f"start={self.start} rounds={self.rounds} budget={budget}: that is "
                f"{self.start} + {words} = {self.start + later} labels, "
                f"but the pool has only {size} rows"
                + (f", and {joining} are made at most" if joining else "")
            )

    def _later(self, rounds: int) -> tuple[int, str]:
        """How many labels come after the start, and as what sum."""
        if isinstance(self.budget, Sequence):
            return sum(self.budget), " + ".join(map(str, self.budget)) or "0"
        return rounds * self.budget, f"{rounds} x {self.budget}"
