"""How many labels an experiment buys."""

from dataclasses import dataclass

from autoal import bounds


@dataclass(frozen=True)
class Plan:
    """`start` labels at first, then `budget` of them in each of `rounds`."""

    start: int
    budget: int
    rounds: int

    def __post_init__(self) -> None:
        for name, least in (("start", 1), ("budget", 1), ("rounds", 0)):
            bounds.whole(name, getattr(self, name), least=least)

    def demand_room(self, size: int) -> None:
        """Refuse more than a pool of this size has."""
        if self.start > size:
            raise ValueError(f"start={self.start}: the pool has only {size} rows")
        wanted = self.start + self.rounds * self.budget
        if wanted > size:
            raise ValueError(
                f"start={self.start} rounds={self.rounds} budget={self.budget}: that is "
                f"{self.start} + {self.rounds} x {self.budget} = {wanted} labels, "
                f"but the pool has only {size} rows"
            )
