"""The desk deals the rows of a question to people, and takes their answers.

All its knowledge comes from the ledger, so that a killed process goes on with exactly the
unanswered rows. Needs no torch, no network and no clock but the one it is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autoal.people.agenda import Agenda
from autoal.people.events import ADJUDICATE, CORRECT, LABEL, NONE, UNDO, Event, Ledger
from autoal.people.leases import Leases
from autoal.people.said import Agree, Said, effort, first_counts, timed
from autoal.people.tasks import LateError, Outcome, Reply, Task

if TYPE_CHECKING:  # so that a desk can be tested without torch
    from autoal.people.asked import AskedRow

AHEAD = 5  # most rows that a person holds, so that the next ones are there at once


@dataclass
class Desk:
    """Deals rows to people, and takes their answers.

    Args:
        ledger: where everything is written before it counts.
        people: who may be asked.
        classes: their names.
        votes: how many of them are asked about a row.
        second: the share of rows about which one more is asked.
        guess: show what the model takes a row for.
        clock: returns the seconds.
    """

    ledger: Ledger
    people: Sequence[str]
    classes: Sequence[str]
    votes: int = 1
    second: float = 0.0
    guess: bool = True
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.said = Said(self.ledger, self.classes)
        self.agenda = Agenda(self.said, self.people, self.votes, self.second, self.guess)
        self.leases = Leases(self.clock)
        self.known: dict[int, str] = {}  # labels handed over
        self.closed = ""  # the phase in which all pages end
        self.stopped: set[str] = set()  # people who have had enough for today
        self._taken_back: dict[str, list[int]] = {person: [] for person in self.people}

    # What the engine does.

    def open(self, number: int, asked: Sequence[AskedRow]) -> None:
        """Ask about these rows."""
        self.agenda.open(number, asked)

    @property
    def left(self) -> list[int]:
        """The rows of the question about which somebody is still to be asked."""
        return self.agenda.left

    @property
    def complete(self) -> bool:
        """Whether the question is answered."""
        return not self.left

    def hand_over(self, agree: Agree = first_counts) -> Outcome:
        """The answers to the question, and the corrections since the last ones.

        Args:
            agree: finds the consensus on rows about which several were asked.
        """
        reliable = self.said.agree(agree).people
        labelled, batch = self.said.labels, self.agenda.batch
        labels = {row: labelled[row] for row in batch.rows if row in labelled}
        corrected = {
            row: labelled[row]
            for row, label in self.known.items()
            if labelled.get(row, label) != label
        }
        self.known |= labels | corrected
        ruled_out = self.agenda.ruled_out()
        self.agenda.declined |= set(batch.rows) - labels.keys() - ruled_out.keys()
        batch.handed = True
        people = effort(event for event in self.said if event.round == batch.number)
        seconds = timed(event for row in batch.rows for event in self.said.of(row))
        efforts = {name: {**people[name], **reliable.get(name, {})} for name in sorted(people)}
        return Outcome(labels, ruled_out, corrected, efforts, seconds, self.said.several())

    # What people do.

    def tasks(self, person: str) -> list[Task]:
        """A person's current and next tasks; nobody else gets the same meanwhile."""
        if person in self.stopped or self.closed:
            return []
        held = self._held(person)
        taken = self.leases.taken(person)
        due = {task.row: task for task in self.agenda.due(person) if task.row not in taken}
        room = max(0, self._share(person, len(due)) - len(held))
        more = [row for row in due if row not in held][:room]
        for row in more:
            self.leases.give(row, person)
        return [*self._reviews(person), *held.values(), *(due[row] for row in more)]

    def answer(self, person: str, reply: Reply) -> None:
        """Take a person's answer to a task."""
        if reply.id in self.ledger:
            return
        reply.demand_sound(self.classes)
        if reply.row in self._taken_back[person]:
            self._take_review(person, reply)
        else:
            self._take_answer(person, reply)

    def undo(self, person: str, identity: str) -> None:
        """Take a person's last answer back; if it was handed over, ask whether it is right."""
        if identity in self.ledger:
            return
        last = self.said.last(person)
        if last is None:
            raise LateError("you have nothing to take back")
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
        reply.demand_sound(self.classes)
        label = self.said.labels.get(reply.row)
        if label is None or reply.row not in self.agenda.asked:
            raise LateError(f"row {reply.row} has no label to correct")
        if reply.label != label:
            self._write(person, reply, CORRECT, self.agenda.batch.number, shown=reply.shown)
        if reply.row in self._taken_back[person]:
            self._taken_back[person].remove(reply.row)

    def stop(self, person: str) -> None:
        """Somebody has had enough for today."""
        self.stopped.add(person)
        self.leases.keep(person, ())

    def see(self, person: str, *, acting: bool) -> None:
        """Note a request of a person's page; acting again means not being done for today."""
        self.leases.see(person, acting=acting)
        if acting:
            self.stopped.discard(person)

    @property
    def deserted(self) -> bool:
        """Whether everybody who was here has had enough."""
        return bool(self.stopped) and self.stopped.issuperset(self.leases.here())

    def phase(self, person: str, tasks: Sequence[Task]) -> str:
        """The phase of the page of a person with these tasks."""
        if self.closed:
            return self.closed
        if person in self.stopped:
            return "stopped"
        if tasks:
            return "label"
        return "train" if self.agenda.batch.handed or self.complete else "wait"

    def _held(self, person: str) -> dict[int, Task]:
        """The open tasks of a person; those that others did meanwhile are dropped."""
        tasks = {row: self.agenda.task(person, row) for row in self.leases.of(person)}
        held = {row: task for row, task in tasks.items() if task is not None}
        self.leases.keep(person, held)
        return held

    def _share(self, person: str, due: int) -> int:
        """How many of the due rows a person may hold, given who else is here."""
        others = set(self.leases.here()) - self.stopped - {person}
        return min(AHEAD, max(1, due // (len(others) + 1)))

    def _reviews(self, person: str) -> list[Task]:
        rows = self._taken_back[person]
        return [self.agenda.review(row) for row in rows if row in self.agenda.asked]

    def _take_answer(self, person: str, reply: Reply) -> None:
        """Take a person's answer to an open task."""
        task = self.agenda.task(person, reply.row)
        if task is None or reply.row in self.leases.taken(person):
            raise LateError(f"you are no longer asked about row {reply.row}")
        task.demand_offered(reply)
        decides = task.kind == ADJUDICATE and reply.kind == LABEL
        kind = ADJUDICATE if decides else reply.kind
        shown = reply.shown and not task.blind
        self._write(person, reply, kind, task.round, shown=shown, choices=task.choices)
        self.leases.free(reply.row)

    def _take_review(self, person: str, reply: Reply) -> None:
        """Take a person's review of a label that could not be taken back."""
        if reply.label is None:
            raise LateError("the model has already learnt this row: only its class can be changed")
        self.correct(person, reply)

    def _write(
        self,
        person: str,
        reply: Reply,
        kind: str,
        number: int,
        *,
        shown: bool,
        choices: Sequence[str] = (),
    ) -> None:
        asked = self.agenda.asked[reply.row]
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
                choices=choices,
            )
        )

    def _was_handed_over(self, event: Event) -> bool:
        """Whether the model has this answer, which therefore cannot be taken back."""
        if event.kind == NONE and not self.agenda.is_open(event):
            if event.row in self.known:  # it ruled out the last other class
                return True
            raise LateError(
                f"the model has learnt what {event.name} is not; you may be asked again"
            )
        events = self.said.of(event.row)
        if event is not next((one for one in events if one.label is not None), events[0]):
            return False
        if event.row in self.agenda.declined:
            raise LateError(f"{event.name} was set aside, and nobody is asked about it again")
        return event.row in self.known

    def _ask_anew(self, person: str, row: int) -> None:
        """Let a person label a row next; its review is dropped."""
        for rows in self._taken_back.values():
            rows[:] = [other for other in rows if other != row]
        self.leases.give(row, person, first=True)

    def _put_back(self, person: str, row: int) -> None:
        """Ask a person whether the label of a row is right."""
        rows = self._taken_back[person]
        rows[:] = [row, *(other for other in rows if other != row)]
