"""Checks that the rounds of a record fit an experiment."""

from collections.abc import Iterable, Sequence
from functools import reduce

import torch

from autoal.cycle.plan import Plan
from autoal.data.contract import Data
from autoal.data.rows import UNKNOWN
from autoal.errors import UserError
from autoal.oracles.question import Answers, Said, together
from autoal.record.round import Round


def demand_history(history: Sequence[Round], plan: Plan, data: Data) -> None:
    """Refuse rounds that an experiment with this plan and data cannot have done."""
    if plan.rounds is not None and len(history) > plan.rounds + 1:
        raise UserError(f"{len(history)} rounds, where the plan has {plan.rounds + 1} with round 0")
    size, classes = len(data.train), set[int]()
    for done in history:
        size += done.made
        classes |= {*done.labels, *done.given.values()}
        rows = [*done.queried, *done.declined, *done.checked, *done.given, *done.amended]
        rows += [*done.beliefs, *done.ruled_out, *done.later]
        rows += [row for told in done.said.values() for row in told]
        labels = [
            *done.labels,
            *done.checked_labels,
            *done.given.values(),
            *done.amended.values(),
            *(label for told in done.said.values() for label in told.values()),
            *(label for ruled_out in done.ruled_out.values() for label in ruled_out),
        ]
        _demand_below(size, f"round {done.number}: row", rows)
        _demand_below(len(data.classes), f"round {done.number}: label", labels)
        about = {f"the belief of row {row}": belief for row, belief in done.beliefs.items()}
        about |= {f"the answer about the word {word}": told for word, told in done.words.items()}
        for what, told in about.items():
            if len(told) != len(data.classes):
                raise UserError(
                    f"round {done.number}: {what} is about {len(told)} classes, "
                    f"and there are {len(data.classes)}"
                )
        learnt = len(classes) > int(data.labels_count)
        if learnt and data.test is not None and not done.metrics:
            raise UserError(f"round {done.number} has no metrics, though there are test rows")


def answers_of(history: Iterable[Round]) -> Answers:
    """The labels told for rows to learn, in order of arrival, and who gave them."""
    labels: dict[int, int] = {}
    machine: set[int] = set()
    for done in history:
        labels |= {**done.given, **dict(zip(done.queried, done.labels, strict=True))}
        labels |= {row: label for row, label in done.amended.items() if row in labels}
        machine = (machine - done.told.keys()) | {*done.machine}
    rows, classes = torch.tensor([[*labels.keys()], [*labels.values()]], dtype=torch.long)
    return Answers(rows, classes, machine=torch.tensor([row in machine for row in labels]).bool())


def said_in(history: Iterable[Round]) -> Said:
    """The answers of each of several people in all rounds."""
    return reduce(together, (done.said for done in history), {})


def demand_same_data(data: Data, fingerprint: str | None) -> None:
    """Refuse a pool other than that of the rounds; older states cannot tell."""
    if fingerprint is not None:
        data.demand_same(fingerprint)


def unheard(history: Sequence[Round], data: Data) -> list[int]:
    """The rows whose labels in the data came or changed too late to count."""
    if not data.labels_count:
        return []
    given = {row: label for done in history for row, label in done.given.items()}
    known: dict[int, int | None] = {row: None for done in history for row in done.declined}
    for done in history:
        known |= done.told
    labels = data.train.labels.tolist()
    there = {row: labels[row] for row in sorted(known) if row < len(labels)}
    return [
        row
        for row, label in there.items()
        if label not in (UNKNOWN, known[row], given.get(row, UNKNOWN))
    ]


def _demand_below(end: int, what: str, numbers: Iterable[int]) -> None:
    for number in numbers:
        if number >= end:
            raise UserError(f"{what} {number} is not among the {end} that there are")
