import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn.functional import one_hot

from autoal.maths.ridge import Family, Head, Optimum, row_space
from autoal.seeding import generator


def rows(count: int, columns: int, classes: int) -> tuple[Tensor, Tensor]:
    """Overlapping classes far from the origin, so that intercepts matter."""
    stream = generator(count, columns, classes)
    labels = torch.arange(count) % classes
    centres = torch.randn(classes, columns, generator=stream, dtype=torch.double)
    noise = torch.randn(count, columns, generator=stream, dtype=torch.double)
    return 3 + noise + centres[labels], labels


def family(features: Tensor, labels: Tensor, weights: Tensor, *, intercept: bool = True) -> Family:
    return Family(features, one_hot(labels).double(), weights.double(), intercept=intercept)


def solved(
    features: Tensor, labels: Tensor, *penalties: float, intercept: bool = True
) -> list[Head]:
    """Each from the one before."""
    one = family(features, labels, torch.ones(len(labels), 1), intercept=intercept)
    found: list[Optimum] = []
    for l2 in penalties:
        found.append(one.optimum(l2, found[-1] if found else None))
    return [optimum.head for optimum in found]


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
    weights = torch.ones(20, 1)
    weights[:5] = 2
    once = family(features, labels, weights).optimum(1.0).head
    (twice,) = solved(torch.cat([features, features[:5]]), torch.cat([labels, labels[:5]]), 1.0)
    torch.testing.assert_close(once.weight, twice.weight, atol=1e-7, rtol=0)


def test_a_row_that_is_two_classes_by_half_is_half_a_row_of_each() -> None:
    features, labels = rows(20, 4, 2)
    whole = torch.ones(20, 1, dtype=torch.double)
    soft = Family(features, torch.full((20, 2), 0.5, dtype=torch.double), whole).optimum(1.0).head
    twice = torch.cat([labels, 1 - labels])
    split = family(torch.cat([features] * 2), twice, torch.full((40, 1), 0.5)).optimum(1.0).head
    torch.testing.assert_close(soft.weight, split.weight, atol=1e-7, rtol=0)


def test_members_side_by_side_are_what_each_is_alone() -> None:
    features, labels = rows(30, 4, 3)
    folds = (torch.arange(30) % 5)[:, None] != torch.arange(5)
    together = family(features, labels, folds).optimum(0.1)
    for member, head in enumerate(together.heads):
        (alone,) = solved(features[folds[:, member]], labels[folds[:, member]], 0.1)
        torch.testing.assert_close(head.weight, alone.weight, atol=1e-6, rtol=0)
        found = together.logits[:, member]
        torch.testing.assert_close(found, alone.logits(features), atol=1e-5, rtol=0)


def test_an_optimum_of_all_rows_is_where_those_of_its_folds_begin_and_theirs_where_it_does() -> (
    None
):
    features, labels = rows(30, 4, 3)
    kept = (torch.arange(30) % 5)[:, None] != torch.arange(5)
    folds, all_rows = (family(features, labels, some) for some in (kept, torch.ones(30, 1)))
    one, several = all_rows.optimum(0.1), folds.optimum(0.1)
    for whole, start in ((folds, one), (all_rows, several)):
        warm, cold = whole.optimum(0.1, start), whole.optimum(0.1)
        torch.testing.assert_close(warm.theta, cold.theta, atol=1e-6, rtol=0)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
@pytest.mark.parametrize("l2", [1e-9, 1.0])
def test_no_scale_of_a_column_hinders(scale: float, l2: float) -> None:
    features, labels = rows(40, 3, 3)
    features[:, 1] *= scale
    one = family(features, labels, torch.ones(40, 1))
    head = one.optimum(l2, tolerance=0.0).head
    residuals = head.logits(features).softmax(1) - one_hot(labels)
    gradient = (residuals.T @ features + l2 * head.weight) / features.abs().amax(0)
    assert float(gradient.abs().max()) < 1e-10


def test_members_may_have_targets_of_their_own() -> None:
    features, labels = rows(30, 4, 2)
    targets = torch.stack([one_hot(labels), one_hot(1 - labels)], 1).double()
    found = Family(features, targets, torch.ones(30, 2, dtype=torch.double)).optimum(1.0).heads
    torch.testing.assert_close(found[0].weight, -found[1].weight, atol=1e-6, rtol=0)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("count", "columns"), [(40, 5), (15, 40)])
def test_the_slope_in_the_penalty_is_that_of_finite_differences(
    count: int, columns: int, intercept: bool
) -> None:
    features, labels = rows(count, columns, 3)
    folds = (torch.arange(count) % 5)[:, None] != torch.arange(5)
    one = family(features, labels, folds, intercept=intercept)

    def loss(l2: float) -> float:
        return float(one.optimum(l2, tolerance=1e-11).logits.square().sum())

    optimum = one.optimum(0.3, tolerance=1e-11)
    slope = optimum.slope(optimum.response(2 * optimum.logits, 1e-10))
    step = 1e-4
    difference = (loss(0.3 * np.exp(step)) - loss(0.3 * np.exp(-step))) / (2 * step)
    assert slope == pytest.approx(difference, rel=1e-5)


def test_a_single_row_or_equal_rows_have_an_optimum() -> None:
    features, _ = rows(1, 6, 1)
    targets = one_hot(torch.tensor([0]), 3).double()
    head = Family(features, targets, torch.ones(1, 1, dtype=torch.double)).optimum(1.0).head
    assert float(head.logits(features).softmax(1)[0, 0]) > 0.99
