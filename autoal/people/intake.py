"""Repeated intake of outside answers to a question: only new ones become events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from autoal.data.contract import Data
from autoal.oracles.question import Answers, Question
from autoal.oracles.truth import truth_of
from autoal.people.asked import AskedRow, asked
from autoal.people.events import ADJUDICATE, CORRECT, UNDO, Event, Ledger
from autoal.people.fitting import demand_same_rows
from autoal.people.said import Said, effort, timed
from autoal.record.finished import finished_rounds
from autoal.record.layout import LABELS

MOST_TOLD = 10  # problems listed in one message


class Intake:
    """People's earlier answers about the rows of a question and others, and their current ones.

    A repeated answer changes nothing. A different answer in the same round takes the former back.
    Another class for a row that the model has learnt is a correction, and of two people the last
    one counts.

    Args:
        folder: of the run.
        data: the data set of the rows.
        question: the open one.
    """

    def __init__(self, folder: Path, data: Data, question: Question) -> None:
        ledger = Ledger(folder / LABELS)
        ledger.demand_classes(question.classes)
        rows = data.train if question.pool is None else question.pool
        demand_same_rows(ledger, rows)
        self.question = question
        self._rows = rows
        self._truth = data.train.labels
        self._named = rows.named(torch.arange(len(rows)))
        self.asked: dict[int, AskedRow] = {
            each.row: replace(each, name=self._named[each.row]) for each in asked(question)
        }
        self._said = Said(ledger)
        _, history = finished_rounds(folder)
        learnt = {row: label for done in history for row, label in done.told.items()}
        self._learnt = {row: question.classes[label] for row, label in learnt.items()}
        self._declined = {row for done in history for row in done.declined}

    @property
    def unanswered(self) -> list[AskedRow]:
        """The rows without an answer yet."""
        return [each for row, each in self.asked.items() if not self._said.of(row)]

    def names(self) -> dict[int, str]:
        """The names of all rows, with those in question last."""
        order = [row for row in range(len(self._named)) if row not in self.asked]
        return {row: self._named[row] for row in (*order, *self.asked)}

    def event(self, row: int, kind: str, label: str | None, **more: Any) -> Event:
        """An answer as an event; the person sees the guess if the row is in question."""
        key = "" if self._rows.keys is None else self._rows.keys[row]
        guesses = self.asked[row].guess if row in self.asked else ()
        guess = guesses[0][0] if guesses else None
        more |= {"key": key, "guess": guess, "shown": guess is not None}
        number, name = self.question.number, self._named[row]
        return Event(number, row, name, kind=kind, label=label, id="", **more)

    def is_spare(self, row: int) -> bool:
        """Whether nobody has asked about a row yet."""
        return not (row in self.asked or row in self._learnt or row in self._declined)

    def objection(self, said: Event) -> str:
        """Why an answer is too late for a row of an earlier round; empty if it is not."""
        if said.row in self._declined and said.label is not None:
            return "was declined in an earlier round, and is not asked about again"
        if said.row in self._learnt and said.label is None:
            return "was labelled in an earlier round; only its class can be changed"
        return ""

    def take(self, said: Event) -> bool:
        """Write an answer down if it is new; return whether it was."""
        if self._counts(said):
            return False
        before = self._said.of(said.row)
        if before and (before[-1].round, before[-1].by) == (said.round, said.by):
            undo = replace(before[-1], kind=UNDO, label=None, seconds=None, undoes=before[-1].id)
            self._add(undo)
            self.take(said)  # which may repeat an even earlier answer
        else:
            self._add(replace(said, kind=self._kind(said)))
        return True

    def answers(self) -> Answers:
        """The existing answers to the question, and the corrections."""
        number = {name: place for place, name in enumerate(self.question.classes)}
        labels = {row: number[label] for row, label in self._said.labels.items()}
        rows = [row for row in self.asked if row in labels]
        corrected = {
            row: labels[row]
            for row, label in self._learnt.items()
            if self._said.labels.get(row, label) != label
        }
        events = [event for row in rows for event in self._said.of(row)]
        numbers = torch.tensor(rows, dtype=torch.long)
        return Answers(
            numbers,
            torch.tensor([labels[row] for row in rows], dtype=torch.long),
            ", ".join(sorted({event.by for event in events})),
            truth=truth_of(self._truth, numbers),
            corrected=corrected,
            people=effort(event for event in events if event.seconds is not None),
            timed=timed(event for row in self.asked for event in self._said.of(row)),
        )

    def _counts(self, said: Event) -> bool:
        """Whether the same already counts; declining a row leaves others' labels alone."""
        known = self._said.labels.get(said.row, self._learnt.get(said.row))
        if said.label is not None:
            return known == said.label
        before = self._said.of(said.row)
        others = known is not None and before[-1].by != said.by
        return others or (bool(before) and before[-1].kind == said.kind)

    def _kind(self, said: Event) -> str:
        if said.label is None:
            return said.kind
        if said.row in self._learnt:
            return CORRECT
        return ADJUDICATE if said.row in self._said.labels else said.kind

    def _add(self, event: Event) -> None:
        """Add an event with an id of its own: an answer taken back may be given again."""
        parts = (event.by, event.round, event.row, event.label or event.kind)
        number = len(self._said.ledger.events)
        self._said.add(replace(event, id=":".join(map(str, (*parts, number)))))


def few(problems: Sequence[str]) -> list[str]:
    """The first of many problems, and how many more there are."""
    more = len(problems) - MOST_TOLD
    return [*problems[:MOST_TOLD], *([f"  and {more} more"] if more > 0 else [])]
