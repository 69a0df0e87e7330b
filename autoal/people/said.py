"""The answers that count, row by row, and their consequences. Needs no torch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from autoal.people.deciding import decisive, is_shared
from autoal.people.events import (
    ADJUDICATE,
    CORRECT,
    DECLINED,
    LABEL,
    NONE,
    UNDO,
    Event,
    Ledger,
)


class Opinion(NamedTuple):
    """Somebody's opinion of a row."""

    by: str
    label: str


Opinions = Mapping[int, Sequence[Opinion]]  # by row, in order of time


class Agreement(NamedTuple):
    """The consensus of several people."""

    labels: Mapping[int, str]  # of the rows they answered about
    people: Mapping[str, Mapping[str, float]]  # how reliable each of them is


# Finds people's consensus on rows, from their opinions and from decisions about some rows.
Agree = Callable[[Opinions, Mapping[int, str]], Agreement]


def first_counts(opinions: Opinions, decided: Mapping[int, str]) -> Agreement:
    """Let the first answer count; people's reliability stays unknown."""
    return Agreement({}, {})


class Said:
    """The events of a ledger that were not taken back.

    Args:
        ledger: contains them, and new ones are written to it before they count.
        classes: possible ones; if all but one are ruled out, that is a row's label.
    """

    def __init__(self, ledger: Ledger, classes: Sequence[str] = ()) -> None:
        self.ledger = ledger
        self.classes = classes
        self._of: dict[int, list[Event]] = defaultdict(list)
        self.labels: dict[int, str] = {}  # the current labels of rows
        self._agreed: Mapping[int, str] = {}  # consensus labels
        for event in ledger.counting():
            self._of[event.row].append(event)
        for row in self._of:
            self._settle(row)

    def add(self, event: Event) -> None:
        """Write an event down; then it counts, or what it takes back no longer does."""
        written = self.ledger.add(event)
        events = self._of[event.row]
        if written.kind == UNDO:
            events[:] = [other for other in events if other.id != written.undoes]
        else:
            events.append(written)
        self._settle(event.row)

    def of(self, row: int) -> list[Event]:
        """The events about one row, in order."""
        return self._of.get(row, [])

    def rows(self) -> list[int]:
        """The rows with any event."""
        return [row for row, events in self._of.items() if events]

    def __iter__(self) -> Iterator[Event]:
        for events in self._of.values():
            yield from events

    def last(self, person: str) -> Event | None:
        """Somebody's last event."""
        own = (event for event in self if event.by == person)
        return max(own, key=lambda event: event.seq, default=None)

    def opinions(self, row: int) -> list[Opinion]:
        """The independent opinions of the people who were asked."""
        return [Opinion(e.by, e.label) for e in self.of(row) if e.kind == LABEL and e.label]

    def several(self) -> dict[str, dict[int, str]]:
        """Each person's opinions of the rows about which more than one was asked."""
        found: dict[str, dict[int, str]] = defaultdict(dict)
        for row, opinions in self._shared().items():
            for by, label in opinions:
                found[by][row] = label
        return dict(found)

    def agree(self, agree: Agree) -> Agreement:
        """Find the consensus on rows with several opinions, except where somebody decided."""
        shared = self._shared()
        decided = {row: self.labels[row] for row in shared if self.is_decided(row)}
        found = agree(shared, decided)
        self.settle(found.labels)
        return found

    def settle(self, agreed: Mapping[int, str]) -> None:
        """Use these labels for rows with several opinions that nobody has decided."""
        self._agreed = agreed
        for row in self._of:
            self._settle(row)

    def is_decided(self, row: int) -> bool:
        """Whether somebody decided a row's class, whatever others say."""
        return any(event.kind in (CORRECT, ADJUDICATE) for event in self.of(row))

    def is_tied(self, row: int) -> bool:
        """Whether opinions of a row are tied, and nobody has decided."""
        counts = Counter(label for _, label in self.opinions(row)).most_common(2)
        tied = len(counts) > 1 and counts[0][1] == counts[1][1]
        return tied and not self.is_decided(row)

    def people(self, row: int) -> set[str]:
        """The people who labelled a row or declined it."""
        return {event.by for event in self.of(row) if event.kind != NONE}

    def gave_up(self, row: int, person: str) -> bool:
        """Whether a person was asked to decide about a row, and declined."""
        second = max((e.seq for e in self.of(row) if e.kind == LABEL), default=-1)
        return any(
            event.by == person and event.kind in DECLINED and event.seq > second
            for event in self.of(row)
        )

    def _shared(self) -> dict[int, list[Opinion]]:
        """Opinions of rows with more than one."""
        found = {row: self.opinions(row) for row in self.rows()}
        return {row: opinions for row, opinions in found.items() if len(opinions) > 1}

    def _settle(self, row: int) -> None:
        """Recompute a row's label."""
        self.labels.pop(row, None)
        events = self.of(row)
        event = decisive(events)
        if event is not None:
            agreed = self._agreed.get(row) if is_shared(events) else None
            self.labels[row] = agreed or str(event.label)
        elif len(left := self._left(events)) == 1:
            self.labels[row] = left[0]

    def _left(self, events: Sequence[Event]) -> list[str]:
        """The classes not ruled out."""
        out = {name for event in events if event.kind == NONE for name in event.choices}
        return [name for name in self.classes if name not in out]


def timed(events: Iterable[Event]) -> dict[int, float]:
    """The seconds each row took all who were asked about it, without untimed ones."""
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
