"""The only door to the pool's labels."""

from typing import Protocol

from torch import Tensor


class Oracle(Protocol):
    """Whoever answers queries: a hidden column in an experiment, people in real life."""

    def __call__(self, rows: Tensor) -> Tensor:
        """The classes of these rows of the data set, in their order."""


class TrueLabels:
    """An oracle that knows every answer, for experiments on labelled data."""

    def __init__(self, labels: Tensor) -> None:
        self._labels = labels

    def __call__(self, rows: Tensor) -> Tensor:
        return self._labels[rows]

    def wrong(self, rows: Tensor, labels: Tensor) -> int:
        """How many of these labels differ from the truth: for the record alone, no answer."""
        return int((self._labels[rows] != labels).sum())
