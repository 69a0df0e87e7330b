import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn.functional import one_hot

from autoal.maths.ridge import Head, optima, row_space
from autoal.seeding import generator


def rows(count: int, columns: int, classes: int) -> tuple[Tensor, Tensor]:
    """Overlapping classes far from the origin, so that intercepts matter."""
    stream = generator(count, columns, classes)
    labels = torch.arange(count) % classes
    centres = torch.randn(classes, columns, generator=stream, dtype=torch.double)
    noise = torch.randn(count, columns, generator=stream, dtype=torch.double)
    return 3 + noise + centres[labels], labels


def solved(
    features: Tensor, labels: Tensor, *penalties: float, intercept: bool = True
) -> list[Head]:
    targets = one_hot(labels).double()
    weights = torch.ones(len(labels), dtype=torch.double)
    return list(optima(features, targets, weights, penalties, intercept=intercept))


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize(("count", "columns"), [(60, 5), (30, 200)])
def test_every_optimum_predicts_what_scikit_learn_predicts(
    count: int, columns: int, classes: int, intercept: bool
) -> None:
    features, labels = rows(count, columns, classes)
    penalties = (100.0, 1.0, 0.01)
    for l2, head in zip(
        penalties, solved(features, labels, *penalties, intercept=intercept), strict=True
    ):
        strength = (2 if classes == 2 else 1) / l2  # two classes have one vector there
        reference = LogisticRegression(
            C=strength, fit_intercept=intercept, tol=1e-9, max_iter=50_000
        ).fit(features, labels)
        found = head.logits(features).softmax(1)
        np.testing.assert_allclose(found, reference.predict_proba(features), atol=1e-4)


def test_the_optimum_lies_in_the_space_of_the_rows() -> None:
    features, labels = rows(20, 300, 3)
    axes = row_space(features)
    assert axes.shape == (300, 20)
    torch.testing.assert_close(axes.T @ axes, torch.eye(20, dtype=torch.double))
    (whole,) = solved(features, labels, 1.0)
    (inside,) = solved(features @ axes, labels, 1.0)
    torch.testing.assert_close(inside.weight @ axes.T, whole.weight, atol=1e-7, rtol=0)
    torch.testing.assert_close(inside.bias, whole.bias, atol=1e-7, rtol=0)


def test_the_space_of_many_rows_has_no_more_directions_than_differ() -> None:
    features, _ = rows(20, 5, 2)
    assert row_space(torch.cat([features, features], 1)).shape == (10, 5)


def test_a_row_of_weight_two_is_a_row_that_stands_there_twice() -> None:
    features, labels = rows(20, 4, 2)
    targets = one_hot(labels).double()
    weights = torch.ones(20, dtype=torch.double)
    weights[:5] = 2
    (once,) = optima(features, targets, weights, [1.0])
    (twice,) = solved(torch.cat([features, features[:5]]), torch.cat([labels, labels[:5]]), 1.0)
    torch.testing.assert_close(once.weight, twice.weight, atol=1e-7, rtol=0)


def test_a_row_that_is_two_classes_by_half_is_half_a_row_of_each() -> None:
    features, labels = rows(20, 4, 2)
    half = torch.full((20, 2), 0.5, dtype=torch.double)
    whole = torch.ones(20, dtype=torch.double)
    (soft,) = optima(features, half, whole, [1.0])
    targets = torch.cat([one_hot(labels), one_hot(1 - labels)]).double()
    (split,) = optima(torch.cat([features] * 2), targets, torch.cat([whole, whole]) / 2, [1.0])
    torch.testing.assert_close(soft.weight, split.weight, atol=1e-7, rtol=0)


def test_a_single_row_or_equal_rows_have_an_optimum() -> None:
    features, labels = rows(1, 6, 1)
    targets = one_hot(labels, 3).double()
    (head,) = optima(features, targets, torch.ones(1, dtype=torch.double), [1.0])
    assert float(head.logits(features).softmax(1)[0, 0]) > 0.99
