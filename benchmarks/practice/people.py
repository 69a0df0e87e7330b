"""People's labels of CIFAR-10's pictures (CIFAR-10N; Wei and others, 2022)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch
from autoal.datamodules.npz import Npz
from torch import Tensor

from autoal import Answers, Data, Oracle, Question, TrueLabels
from autoal.data.npz import read_npz
from autoal.oracles.humans import disagreements
from benchmarks.quality.sets import given

SPEAKERS = ("aggre", "random1", "worse")  # names in the file


def disagreement(data: Data) -> Tensor:
    """How much these people disagree on each row of a pool, (rows,) in bits."""
    assert data.train.places is not None
    said = torch.stack([labels_of_people(name) for name in SPEAKERS], 1)[data.train.places]
    return disagreements(said, len(data.classes))


def mistaken(name: str, data: Data, seed: int) -> Oracle:
    """The real labels by the people of that name, whatever the seed."""
    assert data.train.places is not None
    said, truth = TrueLabels(labels_of_people(name)[data.train.places]), data.train.labels

    def answers(question: Question) -> Answers:
        return replace(said(question), truth=truth[question.rows], by=name)

    return answers


@cache
def labels_of_people(name: str) -> Tensor:
    """Their labels, in the order in which the set's features are kept."""
    path = given("cifar10_10k.npz")
    data = Npz(str(path), validation=0)
    data.setup()
    assert data.train.places is not None
    labels = read_npz(path, [member := f"train_labels_human_{name}"])[member].ravel()
    return torch.from_numpy(labels.astype(np.int64))[data.train.places]
