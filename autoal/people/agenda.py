"""What each person may be asked, and in which order, by what was said. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from autoal.people.events import ADJUDICATE, CORRECT, LABEL, NONE, Event
from autoal.people.said import Opinion, Said
from autoal.people.tasks import REVIEW, SECOND, Task

if TYPE_CHECKING:  # or an agenda could not be tested without torch
    from autoal.people.asked import AskedRow


@dataclass
class Batch:
    """The question of a round."""

    number: int = 0
    rows: Sequence[int] = ()
    handed: bool = True  # to whoever asked it


@dataclass
class Agenda:
    """The open question, and what else may be asked of rows of earlier ones.

    Args:
        said: what counts.
        people: who may be asked.
        second: the share of rows about which two people are asked.
        guess: show what the model takes a row for.
    """

    said: Said
    people: Sequence[str]
    second: float
    guess: bool

    def __post_init__(self) -> None:
        self.batch = Batch()
        self.asked: dict[int, AskedRow] = {}  # by row, all that may be shown
        self.declined: set[int] = set()  # rows that were handed over without a label

    def open(self, number: int, asked: Sequence[AskedRow]) -> None:
        """Put the question of a round on it."""
        self.asked |= {one.row: one for one in asked}
        self.batch = Batch(number, [one.row for one in asked], handed=False)

    @property
    def left(self) -> list[int]:
        """The rows of the question that nobody answered yet."""
        return [row for row in self.batch.rows if not self.is_answered(row)]

    def is_answered(self, row: int) -> bool:
        """Whether something was said that needs no other question: what it is not, needs one."""
        events = self.said.of(row)
        return any(event.kind != NONE or event.round == self.batch.number for event in events)

    def ruled_out(self) -> dict[int, Sequence[str]]:
        """What was said that rows of the question are not."""
        said = [event for row in self.batch.rows for event in self.said.of(row)[-1:]]
        now = [e for e in said if e.kind == NONE and e.round == self.batch.number]
        return {event.row: event.choices for event in now}

    def is_open(self, event: Event) -> bool:
        """Whether it answers a question that was not handed over yet."""
        return not self.batch.handed and event.round == self.batch.number

    def due(self, person: str) -> Iterator[Task]:
        """All that a person could be asked, in the order in which it is wanted.

        Another opinion needs no new model: it fills the time until the next question, and is
        asked for first where that time was too short.
        """
        now = set(self.batch.rows)
        twice = [row for row in self.said.rows() if self._is_shown_twice(row)]
        rows = [row for row in twice if row not in now]
        rows += self.left if not self.batch.handed else []
        rows += [row for row in twice if row in now]
        for row in rows:
            if (task := self.task(person, row)) is not None:
                yield task

    def task(self, person: str, row: int) -> Task | None:
        """What a person could be asked about a row at this moment."""
        if row not in self.asked:
            return None
        if not self.is_answered(row):
            return self._first(row)
        if not self._is_shown_twice(row):
            return None
        if self.said.disagreed(row):
            return self._adjudication(person, row)
        return self._second(person, row)

    def review(self, row: int) -> Task:
        """Whether the label of a row is right."""
        asked, number = self.asked[row], self.said.of(row)[0].round
        blind = not self.guess or not asked.guess
        return Task(row, REVIEW, asked, number, blind, self.said.labels[row])

    def reviews(self) -> list[Task]:
        """All rows that have a label, the one of which something was said last first."""
        rows = [row for row in self.said.labels if row in self.asked]
        rows.sort(key=lambda row: self.said.of(row)[-1].seq, reverse=True)
        return [self.review(row) for row in rows]

    def _first(self, row: int) -> Task | None:
        wanted = not self.batch.handed and row in self.batch.rows
        return self._task_of(row, LABEL, self.batch.number) if wanted else None

    def _second(self, person: str, row: int) -> Task | None:
        """Another person's opinion, where a single one is known and can still be doubted."""
        said, spoke = self.said.of(row), self.said.people(row)
        if person in spoke or len(spoke) > 1 or self._is_decided(row):
            return None
        return self._task_of(row, SECOND, said[0].round)

    def _adjudication(self, person: str, row: int) -> Task | None:
        """A third person decides, where there is one; else anybody, not told who said what."""
        opinions = self.said.opinions(row)
        involved = {by for by, _ in opinions}
        if self.said.gave_up(row, person) or (
            person in involved and not involved.issuperset(self.people)
        ):
            return None
        if person in involved:
            opinions = sorted(one._replace(by="") for one in opinions)
        return self._task_of(row, ADJUDICATE, self.said.of(row)[0].round, opinions)

    def _task_of(self, row: int, kind: str, number: int, opinions: Sequence[Opinion] = ()) -> Task:
        asked = self.asked[row]
        blind = kind != LABEL or not self.guess or not asked.guess
        return Task(row, kind, asked, number, blind, opinions=opinions)

    def _is_shown_twice(self, row: int) -> bool:
        """Whether a second person is asked about a row: the same ones whenever it is asked."""
        drawn = int.from_bytes(sha256(f"second {row}".encode()).digest()[:6])
        wanted = len(self.people) > 1 and drawn < self.second * 2**48
        return wanted and all(event.kind != NONE for event in self.said.of(row)[-1:])

    def _is_decided(self, row: int) -> bool:
        """Whether another opinion would change nothing."""
        declined = row in self.declined  # by the first, and set aside
        return declined or any(event.kind == CORRECT for event in self.said.of(row))
