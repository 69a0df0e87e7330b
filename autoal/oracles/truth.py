"""The true labels: the only way to those of the pool."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from autoal.data.classes import class_numbers, values_of
from autoal.data.rows import UNKNOWN, chosen
from autoal.errors import UserError
from autoal.oracles.question import Answers, Question


class TrueLabels:
    """An oracle that knows the answers, for experiments on labelled data.

    Args:
        labels: of all rows of the data set, numbers or names of classes; a row whose label is -1,
            NaN or None is declined.
    """

    def __init__(self, labels: Any) -> None:
        self._labels = labels.clone() if isinstance(labels, Tensor) else values_of(labels)

    def __call__(self, question: Question) -> Answers:
        beyond = question.rows[question.rows >= len(self._labels)]
        if len(beyond):
            raise UserError(f"row {beyond[0]} has no true label: it was made")
        labels = class_numbers(chosen(self._labels, question.rows), question.classes)
        mask = labels != UNKNOWN
        return Answers(question.rows[mask], labels[mask], "truth", truth=labels[mask])


def truth_of(labels: Tensor | None, rows: Tensor) -> Tensor | None:
    """The true labels of rows, for the record; None unless all are known."""
    if labels is None or bool((rows >= len(labels)).any()):
        return None
    known = labels[rows].long()
    return None if bool((known == UNKNOWN).any()) else known
