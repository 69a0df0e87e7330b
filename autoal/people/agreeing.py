"""What several people say of rows becomes their labels, just as what a simulated crowd says."""

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
    """How people agree while this is asked, by one of the `METHODS`."""
    if method == ONE_COIN:
        _ = question.expected  # beforehand: it takes models, and no page should wait for them
    return partial(_agreement, question, method)


def _agreement(
    question: Question, method: str, opinions: Opinions, decided: Mapping[int, str]
) -> Agreement:
    """What they say together; how reliable each is shows in what counts in the end."""
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
    """People by their places, those first who spoke of a row, in the order in which they did."""
    spoke = [names.index(by) for by, _ in opinions[row]]
    return [*spoke, *(place for place in range(len(names)) if place not in spoke)]


def _numbers(labels: Sequence[str], classes: Sequence[str]) -> Tensor:
    return torch.tensor([classes.index(label) for label in labels])
