"""The hooks of the cycle."""

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
    """Advice on whether to stop, and its source."""

    reason: str = ""  # why to stop; "" to go on
    value: float | None = None  # the watched number, if there is one by now
    rule: str = ""  # the rule's name


# From the rounds so far and the view that would be queried next: whether to stop, as advice or just
# its reason.
Stop = Callable[[Sequence[Round], View], Advice | str]

# From that view and the rounds so far: made rows that join the pool, or None.
Growth = Callable[[View, Sequence[Round]], Rows | None]


class StopRule(ABC):
    """A stop that remembers something from round to round.

    A plugin is a subclass, registered under the entry-point group `autoal.stops`; the parameters of
    its `__init__` become options of the command line.

    Args:
        obey: end the run when it says so; otherwise it is advice, noted in the record.
    """

    def __init__(self, obey: bool = False) -> None:
        switch("obey", obey)
        self.obey = obey

    @abstractmethod
    def __call__(self, history: Sequence[Round], view: View) -> Advice:
        """Look at the model after a round; called once after each."""

    def state_dict(self) -> dict[str, Any]:
        """Its memory, as tensors and plain values."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""


class GrowthRule(ABC):
    """A growth that remembers something from round to round, and learns its rows' outcome.

    A plugin is a subclass, registered under the entry-point group `autoal.growths`; the parameters
    of its `__init__` become options of the command line.
    """

    annotator: str | None = None  # folder of a model that labels its rows; None: the oracle does

    @property
    def share(self) -> float | None:
        """The share of made rows in the next batch; None: take the best rows of either kind."""
        return None

    @abstractmethod
    def most(self, number: int) -> int:
        """The most rows it makes before the query of the round with this number."""

    @abstractmethod
    def __call__(self, view: View, history: Sequence[Round]) -> Rows | None:
        """Rows that join the pool; called once before each query.

        `view.bench.worth` returns the strategy's scores of rows that may join.
        """

    def scored(self, made: Mapping[int, float], batch: Mapping[int, float]) -> None:
        """Receive the strategy's scores, before anything is learnt.

        Args:
            made: the scores of the rows that joined for this query, as far as it looked at them.
            batch: the scores of the rows in question, real and made.
        """

    def told(self, answers: Answers) -> Mapping[str, Any]:
        """Receive the answers about the batch, once a model has learnt it.

        Returns:
            Notes on the growth for the record of the round, ready for JSON.
        """
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Its memory, as tensors and plain values; also between a query and its answers."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
