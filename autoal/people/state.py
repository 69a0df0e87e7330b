"""The state of the desk and the run for a page, as plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autoal.data.word import is_word
from autoal.people.cards import card_of
from autoal.people.desk import Desk
from autoal.people.events import DECLINED, median_seconds
from autoal.people.keys import keys_of
from autoal.people.standing import Standing
from autoal.people.tasks import REVIEW, Task

Doubts = dict[int, tuple[str, float]]  # by row: a model's prediction and its probability
MOST_LISTED = 500  # labels in one list


def state_of(desk: Desk, standing: Standing, person: str) -> dict[str, Any]:
    """Everything that a person's page shows."""
    tasks = desk.tasks(person)
    rows = desk.agenda.batch.rows
    own = [event for event in desk.said if event.by == person]
    labelled = {row for row in desk.known.keys() | desk.said.labels.keys() if not is_word(row)}
    return {
        **standing.told(),
        "person": person,
        "people": [*desk.people],
        "classes": [
            {"name": name, "key": key}
            for name, key in zip(desk.classes, keys_of(desk.classes), strict=True)
        ],
        "phase": desk.phase(person, tasks),
        "round": desk.agenda.batch.number,
        "batch": {"done": len(rows) - len(desk.left), "of": len(rows)},
        "labels": len(labelled),
        "declined": len({*_declined(desk)} - labelled),
        "seconds": median_seconds(own),
        "tasks": [_told(task) for task in tasks],
    }


def _declined(desk: Desk) -> Iterator[int]:
    """The rows that somebody declined."""
    for event in desk.said:
        if event.kind in DECLINED and not is_word(event.row):
            yield event.row


def labelled_of(desk: Desk, doubts: Doubts, *, suspected_first: bool) -> list[dict[str, Any]]:
    """The given labels, newest first, with a model's prediction and its probability.

    The prediction is left out if it agrees with the label.
    """
    tasks = desk.agenda.reviews()
    if suspected_first:
        tasks.sort(key=lambda task: _suspicion(task, doubts)[1] or 0.0, reverse=True)
    names = ("suspected", "suspicion")
    return [
        {**_told(task), **dict(zip(names, _suspicion(task, doubts), strict=True))}
        for task in tasks[:MOST_LISTED]
    ]


def _suspicion(task: Task, doubts: Doubts) -> tuple[str | None, float | None]:
    label, p = doubts.get(task.row, (task.label, 0.0))
    return (None, None) if label == task.label else (label, p)


def _told(task: Task) -> dict[str, Any]:
    asked = task.asked
    guess = [{"label": label, "p": p} for label, p in asked.guess]
    return {
        "row": task.row,
        "kind": task.kind,
        "round": task.round,
        "card": card_of(asked, f"/picture/{task.row}"),
        "guess": None if task.blind else guess,
        "why": "" if task.blind else asked.why,
        **({"label": task.label} if task.kind == REVIEW else {}),
        **({"choices": [*task.choices]} if task.choices else {}),
        **({"opinions": [one._asdict() for one in task.opinions]} if task.opinions else {}),
    }
