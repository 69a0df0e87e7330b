from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from autoal.maths.coverage import Kernel, ball, greedy_cover, rbf, remoteness, typical_width
from autoal.maths.geometry import unit
from autoal.maths.pairs import Pairs
from autoal.seeding import generator

ROWS = unit(torch.randn(60, 5, generator=generator(0, "rows")))
LABELLED = unit(torch.randn(4, 5, generator=generator(0, "labelled")))
WEIGHTS = torch.rand(60, generator=generator(0, "weights"))


def gains(picks: Sequence[int], labelled: Tensor, weights: Tensor, kernel: Kernel) -> np.ndarray:
    """The gain of every row by definition, in NumPy and in double precision."""
    rows, centres = ROWS.double(), torch.cat([labelled, ROWS[list(picks)]]).double()
    near = kernel(((rows[:, None] - rows) ** 2).sum(2)).double().numpy()
    covered = np.zeros(len(rows))
    if len(centres):
        covered = kernel(((rows[:, None] - centres) ** 2).sum(2)).double().numpy().max(1)
    return (weights.double().numpy() * np.maximum(0, near - covered)).mean(1)


@pytest.mark.parametrize("labelled", [LABELLED, LABELLED[:0]])
@pytest.mark.parametrize("weights", [WEIGHTS, torch.ones(60)])
@pytest.mark.parametrize("kernel", [rbf(1.0), rbf(0.3)])
def test_picks_equal_a_search_that_computes_every_gain_anew(
    labelled: Tensor, weights: Tensor, kernel: Kernel
) -> None:
    picks, rest = greedy_cover(Pairs(ROWS), remoteness(ROWS, labelled), weights, kernel, 30)
    assert len(set(picks)) == 30
    for number, pick in enumerate(picks):
        # Rows that cover but each other are tied, so that gains and not places are compared.
        now = gains(picks[:number], labelled, weights, kernel)
        assert now[pick] == pytest.approx(now.max(), rel=1e-4)
    left = gains(picks, labelled, weights, kernel)
    np.testing.assert_allclose(rest, left, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("kernel", "weights"), [(rbf(1.0), WEIGHTS), (rbf(0.3), WEIGHTS), (ball(0.9), torch.ones(60))]
)
def test_picks_are_those_of_the_definition(kernel: Kernel, weights: Tensor) -> None:
    picks, _ = greedy_cover(Pairs(ROWS), remoteness(ROWS, LABELLED), weights, kernel, 8)
    expected: list[int] = []
    for _ in range(8):
        # By counts that no rounding parts, or chance would tell which of equal balls is first.
        now = gains(expected, LABELLED, weights, kernel).round(9)
        expected.append(int(now.argmax()))
    assert picks == expected


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = greedy_cover(Pairs(ROWS), remoteness(ROWS, LABELLED), WEIGHTS, rbf(1.0), 10)
    monkeypatch.setattr("autoal.maths.pairs.BLOCK", 300)
    picks, rest = greedy_cover(Pairs(ROWS), remoteness(ROWS, LABELLED), WEIGHTS, rbf(1.0), 10)
    assert picks == expected[0]
    torch.testing.assert_close(rest, expected[1])


def test_a_kernel_by_hand() -> None:
    squared = torch.tensor([0.0, 0.25, 1.0])
    torch.testing.assert_close(rbf(0.5)(squared), torch.tensor([1.0, 0.367879, 0.018316]))
    assert ball(0.5)(squared).tolist() == [1.0, 0.0, 0.0]


def test_gains_by_hand() -> None:
    line = torch.tensor([[0.0], [1.0], [2.0], [9.0]])
    weights = torch.tensor([1.0, 1.0, 1.0, 2.0])
    picks, rest = greedy_cover(Pairs(line), remoteness(line, line[:0]), weights, ball(1.5), 1)
    assert picks == [1]  # covers three; the last one counts for two
    torch.testing.assert_close(rest, torch.tensor([0.0, 0.0, 0.0, 0.5]))
    picks, rest = greedy_cover(Pairs(line), remoteness(line, line[:1]), weights, ball(1.5), 4)
    assert picks == [3, 1]  # two are covered by the label, and then all
    assert rest.tolist() == [0.0] * 4


def test_nothing_is_picked_where_nothing_is_worth_it() -> None:
    picks, rest = greedy_cover(
        Pairs(ROWS), remoteness(ROWS, LABELLED), torch.zeros(60), rbf(1.0), 5
    )
    assert picks == []
    assert rest.tolist() == [0.0] * 60


class Counted(Pairs):
    """Tells for how many rows its numbers were asked."""

    asked = 0

    def rows(self, places: Tensor) -> Tensor:
        self.asked += len(places)
        return super().rows(places)


def test_a_pick_updates_only_the_rows_that_feel_it() -> None:
    pairs = Counted(ROWS)
    greedy_cover(pairs, remoteness(ROWS, ROWS[:0]), torch.ones(60), rbf(1.0), 1)
    assert pairs.asked == 60 + 1 + 60  # the gains, the pick itself, and whom it covers
    pairs.asked = 0
    greedy_cover(pairs, remoteness(ROWS, ROWS[:0]), torch.ones(60), rbf(1.0), 60)
    assert pairs.asked < 6 * 60


def test_remoteness_and_the_typical_width_by_hand() -> None:
    line = torch.tensor([[0.0], [1.0], [3.0], [6.0]])
    remote = remoteness(line, torch.tensor([[0.0], [4.0]]))
    torch.testing.assert_close(remote, torch.tensor([0.0, 1.0, 1.0, 4.0]))
    assert typical_width(remote, 7.0) == pytest.approx(1.5**0.5)
    nothing = remoteness(line, line[:0])
    assert nothing.isinf().all()
    assert typical_width(nothing, 7.0) == 7.0
    assert typical_width(torch.zeros(4), 7.0) == 0.01  # all rows are alike
