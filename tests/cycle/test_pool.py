import pytest
import torch
from torch import Tensor

from autoal.cycle.pool import Pool


def test_a_new_pool_has_no_labelled_row() -> None:
    pool = Pool.of(4)
    assert len(pool) == 4
    assert pool.labelled.tolist() == []
    assert pool.unlabelled.tolist() == [0, 1, 2, 3]


def test_labelled_rows_leave_the_unlabelled_ones_and_both_are_ascending() -> None:
    pool = Pool.of(6).label(torch.tensor([5, 1])).label(torch.tensor([3]))
    assert pool.labelled.tolist() == [1, 3, 5]
    assert pool.unlabelled.tolist() == [0, 2, 4]
    assert pool.labelled.dtype == pool.unlabelled.dtype == torch.long


def test_labelling_returns_a_new_pool_and_leaves_the_old_one() -> None:
    before = Pool.of(3)
    after = before.label(torch.tensor([0]))
    assert before.labelled.tolist() == []
    assert after.labelled.tolist() == [0]


def test_labelling_nothing_changes_nothing() -> None:
    pool = Pool.of(3).label(torch.tensor([2]))
    assert pool.label(torch.empty(0, dtype=torch.long)).labelled.tolist() == [2]


def test_rows_that_are_set_aside_are_neither_labelled_nor_to_be_queried() -> None:
    before = Pool.of(5).label(torch.tensor([4]))
    pool = before.set_aside(torch.tensor([3, 0]))
    assert pool.labelled.tolist() == [4]
    assert pool.unlabelled.tolist() == [1, 2]
    assert len(pool) == 5
    assert before.unlabelled.tolist() == [0, 1, 2, 3]


def test_rows_that_join_come_last_and_may_be_queried() -> None:
    pool = Pool.of(3).label(torch.tensor([2])).set_aside(torch.tensor([0])).grown(2)
    assert len(pool) == 5
    assert pool.labelled.tolist() == [2]
    assert pool.unlabelled.tolist() == [1, 3, 4]
    assert pool.label(torch.tensor([4])).labelled.tolist() == [2, 4]
    assert len(pool.grown(0)) == 5


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (torch.tensor([0, 4]), "row 4 is outside the pool of 4 rows"),
        (torch.tensor([-1]), "row -1 is outside"),
        (torch.tensor([0, 2, 2]), "row 2 is named twice"),
        (torch.tensor([0, 1]), "row 1 is already labelled"),
        (torch.tensor([0, 3]), "row 3 is already set aside"),
        (torch.tensor([0.0]), "must be a list of integers, got torch.float32"),
        (torch.tensor([[0]]), "must be a list of integers"),
        (torch.tensor([True, False, False, False]), "must be a list of integers, got torch.bool"),
    ],
)
def test_rows_that_cannot_be_labelled_or_set_aside_are_refused(rows: Tensor, message: str) -> None:
    pool = Pool.of(4).label(torch.tensor([1])).set_aside(torch.tensor([3]))
    for change in (pool.label, pool.set_aside):
        with pytest.raises(ValueError, match=message):
            change(rows)
    assert pool.labelled.tolist() == [1]
    assert pool.unlabelled.tolist() == [0, 2]
