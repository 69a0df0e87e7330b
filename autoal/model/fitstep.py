"""What is told of a training while it runs."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class FitStep:
    """Where the training of a round stands."""

    step: int  # from 1
    steps: int
    epoch: int  # from 1
    loss: float
    learning_rate: float


Watch = Callable[[FitStep], None]


def unwatched(step: FitStep) -> None:
    """What watches a training that nobody watches."""
