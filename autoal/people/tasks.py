"""What one person is asked, what comes back, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from autoal.data.word import is_word
from autoal.errors import UserError
from autoal.people.events import DECLINED, LABEL, NONE
from autoal.people.said import Opinion

if TYPE_CHECKING:  # or a task could not be tested without torch
    from autoal.people.asked import AskedRow

SECOND = "second"  # asks for somebody else's opinion
REVIEW = "review"  # asks whether a label that counts already is right

Told = TypeVar("Told")


class RefusedError(UserError):
    """What somebody says that cannot be taken."""

    status = 400  # of HTTP


class LateError(RefusedError):
    """What could have been taken before, and cannot be any more."""

    status = 409


class Task(NamedTuple):
    """What one person is asked."""

    row: int
    kind: str
    asked: AskedRow
    round: int
    blind: bool  # neither the model's guess nor anybody else's opinion is shown
    label: str | None = None  # that counts now; of a review
    opinions: Sequence[Opinion] = ()  # among which an adjudication decides

    @property
    def choices(self) -> Sequence[str]:
        """The classes that are offered; none where all are, as to whoever is asked in addition."""
        return self.asked.choices if self.kind == LABEL else ()

    def demand_offered(self, reply: Reply) -> None:
        """Refuse what answers another question than which of the choices it is, if any."""
        if reply.kind == NONE and not self.choices:
            raise RefusedError("no classes were offered of which it could be none")
        if self.choices and reply.label not in (None, *self.choices):
            raise RefusedError(f"{reply.label!r} was not offered, {', '.join(self.choices)} was")


@dataclass(frozen=True)
class Reply:
    """What one person says to a task."""

    id: str
    row: int
    kind: str
    label: str | None = None
    seconds: float | None = None
    shown: bool = False  # the guess was

    def demand_sound(self, classes: Sequence[str]) -> None:
        """Refuse what says nothing of classes, neither of these nor of those offered."""
        kinds = (LABEL, *DECLINED, NONE)
        if self.kind not in kinds:
            raise RefusedError(f"`kind` must be one of {', '.join(kinds)}")
        if (self.kind == LABEL) != (self.label is not None):
            raise RefusedError("a `label` goes with the kind label, and with no other")
        if self.label is not None and self.label not in classes:
            raise RefusedError(f"{self.label!r} is none of the classes {', '.join(classes)}")


@dataclass(frozen=True)
class Outcome:
    """What came of a question; words are told of by their numbers, as if they were rows."""

    labels: Mapping[int, str]  # of its rows, in its order
    ruled_out: Mapping[int, Sequence[str]]  # of others, what they are not; the rest was declined
    corrected: Mapping[int, str]  # other classes of earlier rows
    people: Mapping[str, Mapping[str, float]]  # labels, seconds of each
    timed: Mapping[int, float]  # seconds that each of its rows took
    said: Mapping[str, Mapping[int, str]]  # by each, of rows about which several were asked

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
    """What is told of rows."""
    return {row: value for row, value in told.items() if not is_word(row)}
