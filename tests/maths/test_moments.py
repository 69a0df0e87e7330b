import pytest
import torch

from autoal.maths.moments import moments
from autoal.seeding import generator

LINES = torch.randn(100, 3, generator=generator(0, "lines")) * 3 + 10


def test_those_of_one_block_are_torch_s_to_the_last_bit() -> None:
    mean, variance = moments(LINES)
    assert torch.equal(mean, LINES.mean(0))
    assert torch.equal(variance, LINES.var(0))


@pytest.mark.parametrize("size", [2, 7, 99])
def test_blocks_of_any_size_give_the_same(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoal.maths.moments.BLOCK", size)
    mean, variance = moments(LINES)
    torch.testing.assert_close(mean, LINES.double().mean(0).float())
    torch.testing.assert_close(variance, LINES.double().var(0).float())


def test_lines_of_half_precision_are_summed_in_a_wider_one() -> None:
    lines = torch.full((3000, 1), 40.0).half()  # whose sum half precision cannot hold
    lines[::2] = 42.0
    mean, variance = moments(lines)
    assert mean.item() == 41.0
    assert variance.item() == pytest.approx(3000 / 2999)
