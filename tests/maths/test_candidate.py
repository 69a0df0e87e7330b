import numpy as np
import pytest
import torch
from torch import Tensor

from autoal.maths import candidate
from autoal.maths.candidate import greedy_candidates
from autoal.maths.coverage import Kernel, ball, greedy_cover, rbf, remoteness
from autoal.maths.geometry import unit
from autoal.maths.pairs import Pairs
from autoal.seeding import generator

ROWS = unit(torch.randn(150, 5, generator=generator(0, "rows")))
LABELLED = unit(torch.randn(4, 5, generator=generator(0, "labelled")))
WEIGHTS = torch.rand(150, generator=generator(0, "weights"))


def gains(picks: list[int], labelled: Tensor, weights: Tensor, kernel: Kernel) -> np.ndarray:
    """weights_i mean_j max(0, k_ij - c_i) by definition, in NumPy and in double precision."""
    rows, centres = ROWS.double(), torch.cat([labelled, ROWS[picks]]).double()
    near = kernel(((rows[:, None] - rows) ** 2).sum(2)).double().numpy()
    covered = np.zeros(len(rows))
    if len(centres):
        covered = kernel(((rows[:, None] - centres) ** 2).sum(2)).double().numpy().max(1)
    return np.mean(weights.numpy()[:, None] * np.maximum(0, near - covered[:, None]), axis=1)


@pytest.mark.parametrize("labelled", [LABELLED, LABELLED[:0]])
@pytest.mark.parametrize("weights", [WEIGHTS, torch.ones(150)])
@pytest.mark.parametrize("kernel", [rbf(1.0), rbf(0.3)])
@pytest.mark.parametrize("ahead", [1, 7, 64])
def test_picks_equal_a_search_that_computes_every_gain_anew(
    labelled: Tensor,
    weights: Tensor,
    kernel: Kernel,
    ahead: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(candidate, "AHEAD", ahead)
    picks, rest = greedy_candidates(Pairs(ROWS), remoteness(ROWS, labelled), weights, kernel, 40)
    assert len(set(picks)) == 40
    for number, pick in enumerate(picks):
        now = gains(picks[:number], labelled, weights, kernel)
        assert now[pick] == pytest.approx(now.max(), rel=1e-4)
    left = gains(picks, labelled, weights, kernel)
    np.testing.assert_allclose(rest, left, rtol=1e-3, atol=1e-6)


def test_gains_by_hand() -> None:
    line = torch.tensor([[0.0], [1.0], [2.0], [9.0]])
    weights = torch.tensor([1.0, 1.0, 1.0, 4.0])
    picks, rest = greedy_candidates(Pairs(line), remoteness(line, line[:0]), weights, ball(1.5), 1)
    assert picks == [3]  # covers only itself, but weighs four, and three is what the second covers
    torch.testing.assert_close(rest, torch.tensor([0.5, 0.75, 0.5, 0.0]))
    # Nobody gains whom a label covers, whatever it would cover itself.
    picks, rest = greedy_candidates(Pairs(line), remoteness(line, line[:1]), weights, ball(1.5), 4)
    assert picks == [3, 2]
    assert rest.tolist() == [0.0] * 4
    assert greedy_cover(Pairs(line), remoteness(line, line[:1]), weights, ball(1.5), 4)[0] == [3, 1]


@pytest.mark.parametrize("groups", [1, 3])
def test_many_rows_alike_end_the_search(groups: int) -> None:
    rows = torch.eye(3)[torch.arange(300) % groups]
    picks, rest = greedy_candidates(
        Pairs(rows), remoteness(rows, rows[:0]), torch.ones(300), rbf(0.5), 9
    )
    assert sorted(picks) == list(range(groups))
    assert rest.tolist() == [0.0] * 300


def test_nothing_is_picked_where_nothing_is_worth_it() -> None:
    picks, rest = greedy_candidates(
        Pairs(ROWS), remoteness(ROWS, LABELLED), torch.zeros(150), rbf(1.0), 5
    )
    assert picks == []
    assert rest.tolist() == [0.0] * 150
