"""People, and what they are asked, without a page."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from autoal.people.asked import AskedRow
from autoal.people.desk import Desk
from autoal.people.events import LABEL, Event, Ledger
from autoal.people.tasks import Reply, Task

CLASSES = ("cat", "dog", "eel")
GUESS = (("dog", 0.7), ("cat", 0.2), ("eel", 0.1))
ANSWER = {"id": "x", "row": 5, "kind": "label", "label": "cat", "seconds": 1.0, "shown": False}
IDS = map(str, count())


class Clock:
    """A clock that goes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def event(identity: str, **parts: Any) -> Event:
    """Ann takes row 7 for a cat, or whatever else is said."""
    said = {"round": 0, "row": 7, "name": "7.jpg", "by": "ann", "kind": LABEL, "label": "cat"}
    return Event(id=identity, **{**said, **parts})


def asked_of(rows: Sequence[int], guess: Any = GUESS, why: str = "it is near") -> list[AskedRow]:
    return [AskedRow(row, f"{row}.jpg", f"sha256:{row}", None, guess, why) for row in rows]


def desk_of(folder: Path, *people: str, **options: Any) -> Desk:
    """A desk with what the ledger of the folder says."""
    ledger = Ledger(folder / "labels.jsonl")
    return Desk(ledger, people or ("ann",), CLASSES, **options)


def rows_of(tasks: Sequence[Task]) -> list[int]:
    return [task.row for task in tasks]


def say(desk: Desk, person: str, row: int, label: str | None = "cat", **parts: Any) -> None:
    """A person answers about a row."""
    parts.setdefault("kind", LABEL)
    desk.see(person, acting=True)
    desk.answer(person, Reply(next(IDS), row, label=label, **parts))


def take_back(desk: Desk, person: str) -> None:
    desk.see(person, acting=True)
    desk.undo(person, next(IDS))


def correct(desk: Desk, person: str, row: int, label: str) -> None:
    desk.correct(person, Reply(next(IDS), row, LABEL, label))


def doing(desk: Desk, person: str) -> list[Task]:
    """The task of a person who is at the page."""
    desk.see(person, acting=True)
    return desk.tasks(person)
