from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.autograd.functional import hessian
from torch.func import grad, vmap
from torch.nn.functional import cross_entropy

from autoal.maths.slopes import influences, mean_gradient, residual, with_intercept
from autoal.seeding import generator
from tests.maths.alone import Regression

ROWS, WIDTH, CLASSES = 40, 5, 3
NAMES = ("equal", "unequal")


def draw(*shape: int, name: str) -> Tensor:
    return torch.randn(*shape, generator=generator(0, name), dtype=torch.float64)


def regression(weights: str = "unequal", ridge: float = 1e-2, classes: int = CLASSES) -> Regression:
    labels = torch.randint(classes, (ROWS,), generator=generator(0, "labels"))
    features = draw(ROWS, WIDTH, name="rows")
    features[:, 0] += labels
    raw = torch.rand(ROWS, generator=generator(0, "weights"), dtype=torch.float64)
    raw = torch.ones_like(raw) if weights == "equal" else raw
    return Regression(with_intercept(features), labels, classes, raw / raw.sum(), ridge)


@pytest.fixture
def theta() -> Tensor:
    return draw(CLASSES, WIDTH + 1, name="theta")


def dense(problem: Regression, theta: Tensor) -> Tensor:
    """The Hessian as a matrix, by automatic differentiation."""
    return hessian(problem.loss, theta).reshape(theta.numel(), theta.numel())


def test_the_loss_by_hand() -> None:
    features = torch.tensor([[1.0, 1.0], [-1.0, 1.0]], dtype=torch.float64)
    weights = torch.tensor([0.75, 0.25], dtype=torch.float64)
    problem = Regression(features, torch.tensor([0, 1]), 2, weights, 0.5)
    theta = torch.zeros(2, 2, dtype=torch.float64)
    assert float(problem.loss(theta)) == pytest.approx(0.6931472)  # log 2: nothing is known
    # P - e_y is -+1/2; the second row counts a third of the first.
    gradient = torch.tensor([[-0.5, -0.25], [0.5, 0.25]], dtype=torch.float64)
    torch.testing.assert_close(problem.gradient(theta), gradient)
    # p (1 - p) = 1/4: half of the difference of the two classes, in the features' second moments.
    direction = torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    product = torch.tensor([[0.25 + 0.5, 0.125], [-0.25, -0.125]], dtype=torch.float64)
    torch.testing.assert_close(problem.curvature(theta)(direction), product)
    theta[0, 0] = 2.0
    assert float(problem.loss(theta)) == pytest.approx(0.1269280 + 1.0)  # log(1 + e^-2), 1/4 |2|^2


def test_an_intercept_is_a_column_of_ones_in_double_precision() -> None:
    features = with_intercept(torch.tensor([[2.0], [3.0]]))
    assert features.dtype == torch.float64
    assert features.tolist() == [[2.0, 1.0], [3.0, 1.0]]


@pytest.mark.parametrize("weights", NAMES)
def test_the_derivatives_are_those_of_the_loss(weights: str, theta: Tensor) -> None:
    problem = regression(weights)
    theta.requires_grad_()
    (expected,) = torch.autograd.grad(problem.loss(theta), theta, create_graph=True)
    torch.testing.assert_close(problem.gradient(theta), expected, rtol=1e-12, atol=1e-12)
    direction = draw(*theta.shape, name="direction")
    (moved,) = torch.autograd.grad(expected, theta, direction)
    product = problem.curvature(theta)(direction)
    torch.testing.assert_close(product, moved, rtol=1e-12, atol=1e-12)


def test_gradients_of_rows_and_their_mean_are_those_of_the_cross_entropy(theta: Tensor) -> None:
    problem = regression()
    logits = (problem.features @ theta.T).requires_grad_()
    (slopes,) = torch.autograd.grad(cross_entropy(logits, problem.labels, reduction="sum"), logits)
    torch.testing.assert_close(residual(problem.features, problem.labels, theta), slopes)
    theta.requires_grad_()
    loss = cross_entropy(problem.features @ theta.T, problem.labels)
    (expected,) = torch.autograd.grad(loss, theta)
    found = mean_gradient(problem.features, problem.labels, theta)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


# Without a penalty to speak of, the optimum is far from the start; with much, it is near.
@pytest.mark.parametrize("ridge", [1e-6, 1e-2, 10.0])
@pytest.mark.parametrize("weights", NAMES)
def test_the_gradient_vanishes_at_the_optimum(weights: str, ridge: float) -> None:
    problem = regression(weights, ridge)
    assert float(problem.gradient(problem.minimise()).norm()) < 1e-10


@pytest.mark.parametrize("ridge", [1e-4, 1e-2])
@pytest.mark.parametrize("weights", NAMES)
def test_the_optimum_is_that_of_scikit_learn(weights: str, ridge: float) -> None:
    problem = regression(weights, ridge)
    # scikit-learn minimises C sum_i w_i l_i + |theta|^2 / 2, which is J / ridge for C = 1 / ridge.
    reference = LogisticRegression(C=1 / ridge, fit_intercept=False, tol=1e-12, max_iter=10_000)
    reference.fit(problem.features.numpy(), problem.labels.numpy(), problem.weights.numpy())
    found = problem.minimise()
    torch.testing.assert_close(found, torch.from_numpy(reference.coef_), rtol=1e-4, atol=1e-5)
    loss = problem.loss(torch.from_numpy(reference.coef_))
    assert float(loss - problem.loss(found)) == pytest.approx(0, abs=1e-9)


def test_the_optimum_of_two_classes_is_that_of_scikit_learn() -> None:
    problem = regression(classes=2)
    # One vector for two classes: the difference of ours, whose penalty is half of its own.
    reference = LogisticRegression(C=2 / 1e-2, fit_intercept=False, tol=1e-12, max_iter=10_000)
    reference.fit(problem.features.numpy(), problem.labels.numpy(), problem.weights.numpy())
    found = problem.minimise()
    difference = torch.from_numpy(reference.coef_[0])
    torch.testing.assert_close(found[1] - found[0], difference, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[0], -found[1])


def test_a_class_without_rows_has_a_share_in_the_optimum() -> None:
    problem = regression()
    wider = Regression(problem.features, problem.labels, 4, problem.weights, problem.ridge)
    found = wider.minimise()
    assert found.shape == (4, WIDTH + 1)
    assert float(wider.gradient(found).norm()) < 1e-10
    assert found[3, -1] < found[:3, -1].min()  # the intercept of what never occurs


def test_rows_without_weight_do_not_count() -> None:
    problem = regression("equal")
    weights = problem.weights.clone()
    weights[10:] = 0
    some = Regression(problem.features, problem.labels, CLASSES, weights, problem.ridge)
    fewer = Regression(
        problem.features[:10], problem.labels[:10], CLASSES, weights[:10], problem.ridge
    )
    torch.testing.assert_close(some.minimise(), fewer.minimise(), rtol=1e-6, atol=1e-8)


def test_the_optimum_is_the_same_from_any_start(theta: Tensor) -> None:
    problem = regression()
    before = theta.clone()
    found = problem.minimise()
    torch.testing.assert_close(problem.minimise(10 * theta), found, rtol=1e-6, atol=1e-8)
    assert problem.minimise(found) is found  # nothing is left to do
    assert torch.equal(theta, before)


@pytest.mark.parametrize("ridge", [1e-4, 1.0])
def test_solving_equals_a_dense_factorisation(ridge: float, theta: Tensor) -> None:
    problem = regression(ridge=ridge)
    right = draw(*theta.shape, name="right")
    factor = torch.linalg.cholesky(dense(problem, theta))
    expected = torch.cholesky_solve(right.reshape(-1, 1), factor).reshape(theta.shape)
    found = problem.solve(theta, right)
    assert float((found - expected).norm() / expected.norm()) < 1e-6


def test_the_solution_tells_what_the_weight_of_a_row_does_to_the_loss_on_checked_rows() -> None:
    problem = regression()
    check = with_intercept(draw(25, WIDTH, name="check"))
    asked = torch.arange(25) % CLASSES

    def checked(weights: Tensor) -> float:
        head = Regression(problem.features, problem.labels, CLASSES, weights, problem.ridge)
        return float(cross_entropy(check @ head.minimise(tolerance=1e-13).T, asked))

    theta = problem.minimise()
    slope = problem.solve(theta, mean_gradient(check, asked, theta))
    residuals = residual(problem.features, problem.labels, theta)
    # A row with weight pulls theta by -H^-1 times its own gradient.
    predicted = -(residuals * (problem.features @ slope.T)).sum(1)
    step = 1e-5 * torch.eye(ROWS, dtype=torch.float64)
    measured = torch.tensor(
        [
            (checked(problem.weights + more) - checked(problem.weights - more)) / 2e-5
            for more in step
        ],
        dtype=torch.float64,
    )
    assert float((predicted - measured).norm() / measured.norm()) < 1e-6
    assert (measured > 0).any()
    assert (measured < 0).any()  # rows that help, and rows that harm


def test_a_regression_that_does_not_converge_says_so() -> None:
    features = torch.full((2, 3), float("nan"), dtype=torch.float64)
    weights = torch.full((2,), 0.5, dtype=torch.float64)
    problem = Regression(features, torch.tensor([0, 1]), 2, weights, 1.0)
    with pytest.raises(RuntimeError, match="did not converge: its gradient has the norm nan"):
        problem.minimise()


@dataclass(frozen=True)
class Judged:
    """A regression at its optimum, and rows that it is judged by."""

    problem: Regression
    theta: Tensor
    check: Tensor
    asked: Tensor

    @property
    def gradient(self) -> Tensor:
        return mean_gradient(self.check, self.asked, self.theta)

    def slope(self, weight: float) -> Tensor:
        return weight * self.problem.solve(self.theta, self.gradient)

    def loss(self, theta: Tensor) -> float:
        return float(cross_entropy(self.check @ theta.T, self.asked))

    def fall(self, row: Tensor, label: int, weight: float) -> float:
        """By training again with the row."""
        more = self.problem.joined(row[None], torch.tensor([label]), weight)
        return self.loss(self.theta) - self.loss(more.minimise(self.theta))


@pytest.fixture
def judged() -> Judged:
    problem = regression("equal")
    check = with_intercept(draw(25, WIDTH, name="check"))
    return Judged(problem, problem.minimise(), check, torch.arange(25) % CLASSES)


def test_the_influence_by_hand() -> None:
    # One feature, two classes, theta = 0: p = 1/2, and the slope says what class 0 gains.
    rows = torch.tensor([[2.0], [-1.0]], dtype=torch.float64)
    slope = torch.tensor([[-0.3], [0.1]], dtype=torch.float64)
    # U = x S' = (-0.6, 0.2); sum p U = -0.2; minus U: (0.4, -0.4). The other row: halved, reversed.
    expected = torch.tensor([[0.4, -0.4], [-0.2, 0.2]], dtype=torch.float64)
    torch.testing.assert_close(influences(rows, torch.zeros_like(slope), slope), expected)


def test_influences_are_those_of_each_rows_own_gradient(judged: Judged) -> None:
    rows = with_intercept(draw(10, WIDTH, name="pool"))
    slope = judged.slope(1.0)

    def loss(theta: Tensor, row: Tensor, label: Tensor) -> Tensor:
        return cross_entropy((row @ theta.T)[None], label[None])

    slopes = vmap(vmap(grad(loss), (None, None, 0)), (None, 0, None))
    gradients = slopes(judged.theta, rows, torch.arange(CLASSES))  # (rows, classes, classes, width)
    expected = (gradients * slope).sum((2, 3))
    torch.testing.assert_close(
        influences(rows, judged.theta, slope), expected, rtol=1e-10, atol=1e-12
    )


def test_the_highest_influence_is_the_largest_fall_of_the_loss_when_the_row_is_added(
    judged: Judged,
) -> None:
    rows = with_intercept(draw(6, WIDTH, name="pool"))
    weight = 1e-4 / ROWS  # so little of a row that first order is all
    predicted = influences(rows, judged.theta, judged.slope(weight))
    fallen = torch.tensor(
        [[judged.fall(row, label, weight) for label in range(CLASSES)] for row in rows],
        dtype=torch.float64,
    )
    assert float((predicted - fallen).norm() / fallen.norm()) < 1e-3
    assert int(predicted.argmax()) == int(fallen.argmax())
    assert float(fallen.max()) > 0 > float(fallen.min())


def unit_digits() -> tuple[Tensor, Tensor]:
    features, labels = load_digits(return_X_y=True)
    rows = torch.from_numpy(features)
    return rows / rows.norm(dim=1, keepdim=True), torch.from_numpy(labels).long()


def standardised_breast_cancer() -> tuple[Tensor, Tensor]:
    features, labels = load_breast_cancer(return_X_y=True)
    rows = torch.from_numpy(features)
    return (rows - rows.mean(0)) / rows.std(0), torch.from_numpy(labels).long()


@pytest.mark.parametrize(
    ("load", "train", "penalty", "tried"),
    [(unit_digits, 400, 1.0, 16), (standardised_breast_cancer, 200, 10.0, 80)],
    ids=["digits", "breast cancer"],
)
def test_influences_rank_as_training_with_each_row_and_class_does(
    load: Callable[[], tuple[Tensor, Tensor]], train: int, penalty: float, tried: int
) -> None:
    features, labels = load()
    order = torch.randperm(len(labels), generator=generator(0, "order"))
    known, judges, pool = order[: train + 100 + tried].split([train, 100, tried])
    rows, classes = with_intercept(features), int(labels.max()) + 1
    weights = rows.new_full((train,), 1 / train)
    problem = Regression(rows[known], labels[known], classes, weights, penalty / train)
    judged = Judged(problem, problem.minimise(), rows[judges], labels[judges])
    predicted = influences(rows[pool], judged.theta, judged.slope(1 / train))
    fallen = np.array(
        [[judged.fall(row, label, 1 / train) for label in range(classes)] for row in rows[pool]]
    )
    assert spearmanr(predicted.flatten(), fallen.flatten()).statistic > 0.95
