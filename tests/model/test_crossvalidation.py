from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from torch import Tensor

from autoal import Arrays, Features, Learner, Rows, SklearnLearner
from autoal.data.rows import UNKNOWN
from autoal.errors import UserError
from autoal.maths.folds import stratified
from autoal.model.crossvalidation import doubted, out_of_sample
from autoal.model.fitstep import Watch
from autoal.seeding import generator
from tests.model.made import NearestMean


@pytest.fixture
def data() -> Arrays:
    stream = np.random.default_rng(0)
    labels = np.arange(60) % 3
    return Arrays((stream.normal(size=(60, 5)) + np.eye(3, 5)[labels], labels))


def test_it_is_scikit_learns_with_the_same_folds(data: Arrays) -> None:
    learner = SklearnLearner(LogisticRegression(), data)
    found = out_of_sample(learner, data.train, folds=4, seed=3)
    order = torch.randperm(60, generator=generator(3, "folds"))
    folds = PredefinedSplit(stratified(data.train.labels, 4, order).numpy())
    inputs, labels = data.train.inputs.numpy(), data.train.labels.numpy()
    expected = cross_val_predict(
        LogisticRegression(), inputs, labels, cv=folds, method="predict_proba"
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_seed_decides_and_the_learner_stays_as_it_is() -> None:
    rows = Rows(torch.randn(30, 64, generator=generator(0)), torch.arange(30) % 3)
    learner = NearestMean(3)
    before, stream = learner.means.clone(), torch.get_rng_state()
    once, again, other = (out_of_sample(learner, rows, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert torch.equal(learner.means, before)
    assert torch.equal(torch.get_rng_state(), stream)


class Unseeing(NearestMean):
    """Refuses to look at what it was taught, and at labels; keeps the shares of fresh ones."""

    shares: ClassVar[list[float]] = []

    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        self.taught = rows.inputs
        return super().fit(rows, first=first, watch=watch)

    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        assert float(torch.cdist(rows.inputs[numbers], self.taught).min()) > 0
        assert bool((rows.labels == UNKNOWN).all())
        return super().look(rows, numbers, seed, stages=stages)

    def fresh(self, share: float = 1.0) -> Learner:
        self.shares.append(share)
        return Unseeing(self.classes)


@pytest.mark.parametrize(("count", "share"), [(20, 0.8), (3, 2 / 3), (2, 0.5)])
def test_every_row_is_judged_by_a_learner_that_did_not_see_it(count: int, share: float) -> None:
    Unseeing.shares.clear()
    inputs = torch.randn(count, 64, generator=generator(count))
    found = out_of_sample(Unseeing(2), Rows(inputs, torch.arange(count) % 2))
    torch.testing.assert_close(found.sum(1), torch.ones(count))
    assert Unseeing.shares == pytest.approx([share] * min(5, count))


def test_folds_without_a_class_are_fine(data: Arrays) -> None:
    rows = data.train.take(torch.tensor([0, 1, 3, 6]))
    assert out_of_sample(SklearnLearner(LogisticRegression(), data), rows).shape == (4, 3)


def test_a_single_row_cannot_be_judged(data: Arrays) -> None:
    with pytest.raises(UserError, match="give at least 2, got 1"):
        out_of_sample(NearestMean(3), data.train.take(torch.tensor([0])))
    with pytest.raises(UserError, match="`folds` must be at least 2, got 1"):
        out_of_sample(NearestMean(3), data.train, folds=1)


def test_a_label_is_doubted_where_another_class_is_as_sure_as_usual() -> None:
    taken_for = {0: [0.9, 0.8], 1: [0.8, 0.4, 0.1]}  # the probability of the label, by labels
    labels = torch.tensor([label for label, own in taken_for.items() for _ in own])
    own = torch.tensor([p for ps in taken_for.values() for p in ps])
    first = torch.where(labels == 0, own, 1 - own)
    probs = torch.stack([first, 1 - first, torch.zeros(5)], 1)  # a third class that nobody gave
    # .6 for class 0 is less than its usual .85, and .9 is more.
    assert doubted(probs, labels).tolist() == [False, False, False, False, True]
    assert not doubted(torch.full((4, 2), 0.5), torch.tensor([0, 1, 0, 1]))[::2].any()
