from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from autoal.search.searchnet import ImageWeights, RowWeights, SearchNet, SharedWeights
from autoal.seeding import generator, seeded

PRIOR = torch.tensor([4.0, 1.0, 2.0, 1.0])
WIDTH = 6
ROWS = torch.randn(5, WIDTH, generator=generator(0, "rows"))
IMAGES = torch.randn(5, 1, 8, 8, generator=generator(0, "images"))
VOTES = torch.rand(5, 4, generator=generator(0, "votes"))

MAKERS: dict[str, Callable[[Tensor], SearchNet]] = {
    "shared": SharedWeights,
    "rows": lambda prior: RowWeights(prior, WIDTH),
    "images": lambda prior: ImageWeights(prior, channels=1),
}
INPUTS = {"shared": ROWS, "rows": ROWS, "images": IMAGES}
ALL = pytest.mark.parametrize("kind", MAKERS)


def made(kind: str, prior: Tensor = PRIOR) -> SearchNet:
    with seeded(0, "searchnet"):
        return MAKERS[kind](prior)


def stirred(kind: str) -> SearchNet:
    """A net that has learnt something."""
    net = made(kind)
    with torch.no_grad(), seeded(0, "stirred"):
        for parameter in net.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
    return net


@ALL
def test_weights_start_at_the_prior_for_every_row(kind: str) -> None:
    weights = made(kind)(INPUTS[kind], VOTES)
    torch.testing.assert_close(weights, torch.tensor([[0.5, 0.125, 0.25, 0.125]]).expand(5, -1))
    assert torch.equal(weights, weights[:1].expand(5, -1))


@ALL
def test_the_prior_is_normalised_and_saved_but_not_learnt(kind: str) -> None:
    net = made(kind)
    assert net.prior.tolist() == [0.5, 0.125, 0.25, 0.125]
    assert "prior" in net.state_dict()
    assert "prior" not in dict(net.named_parameters())


@ALL
def test_weights_sum_to_one_and_are_positive(kind: str) -> None:
    weights = stirred(kind)(INPUTS[kind], VOTES).detach()
    assert weights.shape == (5, 4)
    torch.testing.assert_close(weights.sum(1), torch.ones(5))
    assert (weights > 0).all()
    assert float((weights - made(kind).prior).abs().max()) > 0.01


def test_a_candidate_without_a_prior_has_no_weight() -> None:
    weights = made("shared", torch.tensor([1.0, 0.0, 1.0]))(ROWS, VOTES[:, :3])
    assert weights[0].tolist() == [0.5, 0.0, 0.5]


def test_shared_weights_are_one_vector() -> None:
    net = stirred("shared")
    assert [parameter.shape for parameter in net.parameters()] == [(4,)]
    weights = net(ROWS, VOTES)
    assert torch.equal(weights, weights[:1].expand(5, -1))
    assert torch.equal(weights, net(ROWS.flip(0), VOTES.flip(0)))


@pytest.mark.parametrize("kind", ["rows", "images"])
def test_weights_follow_the_row_once_the_head_has_learnt(kind: str) -> None:
    net = made(kind).eval()
    assert isinstance(net.head, nn.Linear)
    with torch.no_grad(), seeded(0, "head"):
        nn.init.normal_(net.head.weight)
    weights = net(INPUTS[kind], VOTES)
    assert len(weights.unique(dim=0)) == 5
    turned = net(INPUTS[kind].flip(0), VOTES.flip(0))
    torch.testing.assert_close(turned.flip(0), weights)


def test_weights_follow_the_votes_too() -> None:
    net = stirred("rows")
    assert not torch.allclose(net(ROWS, VOTES), net(ROWS, VOTES.flip(0)))


# Through the silent head, nothing reaches the trunk before the first step.
@ALL
def test_gradients_reach_what_learns(kind: str) -> None:
    for net, silent in ((made(kind), ("trunk.",)), (stirred(kind), ())):
        worth = (net(INPUTS[kind], VOTES) * VOTES).sum(1)
        (worth @ torch.tensor([1.0, -1.0, 2.0, 0.0, 0.5])).backward()
        for name, parameter in net.named_parameters():
            assert parameter.grad is not None, name
            assert bool(parameter.grad.any()) != name.startswith(silent), name
