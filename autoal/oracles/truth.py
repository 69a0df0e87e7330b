"""The true labels: the only door to those of the pool."""

from __future__ import annotations

from torch import Tensor

from autoal.data.rows import UNKNOWN
from autoal.errors import UserError
from autoal.oracles.question import Answers, Question


class TrueLabels:
    """An oracle that knows the answers, for experiments on labelled data.

    Args:
        labels: of all rows of the data set, (n,); a row whose label is -1 is declined.
    """

    def __init__(self, labels: Tensor) -> None:
        self._labels = labels

    def __call__(self, question: Question) -> Answers:
        beyond = question.rows[question.rows >= len(self._labels)]
        if len(beyond):
            raise UserError(f"row {beyond[0]} has no true label: it was made")
        labels = self._labels[question.rows]
        told = labels != UNKNOWN
        return Answers(question.rows[told], labels[told], "truth", truth=labels[told])
