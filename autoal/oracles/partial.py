"""Answers that say less or more than a class: what a row is not, or class probabilities."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from autoal.errors import UserError
from autoal.oracles.question import Answers, Question, in_order

SLACK = 1e-4  # by which probabilities may miss the sum of 1, after rounding


def concluded(question: Question, given: Any) -> Answers:
    """The answers, with a label for each row for which all classes but one are ruled out.

    Args:
        question: says what was ruled out before.
        given: the answers to it, in any form; impossible ones are refused.
    """
    answers = Answers.of(question, given)
    _demand_probabilities(answers.beliefs, len(question.classes))
    left = {row: _left(question, row, ruled) for row, ruled in answers.ruled_out.items()}
    labels = {row: classes[0] for row, classes in left.items() if len(classes) == 1}
    if not labels:
        return answers
    costs = [answers.paid.get(row, 1.0) for row in labels]
    nobody = torch.zeros(len(labels), dtype=torch.bool)
    return in_order(
        question,
        replace(
            answers,
            rows=torch.cat([answers.rows, torch.tensor([*labels])]),
            labels=torch.cat([answers.labels, torch.tensor([*labels.values()])]),
            cost=torch.cat([answers.costs.double(), torch.tensor(costs).double()]),
            truth=None,  # an oracle that knows it answers with it
            machine=torch.cat([answers.by_machine, nobody]),
            ruled_out=without(answers.ruled_out, labels),
            paid=without(answers.paid, labels),
        ),
    )


def possible(question: Question) -> Tensor:
    """True for the classes that are not ruled out for a row, (rows, classes)."""
    if question.possible is not None:
        return question.possible
    return torch.ones(len(question.rows), len(question.classes), dtype=torch.bool)


def without(mapping: Mapping[int, Any], rows: Container[int]) -> dict[int, Any]:
    """The answers about all other rows."""
    return {row: value for row, value in mapping.items() if row not in rows}


def _left(question: Question, row: int, ruled_out: Sequence[int]) -> list[int]:
    """The classes that a row may have once these are ruled out too."""
    odd = [label for label in ruled_out if not 0 <= label < len(question.classes)]
    if odd:
        raise UserError(
            f"the oracle ruled out {odd[0]} for row {row}; classes go from 0 to "
            f"{len(question.classes) - 1}"
        )
    may = possible(question)[question.rows == row].flatten()
    left = [label for label in may.nonzero().flatten().tolist() if label not in ruled_out]
    if not left:
        raise UserError(f"the oracle ruled out every class that row {row} may have: decline it")
    return left


def _demand_probabilities(beliefs: Mapping[int, Sequence[float]], classes: int) -> None:
    for row, belief in beliefs.items():
        sound = len(belief) == classes and min(belief) >= 0 and abs(sum(belief) - 1) <= SLACK
        if not sound:  # NaN is not, either
            raise UserError(
                f"the belief of row {row} must be the probabilities of {classes} classes, "
                f"which sum to 1, got {[*belief]}"
            )
