"""Tasks for each person, in their order, given all answers. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from autoal.people.events import ADJUDICATE, LABEL, NONE, Event
from autoal.people.said import Opinion, Said
from autoal.people.tasks import REVIEW, SECOND, Task

if TYPE_CHECKING:  # so that an agenda can be tested without torch
    from autoal.people.asked import AskedRow


@dataclass
class Batch:
    """The question of a round."""

    number: int = 0
    rows: Sequence[int] = ()
    handed: bool = True  # over to the engine


@dataclass
class Agenda:
    """The open question, and what else may be asked about earlier rows.

    Args:
        said: the answers that count.
        people: who may be asked.
        votes: how many of them to ask about a row.
        second: the share of rows about which one more person is asked.
        guess: show the model's prediction.
    """

    said: Said
    people: Sequence[str]
    votes: int
    second: float
    guess: bool

    def __post_init__(self) -> None:
        self.batch = Batch()
        self.asked: dict[int, AskedRow] = {}  # by row, everything that may be shown
        self.declined: set[int] = set()  # rows handed over without a label

    def open(self, number: int, asked: Sequence[AskedRow]) -> None:
        """Put a round's question on the agenda."""
        self.asked |= {one.row: one for one in asked}
        self.batch = Batch(number, [one.row for one in asked], handed=False)

    @property
    def left(self) -> list[int]:
        """The rows of the question about which somebody is still to be asked."""
        return [
            row
            for row in self.batch.rows
            if not self.is_answered(row) or self._needs_more(row, self.votes)
        ]

    def is_answered(self, row: int) -> bool:
        """Whether an answer settles the row; one that only rules out classes does not."""
        events = self.said.of(row)
        return any(event.kind != NONE or event.round == self.batch.number for event in events)

    def ruled_out(self) -> dict[int, Sequence[str]]:
        """Classes ruled out for rows of the question that still have more than one left."""
        rows = [row for row in self.batch.rows if row not in self.said.labels]
        said = [event for row in rows for event in self.said.of(row)[-1:]]
        now = [e for e in said if e.kind == NONE and e.round == self.batch.number]
        return {event.row: event.choices for event in now}

    def is_open(self, event: Event) -> bool:
        """Whether it answers a question that has not been handed over yet."""
        return not self.batch.handed and event.round == self.batch.number

    def due(self, person: str) -> Iterator[Task]:
        """Everything that a person could be asked, in order of preference.

        Second opinions need no new model: they fill the time until the next question, and come
        first if that time was too short.
        """
        now = set(self.batch.rows)
        rows = [row for row in self.said.rows() if row not in now]
        rows += self.left if not self.batch.handed else []
        rows += self.batch.rows
        for row in dict.fromkeys(rows):
            if (task := self.task(person, row)) is not None:
                yield task

    def task(self, person: str, row: int) -> Task | None:
        """The task about a row that a person could do at this moment; None if there is none."""
        if row not in self.asked:
            return None
        if not self.is_answered(row):
            return self._first(row)
        if self._needs_more(row, self._wanted(row)):
            return self._second(person, row)
        return self._adjudication(person, row) if self.said.is_tied(row) else None

    def review(self, row: int) -> Task:
        """The task to check the label of a row."""
        asked, number = self.asked[row], self.said.of(row)[0].round
        blind = not self.guess or not asked.guess
        return Task(row, REVIEW, asked, number, blind, self.said.labels[row])

    def reviews(self) -> list[Task]:
        """All labelled rows, the most recently answered first."""
        rows = [row for row in self.said.labels if row in self.asked]
        rows.sort(key=lambda row: self.said.of(row)[-1].seq, reverse=True)
        return [self.review(row) for row in rows]

    def _first(self, row: int) -> Task | None:
        wanted = not self.batch.handed and row in self.batch.rows
        return self._task_of(row, LABEL, self.batch.number) if wanted else None

    def _second(self, person: str, row: int) -> Task | None:
        """Another person's opinion."""
        if person in self.said.people(row):
            return None
        return self._task_of(row, SECOND, self.said.of(row)[0].round)

    def _adjudication(self, person: str, row: int) -> Task | None:
        """A third person decides, if there is one; otherwise anybody, without names."""
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

    def _wanted(self, row: int) -> int:
        """How many people to ask about a row: always the same number for a row."""
        drawn = int.from_bytes(sha256(f"second {row}".encode()).digest()[:6])
        more = len(self.people) > self.votes and drawn < self.second * 2**48
        return self.votes + more

    def _needs_more(self, row: int, wanted: int) -> bool:
        """Whether fewer people than wanted were asked about a row that is still in doubt."""
        if row in self.declined or self.said.is_decided(row):
            return False
        is_something = all(event.kind != NONE for event in self.said.of(row)[-1:])
        return is_something and len(self.said.people(row)) < wanted
