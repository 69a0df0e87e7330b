"""A person's task, the reply, and its outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from autoal.data.word import is_word
from autoal.errors import UserError
from autoal.people.events import DECLINED, LABEL, NONE
from autoal.people.said import Opinion

if TYPE_CHECKING:  # so that a task can be tested without torch
    from autoal.people.asked import AskedRow

SECOND = "second"  # asks for somebody else's opinion
REVIEW = "review"  # asks whether an existing label is right

Told = TypeVar("Told")


class RefusedError(UserError):
    """A reply that cannot be accepted."""

    status = 400  # of HTTP


class LateError(RefusedError):
    """A reply that comes too late."""

    status = 409


class Task(NamedTuple):
    """A question to one person."""

    row: int
    kind: str
    asked: AskedRow
    round: int
    blind: bool  # hides the model's guess and others' opinions
    label: str | None = None  # the current one, for a review
    opinions: Sequence[Opinion] = ()  # for an adjudication to decide between

    @property
    def choices(self) -> Sequence[str]:
        """The classes on offer; empty if all are, as for second opinions."""
        return self.asked.choices if self.kind == LABEL else ()

    def demand_offered(self, reply: Reply) -> None:
        """Refuse replies to anything but: which of the choices is it, if any?"""
        if reply.kind == NONE and not self.choices:
            raise RefusedError("no classes were offered, so it cannot be none of them")
        if self.choices and reply.label not in (None, *self.choices):
            raise RefusedError(f"{reply.label!r} was not offered, {', '.join(self.choices)} was")


@dataclass(frozen=True)
class Reply:
    """A person's reply to a task."""

    id: str
    row: int
    kind: str
    label: str | None = None
    seconds: float | None = None
    shown: bool = False  # whether the guess was shown

    def demand_sound(self, classes: Sequence[str]) -> None:
        """Refuse replies that do not fit these classes."""
        kinds = (LABEL, *DECLINED, NONE)
        if self.kind not in kinds:
            raise RefusedError(f"`kind` must be one of {', '.join(kinds)}")
        if (self.kind == LABEL) != (self.label is not None):
            raise RefusedError("only the kind label has a `label`")
        if self.label is not None and self.label not in classes:
            raise RefusedError(f"{self.label!r} is not one of the classes {', '.join(classes)}")


@dataclass(frozen=True)
class Outcome:
    """The outcome of a question; words have numbers, as if they were rows."""

    labels: Mapping[int, str]  # of its rows, in order
    ruled_out: Mapping[int, Sequence[str]]  # for others, classes ruled out; the rest was declined
    corrected: Mapping[int, str]  # other classes of earlier rows
    people: Mapping[str, Mapping[str, float]]  # labels, seconds of each
    timed: Mapping[int, float]  # seconds for each of its rows
    said: Mapping[str, Mapping[int, str]]  # by person, for rows about which several were asked

    def of_rows(self) -> Outcome:
        """The same without words."""
        return Outcome(
            _rows(self.labels),
            _rows(self.ruled_out),
            _rows(self.corrected),
            self.people,
            _rows(self.timed),
            {name: _rows(labels) for name, labels in self.said.items()},
        )


def _rows(told: Mapping[int, Told]) -> dict[int, Told]:
    """Only the entries of rows."""
    return {row: value for row, value in told.items() if not is_word(row)}
