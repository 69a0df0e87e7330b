"""Regressions side by side are the same as each of them alone."""

import pytest
import torch
from torch import Tensor

from autoal.maths.regressions import Regressions
from autoal.maths.slopes import with_intercept
from autoal.seeding import generator
from tests.maths.alone import Regression

ROWS, WIDTH, CLASSES = 40, 5, 3


def draw(*shape: int, name: str) -> Tensor:
    return torch.randn(*shape, generator=generator(0, name), dtype=torch.float64)


def weights() -> Tensor:
    """Even ones, uneven ones, and ones of which many are 0."""
    raw = torch.rand(3, ROWS, generator=generator(0, "weights"), dtype=torch.float64)
    raw[0] = 1.0
    raw[2, ::2] = 0.0
    return raw / raw.sum(1, keepdim=True)


def regressions(ridge: float = 1e-2, scale: float = 1.0) -> Regressions:
    labels = torch.randint(CLASSES, (ROWS,), generator=generator(0, "labels"))
    features = draw(ROWS, WIDTH, name="rows")
    features[:, 0] += labels
    return Regressions(with_intercept(scale * features), labels, CLASSES, ridge)


def alone(made: Regressions, own: Tensor) -> Regression:
    return Regression(made.features, made.labels, made.classes, own, made.ridge)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 10.0])
@pytest.mark.parametrize("ridge", [1e-4, 1e-2, 1.0])
def test_the_optima_are_those_of_each_alone(ridge: float, scale: float) -> None:
    made = regressions(ridge, scale)
    thetas = made.minimise(weights())
    for own, theta in zip(weights(), thetas, strict=True):
        # As near as two gradients of that length can be.
        atol = 2e-10 / ridge
        torch.testing.assert_close(theta, alone(made, own).minimise(), rtol=0, atol=atol)
        assert float(alone(made, own).gradient(theta).norm()) < 1e-10


def test_the_optima_are_the_same_from_any_start() -> None:
    made, start = regressions(), 3 * draw(3, CLASSES, WIDTH + 1, name="start")
    expected = made.minimise(weights())
    torch.testing.assert_close(made.minimise(weights(), start), expected, rtol=0, atol=1e-7)
    assert made.minimise(weights(), expected, 1e-8) is expected


@pytest.mark.parametrize("tolerance", [1e-3, 1e-10])
def test_the_solutions_are_those_of_each_alone(tolerance: float) -> None:
    made = regressions()
    theta, right, start = (
        draw(3, CLASSES, WIDTH + 1, name=name) for name in ("theta", "right", "start")
    )
    right[1] = 0.0
    found = made.solve(weights(), theta, right, tolerance, start)
    for own, here, wanted, solution in zip(weights(), theta, right, found, strict=True):
        left = wanted - alone(made, own).curvature(here)(solution)
        assert float(left.norm()) <= tolerance * float(wanted.norm())


@pytest.mark.parametrize(("width", "scale", "ridge"), [(5, 100.0, 1e-6), (60, 1.0, 1e-8)])
def test_what_single_precision_cannot_tell_is_found_in_double_precision(
    width: int, scale: float, ridge: float
) -> None:
    labels = torch.arange(ROWS) % CLASSES
    features = draw(ROWS, width, name="rows")
    features[:, 0] += labels
    made = Regressions(with_intercept(scale * features), labels, CLASSES, ridge)
    thetas = made.minimise(weights(), tolerance=1e-8)
    right = draw(*thetas.shape, name="right")
    found = made.solve(weights(), thetas, right, 1e-6)
    for own, theta, wanted, solution in zip(weights(), thetas, right, found, strict=True):
        assert float(alone(made, own).gradient(theta).norm()) < 1e-7
        left = wanted - alone(made, own).curvature(theta)(solution)
        assert float(left.norm()) <= 1e-6 * float(wanted.norm())


def test_the_residuals_are_what_the_probabilities_lack() -> None:
    made, theta = regressions(), draw(2, CLASSES, WIDTH + 1, name="theta")
    probs = torch.stack([(made.features @ each.T).softmax(1) for each in theta], 1)
    certain = torch.eye(CLASSES, dtype=torch.float64)[made.labels]
    torch.testing.assert_close(made.residuals(theta), probs - certain[:, None])


def test_rows_that_join_count_by_their_weights() -> None:
    made = regressions()
    few = Regressions(made.features[:30], made.labels[:30], CLASSES, made.ridge)
    joined = few.joined(made.features[30:], made.labels[30:])
    assert torch.equal(joined.minimise(weights()), made.minimise(weights()))


def test_regressions_that_do_not_converge_say_so() -> None:
    made = regressions()
    broken = Regressions(made.features * torch.nan, made.labels, CLASSES, made.ridge)
    with pytest.raises(RuntimeError, match="did not converge: its gradient has the norm nan"):
        broken.minimise(weights())
