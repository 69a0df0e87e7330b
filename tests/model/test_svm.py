from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC
from torch import Tensor

from autoal import Rows, Trained, Training
from autoal.data.contract import Standardise
from autoal.errors import UserError
from autoal.exported.model import Model
from autoal.model.fitstep import unwatched
from autoal.model.svm import Svm
from autoal.seeding import generator
from tests.launch import Zygote

NOTHING = Standardise(torch.zeros(1), torch.ones(1))


def made(classes: int, **options: Any) -> Trained:
    return Trained(Svm((5,), classes, NOTHING, **options), Training(accelerator="cpu"))


def columns(count: int, classes: int) -> Rows:
    """Overlapping classes around uneven means, so that intercepts matter."""
    stream = generator(classes, "rows")
    labels = torch.arange(count) % classes
    places = torch.randn(count, 5, generator=stream) + labels[:, None] * torch.linspace(-1, 2, 5)
    return Rows(places, labels)


def fit(learner: Trained, rows: Rows) -> Tensor:
    """The logits of the rows that it learns."""
    learner.fit(rows, first=True, watch=unwatched)
    return learner.look(rows, torch.arange(len(rows)), 0).logits


def reference(rows: Rows, c: float) -> np.ndarray:
    """scikit-learn's decision values, on rows scaled to the length that ours have."""
    inputs = rows.inputs.double()
    scaled = inputs / inputs.square().sum(1).mean().sqrt()
    machine = LinearSVC(C=c, dual=False, tol=1e-10, max_iter=10_000).fit(scaled, rows.labels)
    return np.asarray(machine.decision_function(scaled))


@pytest.mark.parametrize("c", [0.01, 1.0, 100.0])
def test_three_classes_have_the_decision_values_of_scikit_learn(c: float) -> None:
    rows = columns(90, 3)
    np.testing.assert_allclose(fit(made(3, c=c), rows), reference(rows, c), atol=1e-4)


@pytest.mark.parametrize("c", [0.01, 1.0, 100.0])
def test_two_classes_have_one_vector_of_either_sign(c: float) -> None:
    rows = columns(60, 2)
    values = reference(rows, c)
    logits = fit(made(2, c=c), rows)
    np.testing.assert_allclose(logits, np.stack([-values, values], 1), atol=1e-4)


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_c_means_the_same_for_rows_of_any_length(scale: float) -> None:
    rows = columns(60, 3)
    longer = Rows(rows.inputs * scale, rows.labels)
    torch.testing.assert_close(fit(made(3), longer), fit(made(3), rows), atol=1e-3, rtol=0)


def test_a_class_without_rows_is_never_predicted_and_a_single_row_is_learnt() -> None:
    rows = columns(60, 2)
    assert 2 not in fit(made(3), rows).argmax(1)
    assert int(fit(made(3), rows.take(torch.tensor([1]))).argmax()) == 1


def test_what_was_learnt_before_does_not_count() -> None:
    rows = columns(60, 3)
    learner = made(3)
    first = fit(learner, rows)
    fit(learner, rows.take(torch.arange(20)))
    assert torch.equal(fit(learner, rows), first)
    assert torch.equal(fit(learner.fresh(), rows), first)


def test_it_is_a_head_on_features_that_stay_and_its_state_is_all_of_it() -> None:
    rows, learner = columns(60, 3), made(3)
    logits = fit(learner, rows)
    other = made(3)
    other.load_state_dict(learner.state_dict())
    look = other.look(rows, torch.arange(60), 0)
    assert learner.headed
    assert not learner.deep
    torch.testing.assert_close(look.embeddings, rows.inputs)
    torch.testing.assert_close(look.logits, logits)


def test_a_machine_that_does_not_converge_says_what_would_do() -> None:
    with pytest.raises(UserError, match=r"or a smaller task\.c"):
        fit(made(3, c=1e6, iterations=1), columns(60, 3))


def test_a_whole_run_learns_asks_and_leaves_its_model(train: Zygote, tmp_path: Path) -> None:
    options = ("data=digits", "task=svm", "logger=none", "strategy=margin", "rounds=1")
    finished = train.run(*options, f"out={tmp_path}", "name=machine")
    assert finished.code == 0, finished.err
    model = Model.read(tmp_path / "machine")
    assert model.predict(torch.zeros(2, 1, 8, 8, dtype=torch.uint8)).shape == (2, 10)
