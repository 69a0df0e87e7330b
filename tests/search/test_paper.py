"""The published min-max: FitNet's turns by hand, and losses that are really predicted."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from autoal.data.images import Preprocess
from autoal.maths.ranking import LossHead
from autoal.model.networks import Network, Ready, ResNet18
from autoal.search import paper
from autoal.search.paper import Paper
from autoal.search.rehearsal import Rehearsal
from autoal.seeding import generator, seeded

TAUGHT, PLAYED, CHECK, CLASSES, WIDTH = 9, 14, 12, 3, 6


def rehearse(fitnet: nn.Module, *shape: int) -> Rehearsal:
    """Rows whose classes overlap."""
    chance = generator(0, "rehearsal")

    def draw(count: int) -> tuple[Tensor, Tensor]:
        labels = torch.randint(CLASSES, (count,), generator=chance)
        rows = torch.randn(count, *shape, generator=chance)
        return rows + 0.5 * labels.reshape(-1, *[1] * len(shape)), labels

    votes = torch.rand(PLAYED, 2, generator=chance)
    parts = (*draw(TAUGHT), *draw(PLAYED), *draw(CHECK))
    return Rehearsal(votes, votes, 4, *parts, CLASSES, fitnet)


def linear() -> Rehearsal:
    with seeded(0, "fitnet"):
        return rehearse(nn.Linear(WIDTH, CLASSES), WIDTH)


def shares_of(rehearsal: Rehearsal) -> Tensor:
    return torch.rand(len(rehearsal.played), generator=generator(0, "shares"))


def test_the_papers_gradient_favours_rows_of_high_loss() -> None:
    rehearsal = linear()
    shares = shares_of(rehearsal)
    with torch.no_grad():
        logits = rehearsal.fitnet(rehearsal.played)
        losses = cross_entropy(logits, rehearsal.played_labels, reduction="none")
    _, gradient = Paper()(shares, rehearsal)  # of the losses before FitNet's step
    torch.testing.assert_close(gradient, -losses / shares.sum())
    assert (gradient < 0).all()


def test_few_shares_are_not_blown_up_by_the_paper() -> None:
    rehearsal = linear()
    shares = torch.full((PLAYED,), 1e-9)
    _, gradient = Paper()(shares, rehearsal)
    assert 0.1 < float(-gradient.mean()) < 10


def test_the_paper_trains_fitnet_on_what_is_chosen() -> None:
    rehearsal = linear()
    expected = copy.deepcopy(rehearsal.fitnet)
    optimizer = torch.optim.Adam(expected.parameters(), lr=0.005)
    shares = shares_of(rehearsal)
    weights = torch.cat([torch.ones(TAUGHT), shares])
    road = Paper()
    rows, labels = rehearsal.training
    for _ in range(3):
        optimizer.zero_grad()
        losses = cross_entropy(expected(rows), labels, reduction="none")
        (losses @ weights / weights.sum()).backward()
        optimizer.step()
        loss, _ = road(shares, rehearsal)
        torch.testing.assert_close(rehearsal.fitnet.state_dict(), expected.state_dict())
        with torch.no_grad():  # the loss on the checked rows comes after the step
            checked = cross_entropy(expected(rehearsal.check), rehearsal.check_labels)
        assert loss == pytest.approx(float(checked))


def test_an_epoch_of_many_rows_is_made_of_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "BATCH", 10)
    rehearsal, shares = linear(), torch.full((PLAYED,), 0.3)
    expected = copy.deepcopy(rehearsal.fitnet)
    optimizer = torch.optim.Adam(expected.parameters(), lr=0.005)
    rows, labels = rehearsal.training
    weights = torch.cat([torch.ones(TAUGHT), shares])
    weights /= weights.sum()
    before = torch.zeros(len(rows))
    with seeded(0, "epoch"):
        order = torch.randperm(len(rows))
    for batch in (order[:8], order[8:16], order[16:]):  # 23 rows in three batches
        losses = cross_entropy(expected(rows[batch]), labels[batch], reduction="none")
        before[batch] = losses.detach()
        optimizer.zero_grad()
        (3 * (losses @ weights[batch])).backward()
        optimizer.step()
    with seeded(0, "epoch"):
        _, gradient = Paper()(shares, rehearsal)
    torch.testing.assert_close(rehearsal.fitnet.state_dict(), expected.state_dict())
    torch.testing.assert_close(gradient, -before[TAUGHT:] / shares.sum())


def test_looking_at_rows_teaches_nothing() -> None:
    with seeded(0, "fitnet"):
        network = ResNet18((1, 8, 8), CLASSES, maxpool=True)
    fitnet = Ready(Preprocess([0.0], [1.0], crop=2, scale=1.0), network)
    before = copy.deepcopy(fitnet.state_dict())
    images = torch.randint(256, (1, 1, 8, 8), dtype=torch.uint8)
    logits, stages = paper._look(fitnet, images)  # one row, with which BatchNorm could not train
    torch.testing.assert_close(fitnet.state_dict(), before, rtol=0, atol=0)
    assert logits.shape == (1, CLASSES)
    assert stages.shape[0] == 1
    assert fitnet.network.training
    assert not fitnet.preprocess.training


def test_every_rehearsal_of_the_paper_has_its_own_fitnet_and_adam() -> None:
    road, shares = Paper(), torch.full((PLAYED,), 0.3)
    first = linear()
    second = replace(first, fitnet=copy.deepcopy(first.fitnet))
    before = copy.deepcopy(second.fitnet.state_dict())
    for _ in range(3):
        road(shares, first)
    torch.testing.assert_close(second.fitnet.state_dict(), before, rtol=0, atol=0)
    road(shares, second)
    assert list(road.sides) == [first.fitnet, second.fitnet]
    adams = [side.optimizer for side in road.sides.values()]
    assert all(type(adam) is torch.optim.Adam for adam in adams)
    steps = [{int(state["step"]) for state in adam.state.values()} for adam in adams]
    assert steps == [{3}, {1}]


def test_a_warm_up_is_epochs_on_the_taught_rows() -> None:
    rehearsal = linear()
    expected = copy.deepcopy(rehearsal.fitnet)
    optimizer = torch.optim.Adam(expected.parameters(), lr=0.005)
    for _ in range(4):
        optimizer.zero_grad()
        cross_entropy(expected(rehearsal.taught), rehearsal.taught_labels).backward()
        optimizer.step()
    Paper(warmup=4).prepare([rehearsal])
    torch.testing.assert_close(rehearsal.fitnet.state_dict(), expected.state_dict())


def head_of(road: Paper) -> LossHead:
    (side,) = road.sides.values()
    assert side.head is not None
    return side.head


def test_the_head_never_sees_the_labels_of_played_rows() -> None:
    """Nothing is chosen, so that FitNet does not either; with the losses themselves it shows."""
    rehearsal, shares = linear(), torch.zeros(PLAYED)
    swapped = replace(linear(), played_labels=(rehearsal.played_labels + 1) % CLASSES)
    for predicts in (True, False):
        found = []
        for made in (rehearsal, swapped):
            road = Paper(loss_prediction=predicts)
            play = replace(made, fitnet=copy.deepcopy(made.fitnet))
            with seeded(0, "pairs"):
                found.append([road(shares, play)[1] for _ in range(4)][-1])
        assert torch.equal(found[0], found[1]) == predicts


def test_the_head_learns_the_order_of_fitnets_losses() -> None:
    """Rows of the first class are hard for FitNet, which never believes in it."""
    rehearsal = linear()
    with torch.no_grad():
        rehearsal.fitnet.bias.copy_(torch.tensor([-9.0, 0.0, 0.0]))  # type: ignore[operator]
    apart = {
        name: getattr(rehearsal, name) + 4 * (getattr(rehearsal, f"{name}_labels") == 0)[:, None]
        for name in ("taught", "played")
    }
    rehearsal = replace(rehearsal, **apart)
    road = Paper(loss_prediction=True)
    with seeded(0, "pairs"):
        for _ in range(60):
            _, gradient = road(torch.zeros(PLAYED), rehearsal)
    predicted, hard = -gradient, rehearsal.played_labels == 0
    places = predicted.argsort().argsort().float()
    assert float(places[hard].mean()) > float(places[~hard].mean()) + 0.9 * PLAYED / 2


def test_no_gradient_of_the_ranking_reaches_fitnet() -> None:
    with_head, without = linear(), linear()
    shares = shares_of(with_head)
    for _ in range(3):
        Paper(loss_prediction=True)(shares, with_head)
        Paper()(shares, without)
    torch.testing.assert_close(with_head.fitnet.state_dict(), without.fitnet.state_dict())


def test_the_head_of_a_network_reads_all_its_stages() -> None:
    with seeded(0, "fitnet"):
        embed = nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(20, 7))
        network = Network(embed, 7, CLASSES, dropout=0.0, inner=["1"])
    fitnet = Ready(Preprocess([0.0], [1.0], scale=1.0), network)
    rehearsal = rehearse(fitnet, 1, 4, 4)
    road = Paper(loss_prediction=True)
    road(shares_of(rehearsal), rehearsal)
    first = head_of(road).layers[0]
    assert isinstance(first, nn.Linear)
    assert first.in_features == 5 + 7
    logits, stages = fitnet.with_stages(rehearsal.check)
    torch.testing.assert_close(logits, fitnet(rehearsal.check))
    torch.testing.assert_close(stages, network.stages(rehearsal.check))


def test_a_rehearsal_moves_as_a_whole() -> None:
    """Also where a part of it is there already, as images are that were placed on a GPU."""
    there = torch.device("meta")
    rehearsal = linear()
    moved = replace(rehearsal, played=rehearsal.played.to(there)).to(there)
    tensors = [value for value in vars(moved).values() if isinstance(value, Tensor)]
    assert len(tensors) == 8
    assert {part.device for part in (*tensors, *moved.fitnet.parameters())} == {there}
