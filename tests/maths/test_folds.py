import pytest
import torch

from autoal.maths.folds import stratified
from autoal.seeding import generator


@pytest.mark.parametrize(("count", "folds"), [(100, 5), (23, 5), (7, 3)])
def test_the_rows_of_a_class_are_spread_evenly_and_so_are_all(count: int, folds: int) -> None:
    labels = torch.randint(3, (count,), generator=generator(count))
    fold = stratified(labels, folds)
    assert int(fold.bincount(minlength=folds).max() - fold.bincount(minlength=folds).min()) <= 1
    for label in range(3):
        own = fold[labels == label].bincount(minlength=folds)
        assert int(own.max() - own.min()) <= 1


def test_few_rows_make_a_fold_each() -> None:
    assert sorted(stratified(torch.tensor([0, 1, 0]), 5).tolist()) == [0, 1, 2]


def test_the_order_decides_who_shares_a_fold_and_nothing_else_does() -> None:
    labels = torch.arange(20) % 2
    order = torch.randperm(20, generator=generator(0))
    assert torch.equal(stratified(labels, 5), stratified(labels, 5))
    drawn = stratified(labels, 5, order)
    assert not torch.equal(drawn, stratified(labels, 5))
    assert torch.equal(drawn.bincount(), torch.full((5,), 4))
