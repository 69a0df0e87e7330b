"""Who is asked what: the rows of a question are dealt to people, and answers are taken.

What is known follows from the ledger alone, so that a process that was killed goes on with exactly
the rows that nobody answered. Needs no torch, no network and no clock but the one it is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from autoal.errors import UserError
from autoal.people.events import ADJUDICATE, CORRECT, DECLINED, LABEL, UNDO, Event, Ledger
from autoal.people.leases import Leases
from autoal.people.said import Opinion, Said, effort

if TYPE_CHECKING:  # or a desk could not be tested without torch
    from autoal.people.asked import AskedRow

AHEAD = 5  # rows that a person holds at most, so that the next ones are there at once
SECOND = "second"  # asks for somebody else's opinion
REVIEW = "review"  # asks whether a label that counts already is right


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


@dataclass(frozen=True)
class Reply:
    """What one person says to a task."""

    id: str
    row: int
    kind: str
    label: str | None = None
    seconds: float | None = None
    shown: bool = False  # the guess was


@dataclass(frozen=True)
class Batch:
    """What came of a question."""

    labels: Mapping[int, str]  # of its rows, in its order; those that are missing were declined
    corrected: Mapping[int, str]  # other classes of earlier rows
    people: Mapping[str, Mapping[str, float]]  # labels, seconds of each


@dataclass
class _Open:
    """The question of a round."""

    number: int = 0
    rows: Sequence[int] = ()
    handed: bool = True  # to whoever asked it


@dataclass
class Desk:
    """Deals rows to people, and takes what they say.

    Args:
        ledger: in which everything is written before it counts.
        people: who may be asked.
        classes: their names.
        second: the share of rows about which two people are asked.
        guess: show what the model takes a row for.
        clock: tells the seconds.
    """

    ledger: Ledger
    people: Sequence[str]
    classes: Sequence[str]
    second: float = 0.0
    guess: bool = True
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.said = Said(self.ledger)
        self.leases = Leases(self.clock)
        self.batch = _Open()
        self.asked: dict[int, AskedRow] = {}  # by row, all that may be shown
        self.known: dict[int, str] = {}  # labels that were handed over
        self.declined: set[int] = set()  # rows that were handed over without one
        self.closed = ""  # the phase in which all pages end
        self.stopped: set[str] = set()  # people who have had enough for today
        self._taken_back: dict[str, list[int]] = {person: [] for person in self.people}

    # What the engine does.

    def open(self, number: int, asked: Sequence[AskedRow]) -> None:
        """Ask about these rows."""
        self.asked |= {one.row: one for one in asked}
        self.batch = _Open(number, [one.row for one in asked], handed=False)

    @property
    def left(self) -> list[int]:
        """The rows of the question that nobody answered yet."""
        return [row for row in self.batch.rows if not self.said.of(row)]

    @property
    def complete(self) -> bool:
        """Whether the question is answered."""
        return not self.left

    def hand_over(self) -> Batch:
        """The answers to the question, and what was corrected since the last ones."""
        labelled, number = self.said.labels, self.batch.number
        labels = {row: labelled[row] for row in self.batch.rows if row in labelled}
        corrected = {
            row: labelled[row]
            for row, label in self.known.items()
            if labelled.get(row, label) != label
        }
        self.known |= labels | corrected
        self.declined |= set(self.batch.rows) - labels.keys()
        self.batch.handed = True
        people = effort(event for event in self.said if event.round == number)
        return Batch(labels, corrected, {name: people[name] for name in sorted(people)})

    # What people do.

    def tasks(self, person: str) -> list[Task]:
        """What a person is to do now, and after that; nobody else is asked the same meanwhile."""
        if person in self.stopped or self.closed:
            return []
        held = self._held(person)
        taken = self.leases.taken(person)
        due = {task.row: task for task in self._due(person) if task.row not in taken}
        others = set(self.leases.here()) - self.stopped - {person}
        share = min(AHEAD, max(1, len(due) // (len(others) + 1)))
        more = [row for row in due if row not in held][: max(0, share - len(held))]
        for row in more:
            self.leases.give(row, person)
        return [*self._reviews(person), *held.values(), *(due[row] for row in more)]

    def answer(self, person: str, reply: Reply) -> None:
        """Take what a person says to a task."""
        if reply.id in self.ledger:
            return
        self._demand_sound(reply)
        if reply.row in self._taken_back[person]:
            if reply.label is None:
                raise LateError("the model learns this row already: only its class can be changed")
            self.correct(person, reply)
            return
        task = self._task(person, reply.row)
        if task is None or reply.row in self.leases.taken(person):
            raise LateError(f"row {reply.row} is not asked of you any more")
        decides = task.kind == ADJUDICATE and reply.kind == LABEL
        kind = ADJUDICATE if decides else reply.kind
        self._write(person, reply, kind, task.round, shown=reply.shown and not task.blind)
        self.leases.free(reply.row)

    def undo(self, person: str, identity: str) -> None:
        """Take a person's last answer back; of what was handed over, ask whether it is right."""
        if identity in self.ledger:
            return
        last = self.said.last(person)
        if last is None:
            raise LateError("there is nothing of yours to take back")
        if self._was_handed_over(last):
            self._put_back(person, last.row)
            return
        kept = {name: getattr(last, name) for name in ("round", "row", "name", "key", "by")}
        self.said.add(Event(**kept, kind=UNDO, id=identity, undoes=last.id))
        if last.kind == CORRECT and last.row in self.said.labels:
            self._put_back(person, last.row)
        else:
            self._ask_anew(person, last.row)

    def correct(self, person: str, reply: Reply) -> None:
        """Give a row that has a label another one."""
        if reply.id in self.ledger:
            return
        self._demand_sound(reply)
        label = self.said.labels.get(reply.row)
        if label is None or reply.row not in self.asked:
            raise LateError(f"row {reply.row} has no label that could be corrected")
        if reply.label != label:
            self._write(person, reply, CORRECT, self.batch.number, shown=reply.shown)
        if reply.row in self._taken_back[person]:
            self._taken_back[person].remove(reply.row)

    def stop(self, person: str) -> None:
        """Somebody has had enough for today."""
        self.stopped.add(person)
        self.leases.keep(person, ())

    def see(self, person: str, *, acting: bool) -> None:
        """A person's page asks for something; who acts again has not had enough."""
        self.leases.see(person, acting=acting)
        if acting:
            self.stopped.discard(person)

    @property
    def deserted(self) -> bool:
        """Whether all who were here have had enough."""
        return bool(self.stopped) and self.stopped.issuperset(self.leases.here())

    def phase(self, person: str, tasks: Sequence[Task]) -> str:
        """What the page of a person who has these tasks is for."""
        if self.closed:
            return self.closed
        if person in self.stopped:
            return "stopped"
        if tasks:
            return "label"
        return "train" if self.batch.handed or self.complete else "wait"

    def reviews(self) -> list[Task]:
        """All rows that have a label, the one of which something was said last first."""
        rows = [row for row in self.said.labels if row in self.asked]
        rows.sort(key=lambda row: self.said.of(row)[-1].seq, reverse=True)
        return [self._review(row) for row in rows]

    def _held(self, person: str) -> dict[int, Task]:
        """What a person was given and has not done; what others did meanwhile is let go."""
        tasks = {row: self._task(person, row) for row in self.leases.of(person)}
        held = {row: task for row, task in tasks.items() if task is not None}
        self.leases.keep(person, held)
        return held

    def _due(self, person: str) -> Iterator[Task]:
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
            if (task := self._task(person, row)) is not None:
                yield task

    def _task(self, person: str, row: int) -> Task | None:
        """What a person could be asked about a row at this moment."""
        if row not in self.asked:
            return None
        said, spoke = self.said.of(row), self.said.people(row)
        if not said:
            wanted = not self.batch.handed and row in self.batch.rows
            return self._task_of(row, LABEL, self.batch.number) if wanted else None
        if not self._is_shown_twice(row):
            return None
        if self.said.disagreed(row):
            return self._adjudication(person, row)
        if person not in spoke and len(spoke) == 1 and not self._is_decided(row):
            return self._task_of(row, SECOND, said[0].round)
        return None

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

    def _reviews(self, person: str) -> list[Task]:
        return [self._review(row) for row in self._taken_back[person] if row in self.asked]

    def _review(self, row: int) -> Task:
        asked, number = self.asked[row], self.said.of(row)[0].round
        blind = not self.guess or not asked.guess
        return Task(row, REVIEW, asked, number, blind, self.said.labels[row])

    def _is_shown_twice(self, row: int) -> bool:
        """Whether a second person is asked about a row: the same ones whenever it is asked."""
        drawn = int.from_bytes(sha256(f"second {row}".encode()).digest()[:6])
        return len(self.people) > 1 and drawn < self.second * 2**48

    def _is_decided(self, row: int) -> bool:
        """Whether another opinion would change nothing."""
        declined = row in self.declined  # by the first, and set aside
        return declined or any(event.kind == CORRECT for event in self.said.of(row))

    def _demand_sound(self, reply: Reply) -> None:
        if reply.kind not in (LABEL, *DECLINED):
            raise RefusedError(f"`kind` must be one of {', '.join((LABEL, *DECLINED))}")
        if (reply.kind == LABEL) != (reply.label is not None):
            raise RefusedError("a `label` goes with the kind label, and with no other")
        if reply.label is not None and reply.label not in self.classes:
            raise RefusedError(f"{reply.label!r} is none of the classes {', '.join(self.classes)}")

    def _write(self, person: str, reply: Reply, kind: str, number: int, *, shown: bool) -> None:
        asked = self.asked[reply.row]
        self.said.add(
            Event(
                round=number,
                row=reply.row,
                name=asked.name,
                key=asked.key,
                by=person,
                kind=kind,
                id=reply.id,
                label=reply.label,
                seconds=reply.seconds,
                guess=asked.guess[0][0] if asked.guess else None,
                shown=shown,
            )
        )

    def _was_handed_over(self, event: Event) -> bool:
        """Whether the model learns from this answer, which therefore cannot be taken back."""
        events = self.said.of(event.row)
        if event is not next((one for one in events if one.label is not None), events[0]):
            return False
        if event.row in self.declined:
            raise LateError(f"{event.name} was set aside, and is asked of nobody any more")
        return event.row in self.known

    def _ask_anew(self, person: str, row: int) -> None:
        """Let a person label a row first of all; nobody is asked whether its label is right."""
        for rows in self._taken_back.values():
            rows[:] = [other for other in rows if other != row]
        self.leases.give(row, person, first=True)

    def _put_back(self, person: str, row: int) -> None:
        """Ask a person whether the label of a row is right."""
        rows = self._taken_back[person]
        rows[:] = [row, *(other for other in rows if other != row)]
