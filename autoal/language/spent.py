"""The costs of a language model's answers."""

from __future__ import annotations

from operator import add, sub
from typing import NamedTuple


class Spent(NamedTuple):
    """Paid calls, cached answers, and the tokens of both.

    Cost and seconds are those of paid calls. `Spent - Spent` is what was spent in between.
    """

    calls: int = 0
    cached: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Spent) -> Spent:  # type: ignore[override]  # not one after the other
        return Spent(*map(add, self, other))

    def __sub__(self, other: Spent) -> Spent:
        return Spent(*map(sub, self, other))
