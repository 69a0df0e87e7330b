"""Rules of stopping, and what they look at."""

from collections.abc import Sequence
from typing import Any

import torch

from autoal import Round, View
from autoal.cycle.hooks import Advice, StopRule

FIRST, OTHER = [0, 0, 0, 1, 1, 1, 2, 2, 2, 2], [0, 0, 1, 1, 1, 1, 2, 2, 2, 0]


def predicting(classes: Sequence[int], *, labelled: Sequence[int] = (0, 4), count: int = 3) -> View:
    """A view whose model predicts these classes of its rows, some of which are labelled."""
    logits = 5.0 * torch.nn.functional.one_hot(torch.tensor(classes), count).float()
    labels = torch.full((len(classes),), -1)
    labels[list(labelled)] = torch.tensor(classes)[list(labelled)]
    return View.of(logits=logits, labels=labels)


def rounds_of(*accuracies: float | None, batch: int = 10, **facts: Any) -> list[Round]:
    """A round for each accuracy, or without one."""
    return [
        Round(
            number=number,
            labelled=batch * (number + 1),
            queried=[*range(batch * number, batch * (number + 1))],
            labels=[0] * batch,
            metrics={} if accuracy is None else {"accuracy": accuracy},
            seconds={"total": 30.0},
            steps=1,
            **facts,
        )
        for number, accuracy in enumerate(accuracies)
    ]


def told(rule: StopRule, views: Sequence[View]) -> list[Advice]:
    """The answers of the rule to models, one after the other."""
    history = rounds_of(*[None] * len(views))
    return [rule(history[: number + 1], view) for number, view in enumerate(views)]


def read(rule: StopRule, history: Sequence[Round]) -> Advice:
    """The answer after these rounds of a rule that does not look at the model."""
    return rule(history, predicting(FIRST))
