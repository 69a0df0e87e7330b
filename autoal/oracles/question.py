"""Questions about rows, and answers to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from autoal.data.rows import UNKNOWN, Shown, chosen
from autoal.query.view import View


@dataclass(frozen=True, eq=False)
class Question:
    """Of which classes are these rows?"""

    number: int  # of the round
    rows: Tensor  # of the data set, best first
    classes: tuple[str, ...]
    shown: Shown | None = None  # what a person sees of them
    names: Sequence[str] | None = None  # what a person calls them
    view: View | None = None  # of the query; None at the start
    suggested: Tensor | None = None  # the classes that the strategy itself would give, (rows,)
    person: int = 0  # who is asked, where several are

    def of(self, places: Tensor) -> Question:
        """The question about some of the rows."""
        return replace(
            self,
            rows=self.rows[places],
            shown=chosen(self.shown, places),
            names=chosen(self.names, places),
            suggested=chosen(self.suggested, places),
        )


@dataclass(frozen=True, eq=False)
class Answers:
    """The classes of rows that were asked about; a row that is left out was declined."""

    rows: Tensor  # (answered,) long, of those asked about
    labels: Tensor  # (answered,) long
    by: str = ""  # who answered
    cost: Tensor | None = None  # (answered,) of each; None: a label, that is 1
    truth: Tensor | None = None  # (answered,) for the record alone, where it is known

    @property
    def costs(self) -> Tensor:
        """What each answer cost."""
        return torch.ones(len(self.rows)) if self.cost is None else self.cost

    @property
    def wrong(self) -> int | None:
        """How many answers differ from the truth; None where nobody knows it."""
        return None if self.truth is None else int((self.labels != self.truth).sum())

    def take(self, places: Tensor) -> Answers:
        """Some of them, by places or by a mask."""
        return replace(
            self,
            rows=self.rows[places],
            labels=self.labels[places],
            cost=None if self.cost is None else self.cost[places],
            truth=None if self.truth is None else self.truth[places],
        )

    @classmethod
    def of(cls, question: Question, given: Any) -> Answers:
        """Answers in whatever form they come: an array or a list, in the order of the question.

        Classes go by number or by name; -1, NaN or None declines a row.
        """
        if isinstance(given, Answers):
            return given
        values = given.tolist() if hasattr(given, "tolist") else given
        if not isinstance(values, list | tuple) or len(values) != len(question.rows):
            count = len(values) if isinstance(values, list | tuple) else "no list of"
            raise ValueError(
                f"{count} answers to {len(question.rows)} questions: give one for each row, "
                "-1 or None to decline it"
            )
        labels = torch.tensor([_label(value, question.classes) for value in values])
        answered = labels != UNKNOWN
        return cls(question.rows[answered], labels.long()[answered])


Oracle = Callable[[Question], Answers]


def _label(value: Any, classes: tuple[str, ...]) -> int:
    """The number of a class, or UNKNOWN."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, str):
        if value not in classes:
            raise ValueError(f"{value!r} is none of the classes {', '.join(classes)}")
        return classes.index(value)
    if value is None or value != value:
        return UNKNOWN
    if not isinstance(value, int | float) or value not in range(-1, len(classes)):
        raise ValueError(f"{value!r} is no class: they go from 0 to {len(classes) - 1}")
    return int(value)


def in_order(question: Question, answers: Answers) -> Answers:
    """The answers in the order of the question; what is no answer to it is refused."""
    _demand_asked(question, answers.rows, answers.labels)
    labels = answers.labels.long()
    wrong = answers.labels[
        (labels != answers.labels) | (labels < 0) | (labels >= len(question.classes))
    ]
    if len(wrong):
        raise ValueError(
            f"the oracle answered {wrong[0]}; classes go from 0 to {len(question.classes) - 1}"
        )
    order = question.rows.argsort()
    places = order[torch.searchsorted(question.rows[order], answers.rows)]
    return replace(answers, labels=labels).take(places.argsort())


def _demand_asked(question: Question, rows: Tensor, labels: Tensor) -> None:
    """Refuse labels that are not one for each of some rows of the question."""
    if rows.ndim != 1 or labels.shape != rows.shape:
        raise ValueError(
            f"the oracle gave {tuple(labels.shape)} answers to {len(question.rows)} questions"
        )
    foreign = rows[~torch.isin(rows, question.rows)]
    if len(foreign):
        raise ValueError(f"the oracle answered for row {foreign[0]}, which nobody had asked about")
    if len(rows.unique()) < len(rows):
        raise ValueError("the oracle answered twice for a row")
