"""What people said that counts, row by row, and what follows from it. Needs no torch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from autoal.people.events import ADJUDICATE, CORRECT, DECLINED, LABEL, UNDO, Event, Ledger, decisive


class Opinion(NamedTuple):
    """What somebody thinks that a row is."""

    by: str
    label: str


class Said:
    """The events of a ledger that nobody took back.

    Args:
        ledger: in which they are, and in which others are written down before they count.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._of: dict[int, list[Event]] = defaultdict(list)
        self.labels: dict[int, str] = {}  # what rows are taken to be
        for event in ledger.counting():
            self._of[event.row].append(event)
        for row in self._of:
            self._settle(row)

    def add(self, event: Event) -> None:
        """Write an event down; then it counts, or what it takes back counts no more."""
        written = self.ledger.add(event)
        events = self._of[event.row]
        if written.kind == UNDO:
            events[:] = [other for other in events if other.id != written.undoes]
        else:
            events.append(written)
        self._settle(event.row)

    def of(self, row: int) -> list[Event]:
        """About one row, in their order."""
        return self._of.get(row, [])

    def rows(self) -> list[int]:
        """About which something was said."""
        return [row for row, events in self._of.items() if events]

    def __iter__(self) -> Iterator[Event]:
        for events in self._of.values():
            yield from events

    def last(self, person: str) -> Event | None:
        """What somebody said last."""
        own = (event for event in self if event.by == person)
        return max(own, key=lambda event: event.seq, default=None)

    def opinions(self, row: int) -> list[Opinion]:
        """Those of the people who were asked, none of whom knew the others'."""
        return [Opinion(e.by, e.label) for e in self.of(row) if e.kind == LABEL and e.label]

    def several(self) -> dict[str, dict[int, str]]:
        """What each person thinks of the rows about which more than one was asked."""
        found: dict[str, dict[int, str]] = defaultdict(dict)
        for row in self.rows():
            opinions = self.opinions(row)
            for by, label in opinions if len(opinions) > 1 else ():
                found[by][row] = label
        return dict(found)

    def disagreed(self, row: int) -> bool:
        """Whether people differ about a row, and nobody has decided it."""
        if any(event.kind in (CORRECT, ADJUDICATE) for event in self.of(row)):
            return False
        return len({label for _, label in self.opinions(row)}) > 1

    def people(self, row: int) -> set[str]:
        """Who said something about a row."""
        return {event.by for event in self.of(row)}

    def gave_up(self, row: int, person: str) -> bool:
        """Whether a person was asked to decide about a row, and declined."""
        second = max((e.seq for e in self.of(row) if e.kind == LABEL), default=-1)
        return any(
            event.by == person and event.kind in DECLINED and event.seq > second
            for event in self.of(row)
        )

    def _settle(self, row: int) -> None:
        """Look again at what a row is taken to be."""
        self.labels.pop(row, None)
        event = decisive(self.of(row))
        if event is not None:
            self.labels[row] = str(event.label)


def timed(events: Iterable[Event]) -> dict[int, float]:
    """How many seconds each row took, of all who were asked about it; untimed ones are left out."""
    found: dict[int, float] = {}
    for event in events:
        if event.seconds is not None:
            found[event.row] = round(found.get(event.row, 0.0) + event.seconds, 3)
    return found


def effort(events: Iterable[Event]) -> dict[str, dict[str, float]]:
    """How many labels each person gave, and in how many seconds."""
    found: dict[str, dict[str, float]] = {}
    for event in events:
        sums = found.setdefault(event.by, {"labels": 0, "seconds": 0.0})
        sums["labels"] += event.label is not None
        sums["seconds"] = round(sums["seconds"] + (event.seconds or 0.0), 3)
    return found
