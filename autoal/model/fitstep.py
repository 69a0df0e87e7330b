"""Progress reports of a training while it runs."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class FitStep:
    """The progress of a round's training."""

    step: int  # from 1
    steps: int
    epoch: int  # from 1
    loss: float
    learning_rate: float


Watch = Callable[[FitStep], None]


def unwatched(step: FitStep) -> None:
    """A watch that does nothing."""
