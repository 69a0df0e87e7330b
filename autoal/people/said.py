"""What people said that counts, row by row, and what follows from it. Needs no torch."""

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
    """What somebody thinks that a row is."""

    by: str
    label: str


Opinions = Mapping[int, Sequence[Opinion]]  # by row, in the order in which they were given


class Agreement(NamedTuple):
    """What several people say together."""

    labels: Mapping[int, str]  # of the rows of which they speak
    people: Mapping[str, Mapping[str, float]]  # how reliable each of them is


# What people say together of rows, by their opinions, and by what somebody decided about some.
Agree = Callable[[Opinions, Mapping[int, str]], Agreement]


def first_counts(opinions: Opinions, decided: Mapping[int, str]) -> Agreement:
    """Let the first answer count; how reliable people are is not known."""
    return Agreement({}, {})


class Said:
    """The events of a ledger that nobody took back.

    Args:
        ledger: in which they are, and in which others are written down before they count.
        classes: that a row may be; where all but one are ruled out, that is its label.
    """

    def __init__(self, ledger: Ledger, classes: Sequence[str] = ()) -> None:
        self.ledger = ledger
        self.classes = classes
        self._of: dict[int, list[Event]] = defaultdict(list)
        self.labels: dict[int, str] = {}  # what rows are taken to be
        self._agreed: Mapping[int, str] = {}  # what several people say of rows together
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
        for row, opinions in self._shared().items():
            for by, label in opinions:
                found[by][row] = label
        return dict(found)

    def agree(self, agree: Agree) -> Agreement:
        """Let what several people say together of rows count, but for what somebody decided."""
        shared = self._shared()
        decided = {row: self.labels[row] for row in shared if self.is_decided(row)}
        found = agree(shared, decided)
        self.settle(found.labels)
        return found

    def settle(self, agreed: Mapping[int, str]) -> None:
        """Let these labels count where several people have spoken, and nobody has decided."""
        self._agreed = agreed
        for row in self._of:
            self._settle(row)

    def is_decided(self, row: int) -> bool:
        """Whether somebody decided what a row is, whatever others say."""
        return any(event.kind in (CORRECT, ADJUDICATE) for event in self.of(row))

    def is_tied(self, row: int) -> bool:
        """Whether as many people say one thing of a row as another, and nobody has decided."""
        counts = Counter(label for _, label in self.opinions(row)).most_common(2)
        tied = len(counts) > 1 and counts[0][1] == counts[1][1]
        return tied and not self.is_decided(row)

    def people(self, row: int) -> set[str]:
        """Who said what a row is, or declined to."""
        return {event.by for event in self.of(row) if event.kind != NONE}

    def gave_up(self, row: int, person: str) -> bool:
        """Whether a person was asked to decide about a row, and declined."""
        second = max((e.seq for e in self.of(row) if e.kind == LABEL), default=-1)
        return any(
            event.by == person and event.kind in DECLINED and event.seq > second
            for event in self.of(row)
        )

    def _shared(self) -> dict[int, list[Opinion]]:
        """What people say of the rows of which more than one says something."""
        found = {row: self.opinions(row) for row in self.rows()}
        return {row: opinions for row, opinions in found.items() if len(opinions) > 1}

    def _settle(self, row: int) -> None:
        """Look again at what a row is taken to be."""
        self.labels.pop(row, None)
        events = self.of(row)
        event = decisive(events)
        if event is not None:
            agreed = self._agreed.get(row) if is_shared(events) else None
            self.labels[row] = agreed or str(event.label)
        elif len(left := self._left(events)) == 1:
            self.labels[row] = left[0]

    def _left(self, events: Sequence[Event]) -> list[str]:
        """The classes that were not ruled out."""
        out = {name for event in events if event.kind == NONE for name in event.choices}
        return [name for name in self.classes if name not in out]


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
