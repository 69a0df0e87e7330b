"""Turns several people's answers into labels, as for a simulated crowd."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from autoal.oracles.question import Question
from autoal.oracles.votes import ONE_COIN, Votes, agreed
from autoal.people.said import Agree, Agreement, Opinions


def agreeing(question: Question, method: str) -> Agree:
    """A function that finds people's agreement on this question, by one of the `METHODS`."""
    if method == ONE_COIN:
        _ = question.expected  # beforehand: it trains models, and no page should wait for that
    return partial(_agreement, question, method)


def _agreement(
    question: Question, method: str, opinions: Opinions, decided: Mapping[int, str]
) -> Agreement:
    """The consensus; each person's reliability is measured against the final labels."""
    if not opinions:
        return Agreement({}, {})
    said = _said(opinions, question.classes)
    names = sorted(said)
    votes = Votes.of(said, names)
    rows = votes.rows.tolist()
    orders = torch.tensor([_order(opinions, row, names) for row in rows])
    found = agreed(votes, method, question, orders, {})
    labels = {
        row: decided.get(row, question.classes[label])
        for row, label in zip(rows, found.labels.tolist(), strict=True)
    }
    final = replace(found, labels=_numbers([*labels.values()], question.classes))
    return Agreement(labels, dict(zip(names, final.reliability(), strict=True)))


def _said(opinions: Opinions, classes: Sequence[str]) -> dict[str, dict[int, int]]:
    """The number of the class that each person gave each row."""
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for row, given in opinions.items():
        for by, label in given:
            found[by][row] = classes.index(label)
    return found


def _order(opinions: Opinions, row: int, names: Sequence[str]) -> list[int]:
    """People's places for each row, those who answered first, in the order of answers."""
    spoke = [names.index(by) for by, _ in opinions[row]]
    return [*spoke, *(place for place in range(len(names)) if place not in spoke)]


def _numbers(labels: Sequence[str], classes: Sequence[str]) -> Tensor:
    return torch.tensor([classes.index(label) for label in labels])
