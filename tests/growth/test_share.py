from typing import Any

import pytest
import torch

from autoal.cycle.growing import parts_of
from autoal.errors import UserError
from autoal.growth.share import Share


def test_without_a_share_nothing_is_told() -> None:
    share = Share(None)
    assert (share.heard([1.0], [2.0]), share.now) == ({}, None)


def test_a_fixed_share_stays() -> None:
    share = Share(0.25)
    assert (share.heard([9.0], [2.0]), share.now) == ({"share": 0.25}, 0.25)


def test_an_adaptive_share_moves_by_how_often_made_rows_are_above_real_ones() -> None:
    share = Share("adaptive")
    # Of the four pairs one is above and one equal: p = (1 + 1/2) / 4, and .2 (2 p - 1) = -.05.
    told = share.heard([3.0, 1.0], [3.0, 2.0])
    assert told == {"share": 0.5, "above": 0.375}
    assert share.now == pytest.approx(0.45)
    assert share.heard([], [3.0]) == {"share": share.now}  # there is nothing to compare


def test_an_adaptive_share_hears_of_both_kinds_for_ever() -> None:
    share = Share("adaptive")
    for _ in range(5):
        share.heard([9.0], [1.0])
    assert share.now == 0.9
    for _ in range(9):
        share.heard([1.0], [9.0])
    assert share.now == 0.1


@pytest.mark.parametrize("share", ["half", -0.1, 1.1, True, float("nan")])
def test_what_is_no_share_is_refused(share: Any) -> None:
    with pytest.raises((ValueError, UserError), match="share"):
        Share(share)


@pytest.mark.parametrize(
    ("share", "budget", "sizes"),
    [
        (0.5, 4, (2, 2)),
        (0.3, 5, (3, 2)),  # 1.5 rows are two
        (0.0, 4, (4, 0)),
        (1.0, 4, (1, 3)),  # there are only three made rows
        (0.1, 7, (4, 3)),  # and only four real ones
    ],
)
def test_a_batch_is_made_of_both_kinds(share: float, budget: int, sizes: tuple[int, int]) -> None:
    rows = torch.tensor([2, 4, 5, 8, 10, 11, 13])
    ours, made = parts_of(rows, 10, share, budget)
    assert (ours.size, made.size) == sizes
    assert ours.places.tolist() == [0, 1, 2, 3]
    assert made.places.tolist() == [4, 5, 6]
