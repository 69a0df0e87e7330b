"""What may be hung into the cycle."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from autoal.bounds import switch
from autoal.data.rows import Rows
from autoal.oracles.question import Answers
from autoal.query.view import View
from autoal.record.round import Round


class Advice(NamedTuple):
    """Whether to stop, and what says so."""

    reason: str = ""  # why no more is to be bought; "" where more is
    value: float | None = None  # of what is watched, if it has one by now
    rule: str = ""  # that watches it


# From the rounds so far and the view that would be queried next: whether no more is to be bought,
# as advice or as its reason alone.
Stop = Callable[[Sequence[Round], View], Advice | str]

# From that view and the rounds so far: rows that were made and join the pool, or None.
Growth = Callable[[View, Sequence[Round]], Rows | None]


class StopRule(ABC):
    """A stop that remembers something from round to round.

    A plugin is a subclass, entered under the entry-point group `autoal.stops`; the parameters of
    its `__init__` become options of the command line.

    Args:
        obey: end where it says so; else it is advice, which the record has.
    """

    def __init__(self, obey: bool = False) -> None:
        switch("obey", obey)
        self.obey = obey

    @abstractmethod
    def __call__(self, history: Sequence[Round], view: View) -> Advice:
        """Look at the model after a round; called once after each."""

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers, as tensors and plain values."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""


class GrowthRule(ABC):
    """A growth that remembers something from round to round, and hears what became of its rows.

    A plugin is a subclass, entered under the entry-point group `autoal.growths`; the parameters of
    its `__init__` become options of the command line.
    """

    annotator: str | None = None  # folder of a model that labels its rows; None: the oracle does

    @property
    def share(self) -> float | None:
        """Of made rows in the next batch; None: the best rows are taken, whatever they are."""
        return None

    @abstractmethod
    def most(self, number: int) -> int:
        """How many rows it makes, at most, before the query of the round of this number."""

    @abstractmethod
    def __call__(self, view: View, history: Sequence[Round]) -> Rows | None:
        """Rows that join the pool; called once before each query.

        `view.bench.worth` says what the strategy, which has yet to choose, makes of rows that may
        join.
        """

    def scored(self, made: Mapping[int, float], batch: Mapping[int, float]) -> None:
        """Hear what the strategy makes of the rows, before anything is learnt.

        Args:
            made: the scores of the rows that joined for this query, as far as it looked at them.
            batch: those of the rows that are asked about, real and made ones.
        """

    def told(self, answers: Answers) -> Mapping[str, Any]:
        """Hear what was answered about the batch, once a model has learnt it.

        Returns:
            What the record of the round is to tell of the growth, ready for JSON.
        """
        return {}

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers, as tensors and plain values; also between a query and answers."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
