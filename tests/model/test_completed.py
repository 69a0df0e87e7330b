"""Logistic regression on soft labels, and on rows of which classes are ruled out."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from autoal import Rows, Training
from autoal.data.contract import Standardise
from autoal.data.rows import UNKNOWN
from autoal.maths.ridge import Head
from autoal.model import completed as module
from autoal.model.completed import completed
from autoal.model.fitstep import unwatched
from autoal.model.lesson import Weighted
from autoal.model.logistic import Logistic
from autoal.model.loss import told_loss

CLASSES = 3
INPUTS = torch.randn(40, 4, generator=torch.Generator().manual_seed(5))
LABELS = (INPUTS[:, :CLASSES] + 0.5 * INPUTS.roll(1, 0)[:, :CLASSES]).argmax(1)
SURE = torch.eye(CLASSES).double()[LABELS]
ALL_BUT_ONE = 1 - torch.eye(CLASSES).double()[(LABELS + 1) % CLASSES]


def fitted(rows: Rows, *, tune: bool = False) -> Logistic:
    nothing = Standardise(torch.zeros(1), torch.ones(1))
    task = Logistic((4,), CLASSES, nothing, tune=tune)
    torch.manual_seed(0)  # of the folds
    Training(accelerator="cpu").fit(task, rows, unwatched)
    return task


def partly(known: int, left: Tensor) -> Rows:
    """Rows of which the first ones have labels, and the others only these possible classes."""
    labels, beliefs = LABELS.clone(), torch.cat([SURE[:known], left[known:]])
    labels[known:] = UNKNOWN
    return Rows(INPUTS, labels, beliefs=beliefs)


def weights_of(task: Logistic) -> list[Tensor]:
    return [part.detach() for part in task.network.head.parameters()]


def test_soft_labels_are_rows_of_each_class_that_count_as_much_as_it_is_likely() -> None:
    beliefs = torch.rand(40, CLASSES, generator=torch.Generator().manual_seed(6)).double()
    beliefs /= beliefs.sum(1, keepdim=True)
    task = fitted(Rows(INPUTS, beliefs.argmax(1), beliefs=beliefs))
    copies = np.repeat(INPUTS.double().numpy(), CLASSES, 0), np.tile(np.arange(CLASSES), 40)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000)
    theirs.fit(*copies, sample_weight=beliefs.flatten().numpy())
    weight, bias = weights_of(task)
    np.testing.assert_allclose(weight, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(bias - bias.mean(), theirs.intercept_, atol=1e-5)


@pytest.mark.parametrize("tune", [False, True])
def test_beliefs_that_labels_stand_for_change_nothing(tune: bool) -> None:
    with_beliefs = fitted(Rows(INPUTS, LABELS, beliefs=SURE), tune=tune)
    torch.testing.assert_close(
        weights_of(with_beliefs),
        weights_of(fitted(Rows(INPUTS, LABELS), tune=tune)),
        atol=1e-6,
        rtol=0,
    )


def test_all_classes_but_one_ruled_out_is_its_label() -> None:
    torch.testing.assert_close(
        weights_of(fitted(partly(20, SURE))),
        weights_of(fitted(Rows(INPUTS, LABELS))),
        atol=1e-5,
        rtol=0,
    )


@pytest.mark.parametrize("tune", [False, True])
def test_it_ends_where_the_loss_of_what_was_told_is_flat(tune: bool) -> None:
    rows = partly(15, ALL_BUT_ONE)
    task = fitted(rows, tune=tune)
    chosen = {"l2": 1.0, "temperature": 1.0} | task.settled()
    weight, bias = (chosen["temperature"] * part for part in weights_of(task))
    weight.requires_grad_()
    logits = Head(weight, bias).logits(INPUTS.double())
    loss = told_loss(logits, rows.labels, rows.beliefs)
    loss = loss + chosen["l2"] / 2 * weight.square().sum() / len(rows)
    (gradient,) = torch.autograd.grad(loss, weight)
    assert gradient.abs().max() < 1e-5


def test_no_step_raises_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = partly(5, ALL_BUT_ONE)
    assert rows.beliefs is not None
    ones = torch.ones(40).double()
    whole = Weighted(INPUTS.double(), rows.beliefs, ones)
    known = rows.labels != UNKNOWN
    begin = Head(torch.zeros(CLASSES, 4).double(), torch.zeros(CLASSES).double())

    def loss(head: Head) -> float:
        told = told_loss(head.logits(whole.features), rows.labels, rows.beliefs)
        return float(len(rows) * told + 0.05 * head.weight.square().sum())

    losses = [loss(begin)]
    for iterations in (1, 2, 4, 8, 2000):
        monkeypatch.setattr(module, "ITERATIONS", iterations)
        parts = whole.take(known), whole.take(~known)
        losses.append(loss(completed(*parts, begin, 0.1, intercept=True)[0]))
    assert all(after <= before + 1e-9 for before, after in pairwise(losses))
    assert losses[-1] < losses[0] - 0.1


def test_what_is_ruled_out_is_worth_something() -> None:
    """Five labels, and of 35 rows a class that each is not: better than five labels alone."""
    rows = partly(5, ALL_BUT_ONE)
    alone = fitted(Rows(INPUTS[:5], LABELS[:5]))
    accuracies = [
        float((task(INPUTS).argmax(1) == LABELS).float().mean()) for task in (alone, fitted(rows))
    ]
    assert accuracies[1] > accuracies[0]


def test_a_row_of_one_class_counts_as_much_as_its_weight() -> None:
    """As scikit-learn's rows do that have weights."""
    weights = torch.cat([torch.ones(30), torch.linspace(0.1, 4, 10)]).double()
    rows = partly(30, SURE * weights[:, None])
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000)
    theirs.fit(INPUTS.double().numpy(), LABELS.numpy(), sample_weight=weights.numpy())
    weight, bias = weights_of(fitted(rows))
    np.testing.assert_allclose(weight, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(bias - bias.mean(), theirs.intercept_, atol=1e-5)
