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
from autoal.model.logistic import Logistic
from autoal.seeding import generator
from tests.launch import Zygote

NOTHING = Standardise(torch.zeros(1), torch.ones(1))


def made(classes: int, **options: Any) -> Logistic:
    return Logistic((5,), classes, NOTHING, **options)


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


def test_a_fit_that_is_cut_short_is_refused_with_its_gradient() -> None:
    inputs, labels = columns(60, 3)
    message = (
        r"did not converge in 2 iterations: .* entry of \d\.\de-\d\d, more than task.tolerance"
    )
    with pytest.raises(UserError, match=message):
        fit(made(3, iterations=2), inputs, labels)


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
