"""The search finds what was planted, and nothing where nothing was."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from autoal.model.training import Training
from autoal.search.autoal import AutoAL
from autoal.search.hypergradient import Implicit, Road, Unroll
from autoal.search.paper import Paper
from autoal.search.rehearsal import Rehearsal
from autoal.search.search import Search, agreement, common
from autoal.search.searchnet import ImageWeights, RowWeights, SearchNet, SharedWeights
from autoal.seeding import generator, seeded

CANDIDATES, PLAYED, WIDTH = 4, 100, 6
CENTRES = 2 * torch.eye(4, WIDTH)

ROADS: dict[str, Callable[[], Road]] = {
    "implicit": lambda: Implicit(0.1),
    "unroll": Unroll,
    "paper": Paper,
}
AUTOAL = AutoAL()
SHIPPED: dict[str, Any] = {
    name: getattr(AUTOAL, name) for name in ("relaxation", "steps", "learning_rate", "pull")
}
EVERY_ROAD = pytest.mark.parametrize("road", ROADS)
SEEDS = pytest.mark.parametrize("seed", range(2))


def plant(kind: str, seed: int, plays: int = AUTOAL.stage.count) -> tuple[list[Rehearsal], Tensor]:
    """Rehearsals, and the region of each of their played rows.

    FitNet was taught two classes; the pool holds two others as well, and these are asked for. So a
    row is useful if it is of another class. Who votes for them: the first candidate, the first in
    one region and the second in the other, or none.
    """
    rehearsals, regions = [], []
    for play in range(plays):
        chance = generator(seed, "planted", play)
        taught, asked = torch.arange(20) % 2, 2 + torch.arange(80) % 2
        played = torch.randint(4, (PLAYED,), generator=chance)
        region = torch.randint(2, (PLAYED,), generator=chance)
        votes = torch.rand(PLAYED, CANDIDATES, generator=chance)
        useful = (played >= 2).float()
        if kind == "one":
            votes[:, 0] = useful
        elif kind == "regions":
            votes[torch.arange(PLAYED), region] = useful
        rows = [
            CENTRES[labels] + torch.randn(len(labels), WIDTH, generator=chance)
            for labels in (taught, played, asked)
        ]
        inputs = 2.0 * one_hot(region, 2) - 1
        rehearsals.append(
            Rehearsal(
                inputs,
                votes,
                PLAYED // 6,
                rows[0],
                taught,
                rows[1],
                played,
                rows[2],
                asked,
                4,
                fitnet(),
            )
        )
        regions.append(region)
    return rehearsals, torch.cat(regions)


def fitnet() -> nn.Module:
    """One that knows the first two classes."""
    network = nn.Linear(WIDTH, 4)
    with torch.no_grad():
        network.weight.zero_()
        network.weight[:2] = CENTRES[:2]
        network.bias.copy_(torch.tensor([0.0, 0.0, -1.0, -1.0]))
    return network


def fit(search: Search) -> Search:
    Training(accelerator="cpu").optimise(search)
    return search


def make_search(net: SearchNet, road: Road, rehearsals: list[Rehearsal], **options: Any) -> Search:
    """As AutoAL makes it, but for the options."""
    return Search(net, road, rehearsals, **SHIPPED | options)


def searched(net: SearchNet, road: Road, rehearsals: list[Rehearsal], **options: Any) -> Search:
    return fit(make_search(net, road, rehearsals, **options))


def shared() -> SharedWeights:
    return SharedWeights(torch.ones(CANDIDATES))


def weights_of(net: SearchNet, rehearsals: list[Rehearsal]) -> Tensor:
    with torch.no_grad():
        return torch.cat([net(play.inputs, play.votes) for play in rehearsals])


@SEEDS
@EVERY_ROAD
def test_the_candidate_that_knows_is_found(road: str, seed: int) -> None:
    rehearsals, _ = plant("one", seed)
    net = shared()
    searched(net, ROADS[road](), rehearsals)
    assert float(weights_of(net, rehearsals)[0, 0]) > 0.8


@SEEDS
@EVERY_ROAD
def test_no_candidate_is_preferred_where_none_knows(road: str, seed: int) -> None:
    rehearsals, _ = plant("none", seed)
    net = shared()
    searched(net, ROADS[road](), rehearsals)
    assert float(weights_of(net, rehearsals)[0].max()) < 0.5


@SEEDS
@EVERY_ROAD
def test_weights_of_rows_follow_who_knows_where(road: str, seed: int) -> None:
    rehearsals, region = plant("regions", seed, plays=16)  # what tells regions apart takes more
    with seeded(seed, "searchnet"):
        net = RowWeights(torch.ones(CANDIDATES), width=2)
    searched(net, ROADS[road](), rehearsals)
    weights = weights_of(net, rehearsals)
    assert float(weights[region == 0, 0].mean()) > 0.8
    assert float(weights[region == 1, 1].mean()) > 0.8


@SEEDS
@EVERY_ROAD
def test_weights_of_rows_stay_even_where_none_knows(road: str, seed: int) -> None:
    rehearsals, _ = plant("none", seed, plays=16)
    with seeded(seed, "searchnet"):
        net = RowWeights(torch.ones(CANDIDATES), width=2)
    searched(net, ROADS[road](), rehearsals)
    assert float(weights_of(net, rehearsals).max()) < 0.5


@pytest.mark.usefixtures("shallow")
def test_weights_of_images_stay_even_where_none_knows() -> None:
    """With millions of parameters, of which chance alone would move many."""
    images, few = generator(0, "images"), 24
    rehearsals = [
        replace(
            rehearsal,
            inputs=torch.randint(256, (few, 1, 8, 8), generator=images, dtype=torch.uint8),
            votes=rehearsal.votes[:few],
            budget=few // 6,
            played=rehearsal.played[:few],
            played_labels=rehearsal.played_labels[:few],
        )
        for rehearsal in plant("none", 0, plays=4)[0]
    ]
    with seeded(0, "searchnet"):
        net = ImageWeights(torch.ones(CANDIDATES), channels=1).eval()
    searched(net, Paper(), rehearsals, steps=3, pull=0.0)
    assert float(weights_of(net, rehearsals).max()) < 0.5


SEEMING = 6  # seed of noise on which rehearsals seem to agree at the first step


class Noise(Road):
    """A road that tells nothing: gradients at random."""

    def __init__(self, seed: int = 0) -> None:
        self.chance = generator(seed, "noise")

    def __call__(self, shares: Tensor, rehearsal: Rehearsal) -> tuple[float, Tensor]:
        return 1.0, torch.randn(len(shares), generator=self.chance)


class Scripted(Road):
    """A road that says of the rehearsals in turn what it was given, and remembers the questions."""

    def __init__(self, *said: float) -> None:
        self.said = said
        self.asked: list[Tensor] = []

    def __call__(self, shares: Tensor, rehearsal: Rehearsal) -> tuple[float, Tensor]:
        self.asked.append(shares)
        said = self.said[(len(self.asked) - 1) % len(self.said)]
        return said, said * rehearsal.votes[:, 0]


def test_the_pull_keeps_weights_at_the_prior_where_gradients_are_noise() -> None:
    rehearsals, _ = plant("none", 0, plays=4)
    away = {}
    for pull in (0.0, 2.0, 8.0):
        net = SharedWeights(torch.tensor([4.0, 1.0, 2.0, 1.0]))
        searched(net, Noise(SEEMING), rehearsals, steps=60, pull=pull)
        away[pull] = float((weights_of(net, rehearsals)[0] - net.prior).abs().max())
    assert away[0.0] > 1.5 * away[2.0] > 1.5 * away[8.0] > 0
    assert away[2.0] < 0.1


def test_without_agreement_weights_return_to_the_prior() -> None:
    net = SharedWeights(torch.tensor([4.0, 1.0, 2.0, 1.0]))
    with torch.no_grad():
        net.logits.copy_(torch.tensor([-2.0, 2.0, 0.0, 0.0]))
    rehearsals, _ = plant("none", 0, plays=2)
    searched(net, Scripted(0.0, 0.0), rehearsals, steps=300, learning_rate=0.5)
    torch.testing.assert_close(weights_of(net, rehearsals)[0], net.prior, rtol=0, atol=1e-3)


@EVERY_ROAD
def test_the_loss_on_checked_rows_falls(road: str) -> None:
    rehearsals, _ = plant("one", 0, plays=8)
    search = searched(shared(), ROADS[road](), rehearsals, steps=20)
    assert search.losses[-1] < search.losses[0] - 0.01


@EVERY_ROAD
def test_the_same_search_ends_the_same(road: str) -> None:
    ends = []
    for _ in range(2):
        rehearsals, _ = plant("regions", 3, plays=3)
        with seeded(3, "searchnet"):
            net = RowWeights(torch.ones(CANDIDATES), width=2)
        with seeded(3, "search"):
            search = searched(net, ROADS[road](), rehearsals, steps=4)
        ends.append((weights_of(net, rehearsals), search.losses, search.gradients))
    assert torch.equal(ends[0][0], ends[1][0])
    assert ends[0][1:] == ends[1][1:]


def slope(search: Search, rehearsal: Rehearsal, said: float) -> Tensor:
    """SearchNet's gradient at the first step, if the road tells so much of the first candidate."""
    weights = search.searchnet(rehearsal.inputs, rehearsal.votes)
    shares = search.relaxed((weights * rehearsal.votes).sum(1), rehearsal, 0)
    parameters = list(search.searchnet.parameters())
    parts = torch.autograd.grad(shares, parameters, said * rehearsal.votes[:, 0])
    return torch.cat([part.flatten() for part in parts])


def test_losses_and_gradients_are_those_of_each_step() -> None:
    rehearsals, _ = plant("one", 0, plays=8)
    net = shared()
    road = Scripted(*(1.0, 2.0) * 4)
    search = make_search(net, road, rehearsals, steps=3)
    slopes = []
    for rehearsal, said in zip(rehearsals, road.said, strict=True):
        slopes.append(slope(search, rehearsal, said))
    fit(search)
    assert search.losses == [1.5] * 3
    assert len(search.gradients) == 3
    assert search.gradients[0] == pytest.approx(float(torch.stack(slopes).mean(0).norm()))


@pytest.mark.parametrize("kind", ["shared", "rows"])
def test_rehearsals_that_agree_on_nothing_are_played_once(kind: str) -> None:
    rehearsals, _ = plant("none", 0, plays=4)
    net = shared() if kind == "shared" else RowWeights(torch.ones(CANDIDATES), width=2)
    search = searched(net, Scripted(1.0, -1.0), rehearsals, steps=5)
    assert len(search.losses) == 1
    torch.testing.assert_close(weights_of(net, rehearsals)[0], net.prior)


def test_fitnets_that_go_on_learning_are_played_to_the_end() -> None:
    rehearsals, _ = plant("none", 0, plays=4)
    road = Scripted(1.0, -1.0)
    road.learns = True
    assert len(searched(shared(), road, rehearsals, steps=5).losses) == 5
    assert Paper.learns
    assert not Implicit.learns


def test_a_step_moves_by_what_is_agreed_and_the_pull() -> None:
    rehearsals, _ = plant("one", 0, plays=3)
    net = SharedWeights(torch.tensor([4.0, 1.0, 2.0, 1.0]))
    with torch.no_grad():
        net.logits.copy_(torch.tensor([0.3, 0.0, 0.0, -0.5]))
    road = Scripted(1.0, 1.5, 2.0)
    search = make_search(net, road, rehearsals, steps=1, learning_rate=0.01, pull=3.0)
    start = net.logits.detach().clone()
    slopes = []
    for rehearsal, said in zip(rehearsals, road.said, strict=True):
        slopes.append(slope(search, rehearsal, said))
    weights = (net.prior.log() + net.logits).softmax(0)
    divergence = (weights * (weights / net.prior).log()).sum()
    (pull,) = torch.autograd.grad(divergence, net.logits)
    fit(search)
    expected = start - 0.01 * (agreement(torch.stack(slopes)) + 3.0 * pull)
    torch.testing.assert_close(net.logits.detach(), expected)


def test_the_choice_hardens_over_the_steps() -> None:
    rehearsals, _ = plant("one", 0, plays=8)
    road = Scripted(*[1.0] * 8)
    searched(shared(), road, rehearsals, steps=5, temperature=(1.0, 0.01))
    softness = [float((shares * (1 - shares)).sum()) for shares in road.asked[::8]]
    assert len(softness) == 5
    assert softness == sorted(softness, reverse=True)
    assert softness[-1] < 0.1 * softness[0]
    for shares in road.asked:
        assert float(shares.sum()) == pytest.approx(PLAYED // 6, abs=0.01)
        assert not shares.requires_grad


def test_the_relaxation_is_that_of_the_name() -> None:
    rehearsals, _ = plant("one", 0, plays=2)
    top, mixture = (
        make_search(shared(), Noise(), rehearsals, relaxation=name).shares(rehearsals[0], 0)
        for name in ("top", "mixture")
    )
    assert not torch.allclose(top, mixture)
    with pytest.raises(KeyError, match="none"):
        make_search(shared(), Noise(), rehearsals, relaxation="none")


def test_candidates_that_agree_on_all_rows_are_no_trouble() -> None:
    rehearsals, _ = plant("none", 0, plays=2)
    for rehearsal in rehearsals:
        rehearsal.votes.fill_(0.5)  # no spread to measure the temperature in
    net = shared()
    search = searched(net, Implicit(0.1), rehearsals, steps=2)
    assert all(math.isfinite(value) for value in search.losses + search.gradients)
    assert weights_of(net, rehearsals)[0].tolist() == [0.25] * 4


@pytest.mark.parametrize("plays", [0, 1])
def test_a_search_needs_rehearsals_that_can_agree(plays: int) -> None:
    rehearsals = plant("none", 0, plays=1)[0][:plays]
    with pytest.raises(ValueError, match=f"at least 2 rehearsals, got {plays}"):
        make_search(shared(), Noise(), rehearsals)


def test_agreement_by_hand() -> None:
    # Mean 19 and a standard error of 1. Of two, t passes c = tan(.97725 pi - pi / 2) = 13.968 by
    # chance in .0455 of all cases: 19 - c^2 / 19.
    found = agreement(torch.tensor([[18.0], [20.0]]))
    torch.testing.assert_close(found, torch.tensor([8.731]), rtol=1e-3, atol=0)
    # Mean 6, deviation 2 and three of them: t = 6 sqrt(3) / 2 = 5.196152; c = .9545 sqrt(2 / (1 -
    # .9545^2)) = 4.5265, and 5.196152 - c^2 / 5.196152 = 1.2530.
    found = agreement(torch.tensor([[4.0], [6.0], [8.0]]))
    torch.testing.assert_close(found, torch.tensor([1.2530]), rtol=1e-3, atol=0)


def test_agreement_is_none_where_chance_would_do() -> None:
    shift = torch.tensor([-13.9, -2.0, 0.0, 2.0, 13.9])  # in standard errors
    assert agreement(torch.stack([shift - 1, shift + 1])).tolist() == [0.0] * 5
    barely = agreement(torch.tensor([[13.1], [15.1]]))
    assert 0 < float(barely) < 0.27  # 14.1 - 13.968^2 / 14.1 = .263
    many = torch.randn(16, 10_000, generator=generator(0, "chance"))
    assert float((agreement(many) != 0).float().mean()) == pytest.approx(0.0455, abs=0.01)


def test_agreement_keeps_the_sign_and_forgets_the_scale() -> None:
    gradients = 1 + 0.3 * torch.randn(8, 5, 3, generator=generator(0, "gradients"))
    found = agreement(gradients)
    assert found.shape == (5, 3)
    assert (found > 0).all()
    torch.testing.assert_close(agreement(-gradients), -found)
    for scale in (1e-6, 1e6):
        torch.testing.assert_close(agreement(scale * gradients), found, rtol=1e-4, atol=1e-4)


def test_common_by_hand() -> None:
    # The products are 2, 2 and 6, each twice: 20 / sqrt(2 x 2 x 44); three are never sure of it.
    three = torch.tensor([[1.0, 0.0], [2.0, 1.0], [2.0, 2.0]])
    assert 20 / math.sqrt(4 * 44) < 2
    assert common(three) == 0
    # Equal ones: sqrt(n (n - 1) / 2) = 2.449 for four of them, less 4 / 2.449.
    four = torch.tensor([[3.0, -1.0]]).expand(4, -1)
    assert common(four) == pytest.approx(math.sqrt(6) - 4 / math.sqrt(6), rel=1e-5)
    assert common(-1e6 * four) == pytest.approx(common(four), rel=1e-5)
    assert common(torch.zeros(4, 2)) == 0


@pytest.mark.parametrize("width", [1, 10, 10_000])
def test_common_is_seldom_sure_of_noise(width: int) -> None:
    chance = generator(0, "common")
    sure = [common(torch.randn(8, width, generator=chance)) > 0 for _ in range(1000)]
    assert sum(sure) < 80


def test_a_step_of_all_parameters_moves_the_logits_as_far_as_all_agree() -> None:
    rehearsals, _ = plant("regions", 0, plays=5)
    with seeded(0, "searchnet"):
        net = RowWeights(torch.ones(CANDIDATES), width=2)
    said = Scripted(1.0, 1.0, 1.0, 1.0, 1.0)
    search = make_search(net, said, rehearsals, steps=1, learning_rate=1e-3)
    slopes = []
    for rehearsal in rehearsals:
        slopes.append(slope(search, rehearsal, 1.0))
    sure = common(torch.stack(slopes))
    assert sure > 1
    fit(search)
    with torch.no_grad():
        logits = torch.cat([net.deviation(play.inputs, play.votes) for play in rehearsals])
    assert float(logits.square().sum(1).mean().sqrt()) == pytest.approx(1e-3 * sure, rel=1e-2)


def test_agreement_is_bounded() -> None:
    equal = torch.tensor([[3.0, -3.0, 0.0]]).expand(4, -1)
    assert agreement(equal).tolist() == [10.0, -10.0, 0.0]
    assert agreement(torch.zeros(4, 2)).tolist() == [0.0, 0.0]
