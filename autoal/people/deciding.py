"""Finds the event that gives a row its label. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from autoal.people.events import LABEL, Event, heard


def deciding(path: Path, agreed: Mapping[int, str] = MappingProxyType({})) -> dict[int, Event]:
    """The event that gives each row its label.

    Args:
        path: of the file.
        agreed: the consensus on rows about which several were asked.
    """
    of: dict[int, list[Event]] = {}
    for event in heard(path):
        of.setdefault(event.row, []).append(event)
    found = {row: decisive(events, agreed.get(row)) for row, events in of.items()}
    return {row: event for row, event in found.items() if event is not None}


def decisive(events: Sequence[Event], agreed: str | None = None) -> Event | None:
    """The event that gives a row its label: the last decision or, without any, the first label.

    Among several people's labels it is the first that matches the consensus, if that is given.
    """
    named = [event for event in events if event.label is not None]
    decisions = [event for event in named if event.kind != LABEL]
    if agreed is not None and is_shared(events):
        named = [event for event in named if event.label == agreed]
    return next(iter(decisions[-1:] or named[:1]), None)


def is_shared(events: Sequence[Event]) -> bool:
    """Whether a row's label is a consensus, because nobody has decided."""
    named = [event.kind for event in events if event.label is not None]
    return len(named) > 1 and {*named} == {LABEL}
