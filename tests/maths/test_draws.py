import pytest
import torch
from torch import Tensor

from autoal.maths.draws import by_chances, in_proportion
from autoal.seeding import generator

DRAWS = 4000  # whose shares have a standard error of .008 at most


def drawn(worth: Tensor, beta: float, draws: int = DRAWS) -> Tensor:
    """The order of each draw, (draws, n)."""
    stream = generator(0, "drawn")
    return torch.stack(
        [in_proportion(worth, beta, stream).argsort(descending=True) for _ in range(draws)]
    )


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_each_time_by_the_power_of_the_worth(beta: float) -> None:
    worth = torch.tensor([1.0, 3.0, 0.0, 6.0])
    shares = worth**beta * (worth > 0)
    orders = drawn(worth, beta)
    first = orders[:, 0].bincount(minlength=4) / DRAWS
    torch.testing.assert_close(first, shares / shares.sum(), rtol=0, atol=0.04)
    # Without replacement: the next is by what is left.
    after = orders[orders[:, 0] == 3][:, 1]
    left = shares[:3] / shares[:3].sum()
    torch.testing.assert_close(after.bincount(minlength=3) / len(after), left, rtol=0, atol=0.05)
    assert (orders[:, 3] == 2).all()


def test_a_large_power_is_the_order_of_the_worth() -> None:
    worth = torch.tensor([0.1, 0.5, 0.4, 1.0])
    assert (drawn(worth, 1e3, draws=50) == torch.tensor([3, 1, 2, 0])).all()


def test_what_is_worth_nothing_comes_last_and_is_finite() -> None:
    worth = torch.tensor([0.0, 1e-30, 0.0, 1.0])
    for seed in range(20):
        scores = in_proportion(worth, 1.0, generator(seed))
        assert scores.isfinite().all()
        assert float(scores[[0, 2]].max()) < float(scores[[1, 3]].min())
    assert in_proportion(torch.zeros(3), 1.0, generator(0)).tolist() == [0.0] * 3
    assert in_proportion(torch.zeros(0), 1.0, generator(0)).tolist() == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_best_of_a_million_are_told_apart(dtype: torch.dtype) -> None:
    """Noise of single precision has 17 million values, and the same one for many of a million."""
    scores = in_proportion(torch.ones(1_000_000, dtype=dtype), 1.0, generator(0, "many"))
    assert scores.dtype == dtype
    assert len(scores.topk(200).values.unique()) == 200
    if dtype == torch.float64:
        assert len(scores.unique()) == 1_000_000


def test_only_the_stream_decides() -> None:
    worth = torch.rand(50, generator=generator(0, "worth"))
    first = in_proportion(worth, 1.0, generator(1))
    assert torch.equal(in_proportion(worth, 1.0, generator(1)), first)
    assert not torch.equal(in_proportion(worth, 1.0, generator(2)), first)
    before = torch.get_rng_state()
    in_proportion(worth, 1.0, generator(1))
    assert torch.equal(torch.get_rng_state(), before)


def test_each_place_is_drawn_with_just_its_chance() -> None:
    chances = torch.tensor([0.25, 1.0, 0.0, 0.55, 0.5, 0.7])
    stream = generator(0, "chances")
    draws = torch.stack([by_chances(chances, stream) for _ in range(DRAWS)])
    assert draws.shape == (DRAWS, 3)
    assert all(len(draw.unique()) == 3 for draw in draws)
    found = draws.flatten().bincount(minlength=6) / DRAWS
    torch.testing.assert_close(found, chances, rtol=0, atol=0.04)


def test_what_is_certain_is_drawn_and_nothing_of_nothing() -> None:
    assert by_chances(torch.ones(5), generator(0)).sort().values.tolist() == [0, 1, 2, 3, 4]
    assert by_chances(torch.zeros(3), generator(0)).tolist() == []
    thirds = torch.full((9,), 1 / 3)
    for seed in range(200):
        assert len(by_chances(thirds, generator(seed)).unique()) == 3
