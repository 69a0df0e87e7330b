"""By which of the events that count a row has its label. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from autoal.people.events import LABEL, Event, heard


def deciding(path: Path, agreed: Mapping[int, str] = MappingProxyType({})) -> dict[int, Event]:
    """By what each row has its label.

    Args:
        path: of the file.
        agreed: what is agreed on of rows about which several were asked.
    """
    of: dict[int, list[Event]] = {}
    for event in heard(path):
        of.setdefault(event.row, []).append(event)
    found = {row: decisive(events, agreed.get(row)) for row, events in of.items()}
    return {row: event for row, event in found.items() if event is not None}


def decisive(events: Sequence[Event], agreed: str | None = None) -> Event | None:
    """By which of these a row has its label: the last decision or, without any, the first label.

    Of labels by several people, the first that is what they agreed on, if that is told.
    """
    named = [event for event in events if event.label is not None]
    decisions = [event for event in named if event.kind != LABEL]
    if agreed is not None and is_shared(events):
        named = [event for event in named if event.label == agreed]
    return next(iter(decisions[-1:] or named[:1]), None)


def is_shared(events: Sequence[Event]) -> bool:
    """Whether a row has its label by what several people say of it, as nobody has decided."""
    named = [event.kind for event in events if event.label is not None]
    return len(named) > 1 and {*named} == {LABEL}
