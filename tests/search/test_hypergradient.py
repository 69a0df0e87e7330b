"""The gradient of every road against finite differences, or against its own definition."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from autoal.maths.slopes import with_intercept
from autoal.search import hypergradient
from autoal.search.hypergradient import (
    MOMENTUM,
    Implicit,
    Road,
    Unroll,
    demand_optimizer,
    training_weights,
    unrolled,
)
from autoal.search.paper import Paper
from autoal.search.rehearsal import Rehearsal
from autoal.search.relax import RELAXATIONS
from autoal.search.searchnet import RowWeights, SearchNet, SharedWeights
from autoal.seeding import generator, seeded
from tests.maths.alone import Regression

TAUGHT, PLAYED, CHECK, CLASSES, CANDIDATES = 9, 14, 12, 3, 4

Loss = Callable[[Tensor, Rehearsal], float]


@dataclass(frozen=True)
class Steps(Road):
    """Those of SGD that are unrolled, with any momentum: `Unroll` has one of its own."""

    count: int = 3
    learning_rate: float = 0.1
    momentum: float = MOMENTUM

    def __call__(self, shares: Tensor, rehearsal: Rehearsal) -> tuple[float, Tensor]:
        if self.momentum == MOMENTUM:
            return Unroll(self.count, self.learning_rate)(shares, rehearsal)
        loss, gradient = unrolled(self.optimizer(rehearsal.fitnet), self.count, shares, rehearsal)
        return float(loss), gradient

    def optimizer(self, network: nn.Module) -> torch.optim.SGD:
        return torch.optim.SGD(network.parameters(), self.learning_rate, self.momentum)


def rehearse(*shape: int, fitnet: nn.Module | None = None, taught: int = TAUGHT) -> Rehearsal:
    """Rows of some shape whose classes overlap, in double precision."""
    chance = generator(0, "rehearsal", len(shape))

    def draw(count: int) -> tuple[Tensor, Tensor]:
        labels = torch.randint(CLASSES, (count,), generator=chance)
        rows = torch.randn(count, *shape, generator=chance, dtype=torch.float64)
        return rows + 0.5 * labels.reshape(-1, *[1] * len(shape)), labels

    rows, labels = draw(TAUGHT)
    return Rehearsal(
        torch.randn(PLAYED, 5, generator=chance, dtype=torch.float64),
        torch.rand(PLAYED, CANDIDATES, generator=chance, dtype=torch.float64),
        4,
        rows[:taught],
        labels[:taught],
        *draw(PLAYED),
        *draw(CHECK),
        CLASSES,
        nn.Identity() if fitnet is None else fitnet,
    )


def images(taught: int = TAUGHT) -> Rehearsal:
    """Images for a network whose normalisation looks at the whole batch."""
    with seeded(0, "fitnet"):
        network = nn.Sequential(
            nn.Conv2d(1, 3, 3),
            nn.BatchNorm2d(3),
            nn.Tanh(),
            nn.Flatten(),
            nn.Linear(3 * 4, CLASSES),
        )
    return rehearse(1, 4, 4, fitnet=network.double().train(), taught=taught)


def linear() -> Rehearsal:
    with seeded(0, "fitnet"):
        return rehearse(6, fitnet=nn.Linear(6, CLASSES).double())


def to(dtype: torch.dtype, rehearsal: Rehearsal) -> Rehearsal:
    """The rows and FitNet in another precision."""
    rows = {name: getattr(rehearsal, name).to(dtype) for name in ("taught", "played", "check")}
    return replace(rehearsal, fitnet=rehearsal.fitnet.to(dtype), **rows)


def searchnet(kind: str) -> SearchNet:
    """One that has left its prior, so that gradients reach all of its parameters."""
    prior = torch.tensor([2.0, 1.0, 1.0, 1.0], dtype=torch.float64)
    with seeded(0, "searchnet"):
        net = SharedWeights(prior) if kind == "shared" else RowWeights(prior, 5, hidden=3)
        net = net.double()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(0.5 * torch.randn_like(parameter))
    return net


def counting(shares: Tensor, rehearsal: Rehearsal) -> Tensor:
    """How much each row counts: all that are taught, shares of the others, as far as believed."""
    weights = torch.cat([torch.ones(len(rehearsal.taught)).double(), shares])
    return weights if rehearsal.trust is None else weights * rehearsal.trust


def retrained(shares: Tensor, rehearsal: Rehearsal) -> float:
    """The loss on the checked rows after training the head anew, by definition."""
    weights = counting(shares, rehearsal)
    rows = with_intercept(torch.cat([rehearsal.taught, rehearsal.played]))
    labels = torch.cat([rehearsal.taught_labels, rehearsal.played_labels])
    head = Regression(rows, labels, CLASSES, weights / weights.sum(), 1e-2)
    theta = head.minimise(tolerance=1e-13)
    return float(cross_entropy(with_intercept(rehearsal.check) @ theta.T, rehearsal.check_labels))


def trained(steps: Steps) -> Loss:
    """The loss on the checked rows after some steps of torch's own optimiser on a copy."""

    def loss(shares: Tensor, rehearsal: Rehearsal) -> float:
        network = copy.deepcopy(rehearsal.fitnet)
        optimizer = steps.optimizer(network)
        rows = torch.cat([rehearsal.taught, rehearsal.played])
        labels = torch.cat([rehearsal.taught_labels, rehearsal.played_labels])
        weights = counting(shares, rehearsal)
        for _ in range(steps.count):
            optimizer.zero_grad()
            with torch.enable_grad():
                losses = cross_entropy(network(rows), labels, reduction="none")
                (losses @ weights / weights.sum()).backward()
            optimizer.step()
        with torch.no_grad():
            return float(cross_entropy(network(rehearsal.check), rehearsal.check_labels))

    return loss


def choose(net: SearchNet, relaxation: str, rehearsal: Rehearsal) -> Tensor:
    worth = (net(rehearsal.inputs, rehearsal.votes) * rehearsal.votes).sum(1)
    return RELAXATIONS[relaxation](worth, rehearsal.budget, 0.2)


def exact() -> Implicit:
    """As near to the optimum as differences can tell."""
    return Implicit(1e-2, optimum=1e-9, slope=1e-7)


def check_gradient(
    road: Road, loss: Loss, rehearsal: Rehearsal, kind: str, relaxation: str = "top"
) -> None:
    """From SearchNet's parameters to the loss: the road's gradient against differences."""
    net = searchnet(kind)
    shares = choose(net, relaxation, rehearsal)
    value, slope = road(shares.detach(), rehearsal)
    assert value == pytest.approx(loss(shares.detach(), rehearsal), rel=1e-9)
    assert slope.shape == shares.shape
    found = parameters_to_vector(torch.autograd.grad(shares, list(net.parameters()), slope))
    here = parameters_to_vector(net.parameters()).detach()
    measured = torch.zeros_like(here)

    def at(point: Tensor) -> float:
        vector_to_parameters(point, net.parameters())
        with torch.no_grad():
            return loss(choose(net, relaxation, rehearsal), rehearsal)

    for place in range(len(here)):
        step = torch.zeros_like(here)
        step[place] = 1e-5
        measured[place] = (at(here + step) - at(here - step)) / 2e-5
    assert float(measured.norm()) > 1e-5  # there is a gradient to be found
    assert float((found - measured).norm() / measured.norm()) < 1e-5


@pytest.mark.parametrize("taught", [TAUGHT, 0])
@pytest.mark.parametrize("kind", ["shared", "rows"])
def test_the_implicit_gradient_equals_differences_through_full_training(
    kind: str, taught: int
) -> None:
    check_gradient(exact(), retrained, rehearse(6, taught=taught), kind)


STEPS = [
    Steps(count, learning_rate, momentum)
    for count in (1, 3)
    for learning_rate, momentum in ((0.3, 0.0), (0.1, 0.9))
]
SOME_STEPS = pytest.mark.parametrize(
    "steps", STEPS, ids=lambda steps: f"{steps.count}-{steps.momentum}"
)


@SOME_STEPS
@pytest.mark.parametrize("kind", ["shared", "rows"])
def test_the_unrolled_gradient_equals_differences_through_its_steps(
    kind: str, steps: Steps
) -> None:
    check_gradient(steps, trained(steps), images(), kind)


def test_the_unrolled_gradient_needs_no_taught_rows() -> None:
    check_gradient(Unroll(), trained(Steps()), images(taught=0), "rows")


# The threshold of the mixture is not part of its gradient: differences do not tell.
@pytest.mark.parametrize("road", [Implicit(), Unroll()], ids=["implicit", "unroll"])
def test_a_gradient_passes_the_mixture(road: Road) -> None:
    net, rehearsal = searchnet("rows"), linear()
    shares = choose(net, "mixture", rehearsal)
    _, slope = road(shares.detach(), rehearsal)
    for gradient in torch.autograd.grad(shares, list(net.parameters()), slope):
        assert gradient.isfinite().all()
        assert gradient.any()


def by_hand(steps: Steps, shares: Tensor, rehearsal: Rehearsal) -> tuple[Tensor, Tensor]:
    """The unrolled loss and gradient without `higher`."""
    network = rehearsal.fitnet
    names = [name for name, _ in network.named_parameters()]
    state: dict[str, Tensor] = {name: p.clone() for name, p in network.named_parameters()}
    state |= {name: buffer.clone() for name, buffer in network.named_buffers()}
    shares = shares.detach().requires_grad_()
    rows = torch.cat([rehearsal.taught, rehearsal.played])
    labels = torch.cat([rehearsal.taught_labels, rehearsal.played_labels])
    raw = torch.cat([torch.ones(len(rehearsal.taught)).to(shares), shares])
    weights = raw / raw.sum()
    momenta: list[Tensor] | None = None
    for _ in range(steps.count):
        losses = cross_entropy(functional_call(network, state, rows), labels, reduction="none")
        slopes = torch.autograd.grad(
            weights @ losses, [state[name] for name in names], create_graph=True
        )
        if momenta is None or not steps.momentum:
            momenta = list(slopes)
        else:
            pairs = zip(momenta, slopes, strict=True)
            momenta = [momentum * steps.momentum + slope for momentum, slope in pairs]
        for name, momentum in zip(names, momenta, strict=True):
            state[name] = state[name] + -steps.learning_rate * momentum
    checked = functional_call(network, state, rehearsal.check)
    loss = cross_entropy(checked, rehearsal.check_labels)
    return loss.detach(), torch.autograd.grad(loss, shares)[0]


@SOME_STEPS
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_unrolled_gradient_is_bitwise_that_of_a_loop_by_hand(
    steps: Steps, dtype: torch.dtype
) -> None:
    rehearsal = images()
    shares = choose(searchnet("rows"), "top", rehearsal).detach().to(dtype)
    rehearsal = to(dtype, rehearsal)
    loss, gradient = steps(shares, rehearsal)
    expected, slope = by_hand(steps, shares, rehearsal)
    assert loss == float(expected)
    assert gradient.dtype == dtype
    assert torch.equal(gradient, slope)


def test_unrolling_leaves_fitnet_and_the_shares_as_they_were() -> None:
    rehearsal = images()
    fitnet = rehearsal.fitnet
    for parameter in fitnet.parameters():
        parameter.grad = torch.full_like(parameter, 7)
    before = copy.deepcopy(fitnet.state_dict())
    shares = choose(searchnet("rows"), "top", rehearsal).detach()
    first = Unroll()(shares, rehearsal)
    assert not shares.requires_grad
    assert all(torch.equal(before[name], now) for name, now in fitnet.state_dict().items())
    for parameter in fitnet.parameters():
        assert parameter.grad is not None
        assert torch.equal(parameter.grad, torch.full_like(parameter, 7))
    again = Unroll()(shares, rehearsal)
    assert first[0] == again[0]
    assert torch.equal(first[1], again[1])


def test_a_gradient_is_found_where_none_is_recorded() -> None:
    """Lightning may call a road where gradients are switched off."""
    rehearsal = linear()
    shares = torch.full((PLAYED,), 0.3, dtype=torch.float64)
    roads: list[Callable[[], Road]] = [Implicit, Unroll, Paper]
    for make in roads:
        expected = make()(shares, copy.deepcopy(rehearsal))
        with torch.no_grad():
            found = make()(shares, copy.deepcopy(rehearsal))
        assert found[0] == expected[0]
        assert torch.equal(found[1], expected[1])


@pytest.mark.parametrize("make", [Implicit, Unroll, Paper], ids=["implicit", "unroll", "paper"])
def test_single_precision_serves_too(make: Callable[[], Road]) -> None:
    rehearsal = to(torch.float32, linear())
    _, gradient = make()(torch.full((PLAYED,), 0.3), rehearsal)
    assert gradient.dtype == torch.float32
    assert gradient.shape == (PLAYED,)
    assert gradient.isfinite().all()
    assert not gradient.requires_grad


@pytest.mark.parametrize("make", [Implicit, Unroll], ids=["implicit", "unroll"])
def test_all_shares_together_change_nothing_where_no_row_is_taught(
    make: Callable[[], Road],
) -> None:
    """Only the proportions matter: the shares are no learning rate."""
    rehearsal = linear()
    rehearsal = replace(
        rehearsal, taught=rehearsal.taught[:0], taught_labels=rehearsal.taught_labels[:0]
    )
    shares = torch.rand(PLAYED, generator=generator(0, "shares"), dtype=torch.float64)
    loss, gradient = make()(shares, rehearsal)
    assert make()(3 * shares, rehearsal)[0] == pytest.approx(loss, rel=1e-9)
    assert float(shares @ gradient) == pytest.approx(0, abs=1e-9 * float(gradient.norm()))


def test_the_usual_precision_is_that_of_a_thousandth() -> None:
    shares = torch.full((PLAYED,), 0.3, dtype=torch.float64)
    (loss, gradient), (optimum, slope) = (
        road(shares, rehearse(6)) for road in (Implicit(1e-2), exact())
    )
    assert loss == pytest.approx(optimum, rel=1e-6)
    assert float((gradient - slope).norm()) < 2e-3 * float(slope.norm())


def test_no_shares_at_all_leave_the_taught_rows() -> None:
    rehearsal = rehearse(6)
    loss, gradient = exact()(torch.zeros(PLAYED, dtype=torch.float64), rehearsal)
    alone = retrained(torch.zeros(PLAYED, dtype=torch.float64), rehearsal)
    assert loss == pytest.approx(alone, rel=1e-9)
    step = 1e-6 * torch.eye(PLAYED, dtype=torch.float64)[0]
    rise = (retrained(step, rehearsal) - alone) / 1e-6
    assert float(gradient[0]) == pytest.approx(rise, rel=1e-3)


def test_training_weights_sum_to_one() -> None:
    weights, total = training_weights(
        torch.tensor([0.5, 0.0, 1.0, 0.5]), torch.ones(2), torch.ones(4)
    )
    assert weights.tolist() == [0.25, 0.25, 0.125, 0.0, 0.25, 0.125]
    assert float(total) == 4
    shares = torch.rand(30, generator=generator(0, "shares"))
    for taught in (0, 1, 10):
        weights, total = training_weights(shares, torch.ones(taught), torch.ones(30))
        assert float(weights.sum()) == pytest.approx(1, abs=1e-6)
        torch.testing.assert_close(weights[taught:] * total, shares)
    weights, _ = training_weights(torch.zeros(3), torch.ones(0), torch.ones(3))
    assert weights.tolist() == [0.0] * 3  # and no division by zero


def doubting(rehearsal: Rehearsal) -> Rehearsal:
    """The same where some labels of both parts are in doubt, and one is not believed at all."""
    trust = torch.rand(TAUGHT + PLAYED, generator=generator(0, "trust")).double()
    trust[-1] = 0
    return replace(rehearsal, trust=trust)


def test_where_labels_are_in_doubt_the_implicit_gradient_equals_differences() -> None:
    check_gradient(exact(), retrained, doubting(rehearse(6)), "shared")


def test_where_labels_are_in_doubt_the_unrolled_gradient_equals_differences() -> None:
    steps = Steps()
    check_gradient(steps, trained(steps), doubting(linear()), "shared")


def test_a_label_that_is_in_doubt_pulls_the_less() -> None:
    """By its trust, where all else is as it was: the last row is not chosen yet."""
    sure, shares = rehearse(6), torch.full((PLAYED,), 0.5).double()
    shares[-1] = 0
    pulls = []
    for last in (1.0, 0.25, 0.0):
        trust = torch.ones(TAUGHT + PLAYED).double()
        trust[-1] = last
        _, gradient = exact()(shares, replace(sure, trust=trust))
        pulls.append(float(gradient[-1]))
    assert abs(pulls[0]) > 1e-4
    assert pulls[1:] == pytest.approx([0.25 * pulls[0], 0.0], abs=1e-9)


class Mine(torch.optim.SGD):
    """Steps that could be anything."""


REFUSED = ["Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "Rprop", "Adagrad", "Adadelta", "Adamax"]


@pytest.mark.parametrize("name", [*REFUSED, "ASGD", "LBFGS", "SparseAdam", "Mine"])
def test_optimisers_that_higher_gets_wrong_are_refused_by_name(name: str) -> None:
    make = Mine if name == "Mine" else getattr(torch.optim, name)
    optimizer = make([nn.Parameter(torch.zeros(2))], lr=0.1)
    with pytest.raises(ValueError, match=f"trusted with {name}: the unrolled steps must be"):
        demand_optimizer(optimizer)


def test_sgd_that_climbs_is_refused() -> None:
    parameters: list[dict[str, Any]] = [
        {"params": [nn.Parameter(torch.zeros(2))]},
        {"params": [nn.Parameter(torch.zeros(2))], "maximize": True},
    ]
    with pytest.raises(ValueError, match="`higher` ignores SGD's option maximize"):
        demand_optimizer(torch.optim.SGD(parameters, lr=0.1))


def test_the_inner_optimiser_is_plain_sgd(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[tuple[torch.optim.Optimizer, int]] = []

    def watched(
        optimizer: torch.optim.Optimizer, steps: int, *others: Any
    ) -> tuple[Tensor, Tensor]:
        used.append((optimizer, steps))
        return unrolled(optimizer, steps, *others)

    monkeypatch.setattr(hypergradient, "unrolled", watched)
    rehearsal = linear()
    Unroll(2, 0.3)(torch.full((PLAYED,), 0.3, dtype=torch.float64), rehearsal)
    ((optimizer, steps),) = used
    demand_optimizer(optimizer)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["momentum"], steps) == (0.3, 0.9, 2)
    assert list(group["params"]) == list(rehearsal.fitnet.parameters())


@pytest.mark.parametrize("steps", [0, -1])
def test_unrolling_no_steps_is_refused(steps: int) -> None:
    with pytest.raises(ValueError, match=rf"`unroll\.steps` must be at least 1 .*, got {steps}"):
        Unroll(steps)


def test_fitnet_stays_where_it_is_on_the_implicit_road() -> None:
    rehearsal = linear()
    before = copy.deepcopy(rehearsal.fitnet.state_dict())
    Implicit()(torch.full((PLAYED,), 0.3, dtype=torch.float64), rehearsal)
    torch.testing.assert_close(rehearsal.fitnet.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize("name", ["played", "check"])
def test_a_rehearsal_without_rows_is_refused(name: str) -> None:
    rehearsal = linear()
    none = {part: getattr(rehearsal, part)[:0] for part in (name, f"{name}_labels")}
    with pytest.raises(ValueError, match=f"needs at least one row in `{name}`"):
        replace(rehearsal, **none)


def test_the_training_of_a_rehearsal_has_the_taught_rows_first() -> None:
    rehearsal = linear()
    rows, labels = rehearsal.training
    assert torch.equal(rows[:TAUGHT], rehearsal.taught)
    assert torch.equal(rows[TAUGHT:], rehearsal.played)
    assert torch.equal(labels[:TAUGHT], rehearsal.taught_labels)
    assert torch.equal(labels[TAUGHT:], rehearsal.played_labels)


def test_rehearsals_side_by_side_are_each_alone() -> None:
    """They share rows, which play other parts in them and have other labels."""
    first = linear()
    second = replace(
        first,
        taught=first.played[:TAUGHT],
        taught_labels=first.played_labels[:TAUGHT],
        played=torch.cat([first.taught, first.taught[:5]]),
        played_labels=torch.cat([first.taught_labels, (first.taught_labels[:5] + 1) % CLASSES]),
    )
    plays = [first, second]
    shares = [torch.rand(PLAYED, generator=generator(place, "shares")).double() for place in (0, 1)]
    road = exact()
    for _ in range(2):  # the second time from where the first ended
        found = road.together(shares, plays)
        for (loss, gradient), own, play in zip(found, shares, plays, strict=True):
            expected, slope = exact()(own, play)
            assert loss == pytest.approx(expected, rel=1e-9)
            torch.testing.assert_close(gradient, slope, rtol=1e-5, atol=1e-9)
        assert road.losses(shares, plays) == pytest.approx([loss for loss, _ in found], rel=1e-9)


@pytest.mark.parametrize("make", [Implicit, Unroll, Paper], ids=["implicit", "unroll", "paper"])
def test_losses_alone_leave_fitnet_as_it_was(make: Callable[[], Road]) -> None:
    rehearsal = linear()
    before = copy.deepcopy(rehearsal.fitnet.state_dict())
    shares = torch.full((PLAYED,), 0.3, dtype=torch.float64)
    (loss,) = make().losses([shares], [rehearsal])
    assert loss == pytest.approx(make()(shares, copy.deepcopy(rehearsal))[0])
    torch.testing.assert_close(rehearsal.fitnet.state_dict(), before, rtol=0, atol=0)
