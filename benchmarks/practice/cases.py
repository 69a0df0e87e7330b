"""What is tried: ways to ask that spend the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import torch
from autoal.datamodules.npz import Npz
from torch import Tensor

from autoal import Answers, Data, Noisy, Oracle, Plan, Question, TrueLabels
from autoal.data.npz import read_npz
from benchmarks.quality.sets import given

ROUNDS = 8
PEOPLE = "CIFAR-10 (patches)"  # the set that people have labelled, as CIFAR-10N
FIRST = {
    "MNIST (patches)": 50,
    PEOPLE: 200,
    "waveform (columns)": 40,
    "PneumoniaMNIST (patches)": 40,
}
STRATEGIES = ("random", "margin", "uherding", "autoal")
RATES = (0.1, 0.2, 0.4)

Asked = Callable[[Data, int], Oracle]  # who is asked about these data, by the seed


class Way(NamedTuple):
    """A way to spend what all others of a case spend."""

    plan: Plan
    oracle: Asked
    strategy: str = "margin"


class Case(NamedTuple):
    """What is the same for some ways."""

    data: str
    about: str
    ways: Mapping[str, Way]

    @property
    def name(self) -> str:
        return f"{self.data}, {self.about}"


def noise() -> Iterator[Case]:
    """Strategies, where answers are wrong by chance, by what rows look like, or as people's are."""
    by_chance: dict[str, Asked] = {
        f"{kind} {rate:.0%}": partial(erring, kind=kind, rate=rate)
        for kind in ("symmetric", "pairs", "instance")
        for rate in RATES
    }
    answers: dict[str, Asked] = {"right": erring, **by_chance}
    human: dict[str, Asked] = {
        f"people: {name}": partial(mistaken, name) for name in ("aggre", "random1", "worse")
    }
    for data in FIRST:
        for about, asked in (answers | (human if data == PEOPLE else {})).items():
            plan = Plan(FIRST[data], FIRST[data] // 2, ROUNDS)
            yield Case(data, about, {name: Way(plan, asked, name) for name in STRATEGIES})


def erring(data: Data, seed: int, *, rate: float = 0.0, kind: str = "symmetric") -> Oracle:
    """Whoever knows the truth, and errs."""
    return Noisy(TrueLabels(data.train.labels), rate, kind, seed=seed, data=data)


def mistaken(name: str, data: Data, seed: int) -> Oracle:
    """What people really said."""
    assert data.train.places is not None
    said, truth = TrueLabels(labels_of_people(name)[data.train.places]), data.train.labels

    def answers(question: Question) -> Answers:
        return replace(said(question), truth=truth[question.rows], by=name)

    return answers


@cache
def labels_of_people(name: str) -> Tensor:
    """Those of CIFAR-10N, in the order in which the set's features are kept."""
    path = given("cifar10_10k.npz")
    data = Npz(str(path), validation=0)
    data.setup()
    assert data.train.places is not None
    labels = read_npz(path, [member := f"train_labels_human_{name}"])[member].ravel()
    return torch.from_numpy(labels.astype(np.int64))[data.train.places]


PARTS: dict[str, Callable[[], Iterator[Case]]] = {"noise": noise}
BASES = {"noise": "random"}  # with what the others of a part are compared
