"""People's answers, one event per line of `labels.jsonl`, their record of truth. Needs no torch.

An event is on disk before anybody learns that it counts, so that no label is ever lost. Events
identify classes by name, and rows by name and content, since files may be added or renamed between
two sessions.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autoal.errors import UserError, about
from autoal.record.kinds import AMOUNT, MAPPING, TEXT, TEXTS, WHOLE, Kind, once
from autoal.record.whole import FRESH, writing

VERSION = 1  # of a line
LABEL, UNSURE, BROKEN = "label", "unsure", "broken"  # answers to a question
CORRECT = "correct"  # another class for a row of an earlier round
ADJUDICATE = "adjudicate"  # the class of a row about which people disagree
UNDO = "undo"  # takes an event back
DECLINED = (UNSURE, BROKEN)
NONE = "none"  # the row has none of the classes on offer
LABELLING = (LABEL, CORRECT, ADJUDICATE)  # each of these names a class
EVERY = (*LABELLING, *DECLINED, NONE, UNDO)

_SWITCH = Kind("true or false", lambda value: isinstance(value, bool))
_KINDS: dict[str, Kind] = {  # in the order of a line
    "v": WHOLE,
    "seq": WHOLE,
    "at": TEXT,
    "round": WHOLE,
    "row": WHOLE,
    "key": TEXT,
    "name": TEXT,
    "by": TEXT,
    "kind": Kind(f"one of {', '.join(EVERY)}", lambda value: value in EVERY),
    "label": TEXT.or_null(),
    "seconds": AMOUNT.or_null(),
    "guess": TEXT.or_null(),
    "shown": _SWITCH,
    "id": TEXT,
    "undoes": TEXT.or_null(),
}


@dataclass(frozen=True)
class Event:
    """Somebody said something about a row."""

    round: int  # whose question it answers; for a correction, the current one
    row: int  # number in the pool
    name: str  # its name for people
    by: str  # who
    kind: str
    id: str  # made by the sender, so that sending it twice does no harm
    label: str | None = None  # the class's name
    key: str = ""  # of the row's content
    seconds: float | None = None  # that the person took
    guess: str | None = None  # the model's
    shown: bool = False  # whether the person saw the guess
    undoes: str | None = None  # the id of the event taken back
    choices: Sequence[str] = ()  # the classes on offer, if not all
    at: str = ""  # when, in UTC; filled in when it is written
    seq: int = -1  # place in the file, likewise
    v: int = VERSION

    @classmethod
    def from_line(cls, line: bytes) -> Event:
        """The event of one line of the file."""
        try:
            values = json.loads(line.decode(), object_pairs_hook=once)
        except UserError:
            raise
        except (ValueError, RecursionError) as error:
            raise UserError(f"it is not JSON: {error}") from error
        MAPPING.demand("a line", values)
        for key in _KINDS.keys() - values.keys():
            raise UserError(f"it has no `{key}`")
        if values["v"] != VERSION:
            raise UserError(f"`v` is {values['v']!r}, and this version reads {VERSION}")
        for key, kind in _KINDS.items():
            kind.demand(key, values[key])
        choices = values.get("choices", [])  # which few lines have
        TEXTS.demand("choices", choices)
        found = cls(**{key: values[key] for key in _KINDS}, choices=tuple(choices))
        if (found.kind in LABELLING) != (found.label is not None):
            raise UserError(f"`label` is {found.label!r} for the kind {found.kind}")
        if (found.kind == UNDO) != (found.undoes is not None):
            raise UserError(f"`undoes` is {found.undoes!r} for the kind {found.kind}")
        if found.kind == NONE and not found.choices:
            raise UserError(f"`choices` are missing for the kind {found.kind}")
        return found

    def to_line(self) -> bytes:
        """The event as a line that `from_line` reads."""
        values = {key: getattr(self, key) for key in _KINDS}
        values |= {"choices": [*self.choices]} if self.choices else {}
        # Invalid characters, as in some file names, are escaped as in JSON.
        return json.dumps(values, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


class Ledger:
    """The events of a run, in the order in which they happened; one process writes them.

    A truncated last line, for example after a power failure, is removed with a message, since
    nobody was told that it counts. Any other damage is refused with its line number.

    Args:
        path: of the file, made when the first event comes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        whole, torn = _lines(path)
        if torn:
            print(f"{path}: the last line is incomplete, and is removed", file=sys.stderr)
            with writing(path):
                os.truncate(path, len(whole))
        self.events = _read(path, whole)
        self._of_id = {event.id: event for event in self.events}

    def __contains__(self, identity: str) -> bool:
        """Whether an event with this id was written down."""
        return identity in self._of_id

    def add(self, event: Event) -> Event:
        """Write an event down; if its id exists already, return the existing one."""
        if event.id in self._of_id:
            return self._of_id[event.id]
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        written = replace(event, seq=len(self.events), at=at)
        _append(self.path, written.to_line())
        self.events.append(written)
        self._of_id[written.id] = written
        return written

    def counting(self) -> list[Event]:
        """The events that count: those not taken back."""
        return counting(self.events)

    def demand_classes(self, classes: Collection[str]) -> None:
        """Refuse classes that lack one that somebody gave."""
        for event in self.counting():
            named = event.choices if event.label is None else [event.label]
            if foreign := [name for name in named if name not in classes]:
                says = "is not" if event.label is None else "is labelled"
                raise UserError(
                    f"{self.path}, line {event.seq + 1}: {event.name} {says} "
                    f"{foreign[0]!r}, not one of the classes {', '.join(classes)}; a class "
                    "with labels can be neither removed nor renamed, new ones go to the end"
                )


def counting(events: Sequence[Event]) -> list[Event]:
    """The events that were not taken back."""
    undone = {event.undoes for event in events if event.kind == UNDO}
    return [event for event in events if event.kind != UNDO and event.id not in undone]


def heard(path: Path) -> list[Event]:
    """The events of a file that count, even while somebody writes to it."""
    return counting(_read(path, _lines(path)[0]))


def _lines(path: Path) -> tuple[bytes, bytes]:
    """The complete lines of a file, and the rest."""
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    end = content.rfind(b"\n") + 1
    return content[:end], content[end:]


def _read(path: Path, lines: bytes) -> list[Event]:
    """The events in a file's complete lines."""
    events: list[Event] = []
    ids: set[str] = set()
    for number, line in enumerate(lines.split(b"\n")[:-1]):
        with about(f"{path}, line {number + 1}"):
            event = Event.from_line(line)
            _demand_next(event, number, ids)
        events.append(event)
    return events


def _demand_next(event: Event, number: int, ids: set[str]) -> None:
    """Refuse an event that cannot come next."""
    if event.seq != number:
        raise UserError(f"`seq` is {event.seq}, where {number} would follow")
    if event.id in ids:
        raise UserError(f"the id {event.id!r} stood in an earlier line")
    if event.kind == UNDO and event.undoes not in ids:
        raise UserError(f"it takes back {event.undoes!r}, which no earlier line has")
    ids.add(event.id)


def _append(path: Path, line: bytes) -> None:
    """Add a line, and wait until it is on disk."""
    flags = FRESH & ~os.O_TRUNC | os.O_APPEND
    with writing(path):
        new = not path.exists()
        file = os.open(path, flags, 0o666)
        try:
            _write(file, line)
        finally:
            os.close(file)
        if new:
            _sync_folder(path.parent)


def _write(file: int, line: bytes) -> None:
    """Write a whole line to disk or, if that fails, nothing of it."""
    begin = os.lseek(file, 0, os.SEEK_END)
    try:
        if os.write(file, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file)
    except OSError:
        os.ftruncate(file, begin)
        raise


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def median_seconds(events: Sequence[Event]) -> float | None:
    """The median seconds of all timed answers."""
    timed: list[Any] = sorted(event.seconds for event in events if event.seconds is not None)
    return timed[len(timed) // 2] if timed else None
