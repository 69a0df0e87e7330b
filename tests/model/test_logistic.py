from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from autoal import Rows, Training
from autoal.data.contract import Standardise
from autoal.data.images import Preprocess
from autoal.errors import UserError
from autoal.model.fitstep import FitStep
from autoal.model.lesson import Weighted
from autoal.model.logistic import ROUNDING, Logistic
from autoal.seeding import generator
from tests.launch import Zygote

NOTHING = Standardise(torch.zeros(1), torch.ones(1))


def made(classes: int, *, tune: bool = False, **options: Any) -> Logistic:
    return Logistic((5,), classes, NOTHING, tune=tune, **options)


@pytest.mark.parametrize(
    ("options", "tune", "l2"),
    [
        ({}, True, 1.0),
        ({"tune": True}, True, 1.0),
        ({"tune": False}, False, 1.0),
        ({"l2": 5.0}, False, 5.0),
        ({"l2": 5.0, "tune": False}, False, 5.0),
    ],
)
def test_it_tunes_itself_unless_a_penalty_is_given(
    options: dict[str, Any], tune: bool, l2: float
) -> None:
    task = Logistic((5,), 3, NOTHING, **options)
    assert (task.tune, task.l2) == (tune, l2)


def test_a_penalty_that_would_not_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="`tune` finds `l2`, so it cannot be 5"):
        Logistic((5,), 3, NOTHING, l2=5.0, tune=True)


def columns(count: int, classes: int) -> tuple[Tensor, Tensor]:
    """Overlapping classes around uneven means, so that intercepts matter."""
    stream = generator(classes, "rows")
    labels = torch.arange(count) % classes
    places = torch.randn(count, 5, generator=stream) + labels[:, None] * torch.linspace(-1, 2, 5)
    return places, labels


def fit(
    task: Logistic, inputs: Tensor, labels: Tensor, precision: str = "32-true"
) -> list[FitStep]:
    heard: list[FitStep] = []
    task.renew(first=True)
    Training(accelerator="cpu", precision=precision).fit(task, Rows(inputs, labels), heard.append)
    return heard


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("l2", [0.01, 1.0, 100.0])
def test_three_classes_have_the_weights_of_scikit_learn(l2: float, intercept: bool) -> None:
    inputs, labels = columns(90, 3)
    task = made(3, l2=l2, intercept=intercept)
    fit(task, inputs, labels)
    reference = LogisticRegression(C=1 / l2, fit_intercept=intercept, tol=1e-10, max_iter=10_000)
    reference.fit(inputs.double(), labels)
    head = task.network.head
    np.testing.assert_allclose(head.weight.detach(), reference.coef_, atol=1e-4)
    np.testing.assert_allclose(head.bias.detach(), reference.intercept_ * intercept, atol=1e-4)


def test_two_classes_have_half_of_scikit_learns_one_vector_each() -> None:
    inputs, labels = columns(60, 2)
    task = made(2, l2=3.0)
    fit(task, inputs, labels)
    reference = LogisticRegression(C=2 / 3.0, tol=1e-10, max_iter=10_000)
    reference.fit(inputs.double(), labels)
    weight, bias = task.network.head.weight.detach(), task.network.head.bias.detach()
    np.testing.assert_allclose(weight, [-reference.coef_[0] / 2, reference.coef_[0] / 2], atol=1e-4)
    np.testing.assert_allclose(
        bias, [-reference.intercept_[0] / 2, reference.intercept_[0] / 2], atol=1e-4
    )


def test_the_penalty_is_on_the_sum_and_by_hand() -> None:
    # Rows +1 and -1 with logits +-w each: each of the two has the slope -sigmoid(-2 w).
    inputs = torch.tensor([[1.0], [-1.0]])
    task = Logistic((1,), 2, NOTHING, l2=0.5, tolerance=1e-10)
    fit(task, inputs, torch.tensor([1, 0]))
    weight = task.network.head.weight[1, 0].item()
    assert 0.5 * weight == pytest.approx(2 / (1 + np.exp(2 * weight)), abs=1e-8)
    assert task.network.head.bias.tolist() == pytest.approx([0, 0], abs=1e-8)


def test_a_class_without_rows_is_never_predicted() -> None:
    inputs, labels = columns(60, 2)
    task = made(3)
    fit(task, inputs, labels)
    with torch.no_grad():
        assert float(task(inputs).softmax(1)[:, 2].max()) < 1e-4


def test_separable_rows_and_a_single_row_converge() -> None:
    inputs, labels = columns(40, 2)
    task = made(2, l2=1e-3)
    fit(task, inputs + 20 * labels[:, None], labels)
    fit(task, inputs[:1], labels[:1])
    assert task(inputs[:1]).argmax().item() == labels[0]


def test_the_optimum_does_not_depend_on_what_was_there_before() -> None:
    inputs, labels = columns(60, 3)
    task = made(3)
    fit(task, inputs, labels)
    first = task.network.head.weight.detach().clone()
    fit(task, inputs[:20], labels[:20])
    assert not torch.allclose(task.network.head.weight, first, atol=1e-3)
    fit(task, inputs, labels)
    torch.testing.assert_close(task.network.head.weight.detach(), first, atol=1e-8, rtol=0)


def test_all_rows_are_one_batch_of_one_step_in_double_precision() -> None:
    inputs, labels = columns(700, 3)
    task = made(3)
    (heard,) = fit(task, inputs, labels)
    assert (heard.step, heard.steps) == (1, 1)
    assert task(inputs).dtype == torch.float64
    with torch.no_grad():
        loss = float(task.training_step((inputs, labels), 0))
    assert heard.loss == pytest.approx(loss, rel=1e-6)


def test_mixed_precision_leaves_the_optimum_as_it_is() -> None:
    inputs, labels = columns(60, 3)
    plain, mixed = made(3), made(3)
    fit(plain, inputs, labels)
    fit(mixed, inputs, labels, precision="bf16-mixed")
    weights = [task.network.head.weight.detach() for task in (plain, mixed)]
    torch.testing.assert_close(weights[0], weights[1], atol=1e-5, rtol=0)


def test_without_an_intercept_the_bias_stays_at_zero() -> None:
    inputs, labels = columns(60, 3)
    task = made(3, intercept=False)
    fit(task, inputs + 1, labels)
    assert task.network.head.bias.tolist() == [0, 0, 0]


def steepest(task: Logistic, inputs: Tensor, labels: Tensor) -> float:
    """The largest entry of the gradient of the mean loss, by hand."""
    chosen = {"l2": task.l2, "temperature": 1.0} | task.settled()
    weight = chosen["temperature"] * task.network.head.weight.detach()
    with torch.no_grad():
        logits = chosen["temperature"] * task(inputs)
    residuals = logits.softmax(1) - torch.eye(task.classes)[labels]
    own = residuals.T @ inputs.float().double() + chosen["l2"] * weight  # they are read as floats
    free = residuals.sum(0) * task.network.head.bias.requires_grad
    return max(float(part.abs().max()) for part in (own, free)) / len(labels)


@pytest.mark.parametrize("intercept", [True, False])
def test_newton_steps_finish_what_iterations_do_not_suffice_for(intercept: bool) -> None:
    inputs, labels = columns(60, 3)
    short, long = (
        made(3, intercept=intercept, tolerance=1e-10, iterations=count) for count in (2, 2000)
    )
    for task in (short, long):
        fit(task, inputs, labels)
    assert steepest(short, inputs, labels) < 1e-10
    weights = (task.network.head.weight for task in (short, long))
    torch.testing.assert_close(*weights, atol=1e-8, rtol=0)


def test_newton_steps_finish_what_the_digits_of_losses_cannot_tell() -> None:
    inputs, labels = columns(50, 3)
    task = made(3, iterations=200, l2=50.0)
    fit(task, 1e4 * inputs, labels)
    assert steepest(task, 1e4 * inputs, labels) < 1e-6


@pytest.mark.parametrize("options", [{"l2": 1e-9}, {"l2": 50.0}, {"tune": True}])
@pytest.mark.parametrize(
    ("inputs", "labels"),
    [
        (1e-12 * columns(30, 3)[0].double(), columns(30, 3)[1]),
        (1e12 * columns(30, 3)[0].double(), columns(30, 3)[1]),
        (columns(30, 3)[0].double() * torch.logspace(-8, 8, 5), columns(30, 3)[1]),
        (1e6 + columns(30, 3)[0].double(), columns(30, 3)[1]),
        (1e5 * torch.ones(12, 5), torch.arange(12) % 3),
        (1e5 * columns(12, 3)[0], torch.ones(12).long()),
    ],
    ids=["tiny", "huge", "columns far apart", "far from the origin", "identical", "one class"],
)
def test_rows_of_any_scale_have_an_optimum(
    inputs: Tensor, labels: Tensor, options: dict[str, Any]
) -> None:
    task = made(3, iterations=200, **options)
    fit(task, inputs, labels)
    assert steepest(task, inputs, labels) < task.tolerance * max(1.0, float(inputs.abs().max()))


@pytest.mark.parametrize(
    ("options", "larger"),
    [
        ({}, "task.l2 or task.tolerance"),
        ({"spread": True}, "task.l2 or task.tolerance"),
        ({"tune": True}, "task.tolerance"),
    ],
    ids=["given", "spread", "tuned"],
)
def test_an_optimum_beyond_all_numbers_is_refused_with_what_would_do(
    options: dict[str, Any], larger: str
) -> None:
    inputs, labels = columns(30, 3)
    message = f"entry of nan, .*; give a larger {larger}, or columns of a smaller scale"
    with pytest.raises(UserError, match=message):
        fit(made(3, iterations=5, **options), torch.inf * inputs, labels)


def taught(copies: int, weight: float) -> Weighted:
    inputs, labels = columns(30, 3)
    features, targets = inputs.double().repeat(copies, 1), torch.eye(3)[labels].repeat(copies, 1)
    return Weighted(features, targets.double(), features.new_full((len(features),), weight))


@pytest.mark.parametrize(("copies", "weight"), [(1, 5.0), (5, 1.0)])
def test_what_rounding_leaves_grows_with_the_rows_that_join_and_what_they_count(
    copies: int, weight: float
) -> None:
    task, alone = made(3, tolerance=1e-30), taught(1, 1.0)
    task.network.head.weight.data.fill_(1e6)
    bound = ROUNDING * task._effort(alone) / 30
    task._confirm(0.99 * bound, alone, labelled=30)
    task._confirm(4.95 * bound, taught(copies, weight), labelled=30)
    with pytest.raises(UserError, match="did not converge"):
        task._confirm(5.05 * bound, taught(copies, weight), labelled=30)


def test_pictures_are_trained_on_as_they_are_whatever_the_data_set_would_do_to_them() -> None:
    images = torch.randint(256, (80, 1, 6, 6), generator=generator(0)).to(torch.uint8)
    labels = torch.arange(80) % 3
    task = Logistic((1, 6, 6), 3, Preprocess([0.5], [0.25], crop=2, flip=True), l2=10.0)
    fit(task, images, labels)
    reference = LogisticRegression(C=0.1, tol=1e-10, max_iter=10_000)
    reference.fit((images.flatten(1).double() / 255 - 0.5) / 0.25, labels)
    np.testing.assert_allclose(task.network.head.weight.detach(), reference.coef_, atol=1e-4)


def test_the_digits_whose_pictures_are_cropped_in_training_run(
    train: Zygote, tmp_path: Path
) -> None:
    chosen = ("data=digits", "task=logistic", "strategy=random", "rounds=1", "logger=none")
    finished = train.run(*chosen, f"out={tmp_path}", "name=run")
    assert finished.code == 0, finished.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l2": 0.0}, "`l2` must be above 0, got 0"),
        ({"tolerance": 0.0}, "`tolerance` must be above 0"),
        ({"iterations": 0}, "`iterations` must be at least 1"),
        ({"iterations": 1.5}, "`iterations` must be a whole number"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(3, **options)
