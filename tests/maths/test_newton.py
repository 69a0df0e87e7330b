import pytest
import torch
from torch import Tensor
from torch.autograd.functional import hvp
from torch.nn.functional import cross_entropy

from autoal.maths.newton import Point, curvature, descended, products, sums
from autoal.seeding import generator

ROWS, MEMBERS, CLASSES, WIDTH = 12, 2, 3, 4


def draw(*shape: int, name: str) -> Tensor:
    return torch.randn(*shape, generator=generator(0, name), dtype=torch.float64)


COLUMNS = draw(ROWS, WIDTH, name="columns")
THETA = draw(MEMBERS, CLASSES, WIDTH, name="theta")
WEIGHTS = draw(ROWS, MEMBERS, name="weights").abs()
LABELS = torch.arange(ROWS) % CLASSES


def loss(theta: Tensor) -> Tensor:
    """Weighted, of all members."""
    each = [cross_entropy(COLUMNS @ own.T, LABELS, reduction="none") for own in theta]
    return (WEIGHTS * torch.stack(each, 1)).sum()


def test_products_and_sums_are_those_of_each_member() -> None:
    logits = products(COLUMNS, THETA)
    assert logits.shape == (ROWS, MEMBERS, CLASSES)
    for member, own in enumerate(THETA):
        torch.testing.assert_close(logits[:, member], COLUMNS @ own.T)
        torch.testing.assert_close(sums(logits, COLUMNS)[member], logits[:, member].T @ COLUMNS)


def test_the_curvature_is_the_hessian_of_the_weighted_losses() -> None:
    direction = draw(*THETA.shape, name="direction")
    expected = hvp(loss, THETA, direction)[1]
    found = curvature(COLUMNS, products(COLUMNS, THETA), WEIGHTS)(direction)
    torch.testing.assert_close(found, expected)


def test_the_curvature_is_computed_in_the_precision_of_the_columns() -> None:
    direction = draw(*THETA.shape, name="direction")
    exact, rough = (
        curvature(columns, products(COLUMNS, THETA), WEIGHTS)(direction.to(columns))
        for columns in (COLUMNS, COLUMNS.float())
    )
    assert (exact.dtype, rough.dtype) == (torch.double, torch.float)
    torch.testing.assert_close(rough.double(), exact, rtol=1e-4, atol=1e-4)


def at(*places: float) -> Point:
    """Members of one class and one column, and the logits of a row of 1."""
    theta = torch.tensor(places).view(-1, 1, 1)
    return Point(theta, theta.view(1, -1, 1))


def squares(point: Point) -> Tensor:
    return point.theta.square()


@pytest.mark.parametrize(
    ("together", "expected"), [(False, [0.0, 0.0]), (True, [0.5, -2.0])], ids=["each", "together"]
)
def test_members_go_as_far_as_they_may_each_or_together(
    together: bool, expected: list[float]
) -> None:
    point, step = at(1.0, 2.0), at(1.0, 8.0)

    def function(point: Point) -> Tensor:
        return squares(point).sum() if together else squares(point)

    slopes = 2 * point.theta * step.theta
    found = descended(function, point, step, function(point), slopes.sum() if together else slopes)
    assert found.theta.flatten().tolist() == found.logits.flatten().tolist() == expected
