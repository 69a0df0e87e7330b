"""What comes in for a question from outside, time and again: only what is new becomes an event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from autoal.oracles.question import Answers, Question
from autoal.people.asked import Asked, asked
from autoal.people.events import CORRECT, UNDO, Event, Ledger

MOST = 10  # problems that one message tells


class Intake:
    """What is known of the rows of a question, and of those of earlier rounds.

    What is said again changes nothing. What is said last counts; whoever says something else in the
    same round takes the former back, and another class for a row of an earlier round corrects it.

    Args:
        ledger: in which everything stands before it counts.
        question: that is open.
    """

    def __init__(self, ledger: Ledger, question: Question) -> None:
        ledger.demand_classes(question.classes)
        self.ledger = ledger
        self.question = question
        self.asked: dict[int, Asked] = {each.row: each for each in asked(question)}
        self._said: dict[int, list[Event]] = defaultdict(list)  # of each row, what counts
        for event in ledger.counting():
            self._said[event.row].append(event)

    @property
    def unanswered(self) -> list[Asked]:
        """The rows about which nobody said anything yet."""
        return [each for row, each in self.asked.items() if not self._said[row]]

    def names(self) -> dict[int, str]:
        """What the rows are called: those of earlier rounds, then those that are asked about."""
        said = {row: said[-1].name for row, said in self._said.items() if said}
        earlier = {row: name for row, name in said.items() if row not in self.asked}
        return earlier | {row: each.name for row, each in self.asked.items()}

    def event(self, row: int, kind: str, label: str | None, **more: Any) -> Event:
        """What was said of a row, as it may be taken in."""
        of = self.asked.get(row) or self._said[row][-1]
        number = self.question.number
        return Event(number, row, of.name, kind=kind, label=label, key=of.key, id="", **more)

    def last(self, row: int) -> Event | None:
        """What counts of a row."""
        said = self._said[row]
        return said[-1] if said else None

    def objection(self, said: Event) -> str:
        """Why something comes too late for a row of an earlier round; empty if it does not."""
        last = self.last(said.row)
        if said.row in self.asked or last is None or same(last, said):
            return ""
        if last.label is None:
            return f"was called {last.kind} in round {last.round}, and is not asked about again"
        if said.label is None:
            return f"was labelled in round {last.round}; only its class can be changed"
        return ""

    def take(self, said: Event) -> bool:
        """Write down what was said, if it is new; returns whether it was."""
        last = self.last(said.row)
        if last is not None and same(last, said):
            return False
        if last is not None and (last.round, last.by) == (said.round, said.by):
            self._take_back(last)
            self.take(said)  # which may now be what was said before that
        else:
            self._add(said if said.row in self.asked else replace(said, kind=CORRECT))
        return True

    def answers(self) -> Answers:
        """The answers to the question as far as they are there, and what was corrected."""
        places = {name: place for place, name in enumerate(self.question.classes)}
        last = {row: said[-1] for row, said in self._said.items() if said}
        labels = {
            row: places[event.label] for row, event in last.items() if event.label is not None
        }
        rows = [row for row in self.asked if row in labels]
        people = _work([last[row] for row in rows])
        return Answers(
            torch.tensor(rows, dtype=torch.long),
            torch.tensor([labels[row] for row in rows], dtype=torch.long),
            ", ".join(people),
            corrected={row: labels[row] for row in labels if self._is_corrected(row)},
            people=people,
        )

    def _is_corrected(self, row: int) -> bool:
        """Whether another class was given to a row of an earlier round in this one."""
        said = [] if row in self.asked else self._said[row]
        before = [event.label for event in said if event.round < self.question.number]
        return bool(before) and before[-1] != said[-1].label

    def _add(self, said: Event) -> None:
        self._said[said.row].append(self.ledger.add(self._numbered(said)))

    def _take_back(self, last: Event) -> None:
        undo = replace(last, kind=UNDO, label=None, seconds=None, undoes=last.id)
        self.ledger.add(self._numbered(undo))
        self._said[last.row].remove(last)

    def _numbered(self, event: Event) -> Event:
        """The event by an id that no other has: the same may be said, taken back and said again."""
        parts = (event.by, event.round, event.row, event.label or event.kind)
        return replace(event, id=":".join(map(str, (*parts, len(self.ledger.events)))))


def same(one: Event, other: Event) -> bool:
    """Whether both say the same of a row."""
    if one.label is None and other.label is None:
        return one.kind == other.kind
    return one.label == other.label


def _work(labels: Sequence[Event]) -> dict[str, dict[str, float]]:
    """How many labels each person gave, and in how many seconds, where that was measured."""
    people: dict[str, dict[str, float]] = {}
    for event in sorted(labels, key=lambda label: label.by):
        done = people.setdefault(event.by, {"labels": 0})
        done["labels"] += 1
        if event.seconds is not None:
            done["seconds"] = done.get("seconds", 0.0) + event.seconds
    return people


def few(problems: Sequence[str]) -> list[str]:
    """The first of many problems, and how many more there are."""
    more = len(problems) - MOST
    return [*problems[:MOST], *([f"  and {more} more"] if more > 0 else [])]
