"""Experiments that take a fraction of a second, and what their tests look at."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import Any, Self

import torch
from autoal.strategies.uncertainty import Margin
from torch import Tensor

from autoal import (
    Answers,
    Experiment,
    Oracle,
    Plan,
    Question,
    Round,
    Rows,
    Task,
    Trained,
    Training,
    TrueLabels,
    View,
    rounds,
)
from autoal.model.networks import MLP

Make = Callable[..., Experiment]
Small = Callable[..., Trained]
Expected = list[dict[str, Any]]

PLAN = Plan(start=6, budget=5, rounds=3)
SMALL = partial(MLP, hidden=(8,))


class Attentive(TrueLabels):
    """Remembers the questions."""

    def __init__(self, labels: Tensor) -> None:
        super().__init__(labels)
        self.questions: list[list[int]] = []

    def __call__(self, question: Question) -> Answers:
        self.questions.append(question.rows.tolist())
        return super().__call__(question)


class Spy:
    """A strategy whose copies, as an experiment makes them, are the object that a test looks at."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class Looking(Spy, Margin):
    """Keeps the views."""

    def __init__(self) -> None:
        super().__init__()
        self.views: list[View] = []

    def score(self, view: View, budget: int) -> Tensor:
        self.views.append(view)
        return super().score(view, budget)


@dataclass(frozen=True)
class Watched(Training):
    """Keeps what tasks are taught, and in how many steps."""

    taught: list[Rows] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

    def fit(self, task: Task, rows: Rows, watch: Any) -> int:
        steps = super().fit(task, rows, watch)
        self.taught.append(rows)
        self.steps.append(steps)
        return steps


class Clock:
    """A clock that goes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += seconds


def truth(experiment: Experiment) -> Oracle:
    """An oracle that knows all labels of the data."""
    return TrueLabels(experiment.data.train.labels)


def done(experiment: Experiment, oracle: Oracle | None = None) -> list[Round]:
    """The rounds that were left, done."""
    return list(rounds(experiment, oracle or truth(experiment)))


def asked(experiment: Experiment) -> Question:
    """The question of a round that there is."""
    question = experiment.ask()
    assert question is not None
    return question


def answered(experiment: Experiment) -> Round:
    """The next round, answered by the truth."""
    return experiment.tell(truth(experiment)(asked(experiment)))


def facts(history: Iterable[Round]) -> list[dict[str, Any]]:
    """All that the rounds say, except how long they took."""
    lines = [finished.to_line() for finished in history]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def recorded(history: Iterable[Round]) -> list[Round]:
    """The rounds as they come back from their record."""
    return [Round.from_line(json.loads(json.dumps(finished.to_line()))) for finished in history]


def saved(experiment: Experiment) -> dict[str, Any]:
    """Its state as it comes back from a file that nothing is unpickled of but tensors."""
    file = BytesIO()
    torch.save(experiment.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)
