import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from autoal.strategies.bayesian import Bald
from autoal.strategies.power import Falcun, PowerBald, PowerMargin
from autoal.strategies.uncertainty import Margin
from torch import Tensor, nn

from autoal import View, select
from autoal.seeding import generator

MakeView = Callable[..., View]

# 1 less the gap of the two classes: 0.2, 0.4, 0.6, 0.8.
PROBS = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])


def seeded_views(view: View, count: int) -> Iterator[View]:
    """The same rows under this many seeds."""
    return (replace(view, seed=seed) for seed in range(count))


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_the_first_pick_is_drawn_in_proportion_to_the_power(view_of: MakeView, beta: float) -> None:
    strategy, count = PowerMargin(beta), 4000
    views = seeded_views(view_of(PROBS), count)
    picks = [int(strategy.score(view, 1).argmax()) for view in views]
    worth = torch.tensor([0.2, 0.4, 0.6, 0.8]) ** beta
    expected = worth / worth.sum()
    shares = torch.tensor(picks).bincount(minlength=4) / count
    assert float((shares - expected).abs().max()) < 4 * (0.25 / count) ** 0.5


def test_the_second_pick_is_drawn_from_the_others_in_proportion(view_of: MakeView) -> None:
    strategy, views = PowerMargin(), seeded_views(view_of(PROBS), 4000)
    orders = [strategy.score(view, 2).argsort().flip(0) for view in views]
    second = torch.tensor([int(order[1]) for order in orders if int(order[0]) == 3])
    shares = second.bincount(minlength=4)[:3] / len(second)
    expected = torch.tensor([2, 4, 6]) / 12
    assert float((shares - expected).abs().max()) < 4 * (0.25 / len(second)) ** 0.5


def test_the_score_is_a_logarithm_plus_noise_over_beta(view_of: MakeView) -> None:
    view = view_of(PROBS, seed=5)
    logs = torch.tensor([0.2, 0.4, 0.6, 0.8]).log()
    once = PowerMargin(1.0).score(view, 1) - logs
    torch.testing.assert_close(PowerMargin(4.0).score(view, 1) - logs, once / 4)
    uniform = torch.rand(4, generator=view.generator(), dtype=torch.double)
    torch.testing.assert_close(once.double(), -(-uniform.log()).log(), rtol=1e-5, atol=1e-5)


def test_a_large_beta_gives_the_order_of_the_margin(view_of: MakeView) -> None:
    probs = torch.randn(50, 5, generator=generator(0)).softmax(1)
    view = view_of(probs)
    assert torch.equal(PowerMargin(1e6).score(view, 5).argsort(), Margin().score(view, 5).argsort())


def with_draws() -> View:
    """Rows of zeros are the same in all draws, so that they tell nothing apart."""
    embeddings = torch.randn(30, 8, generator=generator(0))
    embeddings[::3] = 0
    head = nn.Linear(8, 4)
    with torch.no_grad():
        head.weight.copy_(torch.randn(4, 8, generator=generator(1)))
        head.bias.copy_(torch.randn(4, generator=generator(2)))
    return View.of(embeddings, head=head, dropout=0.3, seed=3)


def test_power_bald_is_the_logarithm_of_bald_with_noise() -> None:
    view = with_draws()
    bald = Bald().score(view, 5)
    some = bald > 1e-5
    assert int(some.sum()) == 20
    assert torch.equal(PowerBald(1e6).score(view, 5)[some].argsort(), bald[some].argsort())
    noise = (PowerBald(1.0).score(view, 5) - bald.log())[some]
    expected = 2 * (PowerBald(2.0).score(view, 5) - bald.log())[some]
    torch.testing.assert_close(noise, expected, rtol=1e-4, atol=1e-4)


def test_power_bald_by_hand() -> None:
    # Two draws each: opposite ones, which tell ln 2; half way, ln 2 - H(1/4); the same, nothing.
    first = [[1.0, 0.0], [0.5, 0.5], [0.3, 0.7]]
    second = [[0.0, 1.0], [1.0, 0.0], [0.3, 0.7]]
    view = View.of(draws=[first, second])
    half = -0.75 * math.log(0.75) - 0.25 * math.log(0.25) - math.log(2) / 2
    uniform = torch.rand(3, generator=view.generator(), dtype=torch.double)
    noise = -(-uniform.log()).log() / 2  # beta is 2
    expected = torch.tensor([math.log(2), half], dtype=torch.double).log() + noise[:2]
    scores = PowerBald(2.0).score(view, 1)
    torch.testing.assert_close(scores[:2].double(), expected, rtol=1e-5, atol=1e-5)
    assert float(scores[2]) == pytest.approx(float(scores[:2].min()) - 1)


def test_rows_that_are_worth_nothing_come_after_all_others(view_of: MakeView) -> None:
    probs = torch.tensor([[1.0, 0.0], [1 - 1e-4, 1e-4], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    for seed in range(200):
        scores = PowerMargin(0.1).score(view_of(probs, seed=seed), 2)
        assert bool(scores.isfinite().all())
        assert set(scores.argsort()[-2:].tolist()) == {1, 3}


def test_a_pool_that_is_worth_nothing_is_a_tie(view_of: MakeView) -> None:
    probs = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert PowerMargin().score(view_of(probs), 2).tolist() == [0, 0, 0]
    assert len({int(select(PowerMargin(), view_of(probs, seed=s), 1)) for s in range(30)}) == 3


def test_a_pool_of_one_row(view_of: MakeView) -> None:
    assert select(PowerMargin(), view_of(PROBS[:1]), 1).tolist() == [0]


def test_the_global_stream_is_neither_read_nor_moved(view_of: MakeView) -> None:
    torch.manual_seed(1)
    first, after = PowerMargin().score(view_of(PROBS), 1), torch.rand(2)
    torch.manual_seed(2)
    assert torch.equal(PowerMargin().score(view_of(PROBS), 1), first)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(2), after)


def test_each_says_what_it_reads() -> None:
    assert PowerBald.reads == ("draws",)
    assert PowerMargin.reads == ("probs",)


@pytest.mark.parametrize("kind", [PowerBald, PowerMargin])
@pytest.mark.parametrize("beta", [0.0, -1.0, float("nan")])
def test_wrong_options_are_refused(kind: type[PowerBald], beta: float) -> None:
    with pytest.raises(ValueError, match="`beta` must be above 0, got"):
        kind(beta)


def test_no_noise_is_infinite(monkeypatch: pytest.MonkeyPatch, view_of: MakeView) -> None:
    def zeros(count: int, **options: object) -> Tensor:
        return torch.zeros(count, dtype=torch.double)

    view = view_of(PROBS)
    monkeypatch.setattr("autoal.maths.draws.torch.rand", zeros)
    assert bool(PowerMargin().score(view, 1).isfinite().all())


def order_of(view: View, budget: int, gamma: float = 10.0) -> list[int]:
    return Falcun(gamma).score(view, budget).argsort(descending=True)[:budget].tolist()


def test_the_first_pick_of_falcun_is_drawn_by_the_margin(view_of: MakeView) -> None:
    picks = [order_of(view, 1, 2.0)[0] for view in seeded_views(view_of(PROBS), 4000)]
    worth = torch.tensor([0.2, 0.4, 0.6, 0.8]) ** 2
    shares = torch.tensor(picks).bincount(minlength=4) / 4000
    assert float((shares - worth / worth.sum()).abs().max()) < 4 * (0.25 / 4000) ** 0.5


def test_the_second_pick_of_falcun_is_drawn_by_what_is_left(view_of: MakeView) -> None:
    orders = [order_of(view, 2, 2.0) for view in seeded_views(view_of(PROBS), 4000)]
    second = [order[1] for order in orders if order[0] == 3]
    # The distances to the last row are 0.6, 0.4 and 0.2; the margins leave 0.2, 0.4 and 0.6.
    worth = torch.tensor([0.2, 0.4, 0.2]) ** 2
    shares = torch.tensor(second).bincount(minlength=3) / len(second)
    assert float((shares - worth / worth.sum()).abs().max()) < 4 * (0.25 / len(second)) ** 0.5


def test_a_large_gamma_makes_falcun_take_the_row_worth_most(view_of: MakeView) -> None:
    probs = torch.randn(80, 4, generator=generator(0)).softmax(1)
    top = probs.double().topk(2, dim=1).values
    worth, expected = 1 - (top[:, 0] - top[:, 1]), []
    for _ in range(20):
        expected.append(int(worth.argmax()))
        worth = worth.minimum((probs - probs[expected[-1]]).abs().sum(1).double())
    assert order_of(view_of(probs), 20, gamma=1e6) == expected


@pytest.mark.parametrize("factor", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("gamma", [0.1, 10.0, 1e9])
def test_falcun_picks_no_row_twice_however_small_the_worth(
    view_of: MakeView, factor: float, gamma: float
) -> None:
    view = view_of((factor * torch.randn(60, 3, generator=generator(0))).softmax(1))
    scores = Falcun(gamma).score(view, 60)
    assert bool(scores.isfinite().all())
    assert sorted(select(Falcun(gamma), view, 60).tolist()) == list(range(60))
    assert torch.equal(Falcun(gamma).score(view, 60), scores)


def test_rows_of_one_prediction_are_one_pick_of_falcun(view_of: MakeView) -> None:
    probs = torch.tensor([[0.6, 0.4]] * 5 + [[1.0, 0.0]] * 5)
    assert sorted(Falcun().score(view_of(probs), 4).tolist()) == [0.0] * 9 + [1.0]


def test_the_gamma_of_falcun_is_above_0() -> None:
    with pytest.raises(ValueError, match=r"`gamma` must be above 0, got 0\.0"):
        Falcun(0.0)
