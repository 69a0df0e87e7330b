from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn.functional import cross_entropy

from autoal.maths.trust import (
    USUAL,
    Belief,
    ClassDoubt,
    Doubt,
    EvenDoubt,
    NoDoubt,
    even,
    judged,
    likeliest,
    trusting,
)
from autoal.seeding import generator

DOUBTS = [NoDoubt, EvenDoubt, ClassDoubt]


def drawn(count: int, classes: int, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """Logits that are sure, and labels that are drawn as they say once they are cooled."""
    stream = generator(count, classes)
    logits = 4 * torch.randn(count, classes, generator=stream, dtype=torch.double)
    probs = (logits / temperature).softmax(1)
    return logits, torch.multinomial(probs, 1, generator=stream)[:, 0]


def spoilt(labels: Tensor, confusion: Tensor) -> Tensor:
    return torch.multinomial(confusion[labels], 1, generator=generator(1))[:, 0]


def share(drawn: float, classes: int) -> Tensor:
    return even(classes, torch.tensor(drawn, dtype=torch.double))


def loss(logits: Tensor, labels: Tensor, belief: Belief) -> float:
    return judged(logits, labels, belief).loss


def test_the_loss_of_trusted_labels_is_the_log_loss() -> None:
    logits, labels = drawn(50, 3)
    found = judged(logits, labels, trusting(3))
    assert found.loss == pytest.approx(float(cross_entropy(logits, labels, reduction="sum")))
    assert found.trust.tolist() == [1.0] * 50


def test_the_loss_and_the_trust_by_hand() -> None:
    # A fifth is drawn of two classes: a row of class 0 gets label 1 once in ten times.
    logits = torch.tensor([[np.log(3.0), 0.0]], dtype=torch.double)  # .75 and .25
    found = judged(logits, torch.tensor([1]), Belief(1.0, share(0.2, 2)))
    right, mistaken = 0.25 * 0.9, 0.75 * 0.1
    assert found.loss == pytest.approx(-np.log(right + mistaken))
    assert found.trust.item() == pytest.approx(right / (right + mistaken))


@pytest.mark.parametrize("confused", [0.0, 0.3])
def test_the_slopes_are_those_of_finite_differences(confused: float) -> None:
    logits, labels = drawn(6, 3)
    belief = Belief(1.7, share(confused, 3))
    slopes = judged(logits, labels, belief).slopes
    for place in [(0, 0), (3, 2), (5, int(labels[5]))]:
        step = torch.zeros_like(logits)
        step[place] = 1e-5
        higher, lower = (loss(logits + sign * step, labels, belief) for sign in (1, -1))
        assert float(slopes[place]) == pytest.approx((higher - lower) / 2e-5, abs=1e-8)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_is_that_of_the_least_loss(temperature: float) -> None:
    logits, labels = drawn(400, 4, temperature)

    def function(warmth: float) -> float:
        belief = trusting(4)._replace(temperature=float(np.exp(warmth)))
        return loss(logits, labels, belief) + (warmth / USUAL) ** 2 / 2

    best = minimize_scalar(function, bounds=(-2.0, 2.0), method="bounded").x
    found, _ = likeliest(logits, labels, NoDoubt)
    assert np.log(found.temperature) == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize("doubt", DOUBTS)
def test_no_belief_nearby_is_likelier(doubt: type[Doubt]) -> None:
    logits, labels = drawn(200, 3, 2.0)
    labels = spoilt(labels, share(0.3, 3))
    found, surprise = likeliest(logits, labels, doubt)
    best = loss(logits, labels, found) + surprise
    kind, warmth = doubt(3), np.log(found.temperature)
    place = kind.place(found.confusion)
    for at in range(-1, len(place)):
        for step in (-0.02, 0.02):
            moved = place.clone()
            moved[at:][: at >= 0] += step
            confusion = kind.confusion(moved)
            hotter = warmth + step * (at < 0)
            belief = Belief(float(np.exp(hotter)), confusion)
            unusual = (hotter / USUAL) ** 2 / 2 + float(kind.surprise(confusion))
            assert loss(logits, labels, belief) + unusual > best - 1e-6


@pytest.mark.parametrize("doubt", [EvenDoubt, ClassDoubt])
def test_a_planted_share_of_wrong_labels_is_found(doubt: type[Doubt]) -> None:
    logits, labels = drawn(2_000, 3)
    spoilt_labels = spoilt(labels, share(0.45, 3))
    belief, _ = likeliest(logits, spoilt_labels, doubt)
    trust = judged(logits, spoilt_labels, belief).trust
    assert 1 - float(trust.mean()) == pytest.approx(0.3, abs=0.03)
    assert float(trust[spoilt_labels == labels].mean()) > float(trust.mean()) + 0.2


def test_how_each_class_is_mistaken_is_found() -> None:
    logits, labels = drawn(3_000, 3)
    planted = torch.tensor([[0.6, 0.4, 0.0], [0.0, 1.0, 0.0], [0.1, 0.1, 0.8]]).double()
    found, _ = likeliest(logits, spoilt(labels, planted), ClassDoubt)
    torch.testing.assert_close(found.confusion, planted, atol=0.06, rtol=0)


def test_labels_as_likely_as_predicted_are_hardly_doubted() -> None:
    logits, labels = drawn(2_000, 3)
    found, _ = likeliest(logits, labels, EvenDoubt)
    assert float(judged(logits, labels, found).trust.mean()) > 0.98


@pytest.mark.parametrize("doubt", DOUBTS)
@pytest.mark.parametrize("scale", [0.0, 1e-9, 1e9])
def test_logits_of_any_size_have_a_likeliest_belief(doubt: type[Doubt], scale: float) -> None:
    logits, labels = drawn(30, 3)
    found, surprise = likeliest(scale * logits, labels, doubt)
    numbers: list[Any] = [found.temperature, surprise, *found.confusion.flatten().tolist()]
    assert np.isfinite(numbers).all()
    assert np.isfinite(loss(scale * logits, labels, found))
