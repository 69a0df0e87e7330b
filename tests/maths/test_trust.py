import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn.functional import cross_entropy

from autoal.maths.trust import USUAL, Belief, judged, likeliest
from autoal.seeding import generator


def sampled(count: int, classes: int, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """Logits that are sure, and labels that are sampled as they say once they are cooled."""
    stream = generator(count, classes)
    logits = 4 * torch.randn(count, classes, generator=stream, dtype=torch.double)
    probs = (logits / temperature).softmax(1)
    return logits, torch.multinomial(probs, 1, generator=stream)[:, 0]


def spoilt(labels: Tensor, drawn: float) -> Tensor:
    """This share of them drawn from three classes."""
    stream = generator(1)
    others = torch.randint(3, labels.shape, generator=stream)
    return torch.where(torch.rand(len(labels), generator=stream) < drawn, others, labels)


def loss(logits: Tensor, labels: Tensor, warmth: float, drawn: float = 0.0) -> float:
    return judged(logits, labels, Belief(float(np.exp(warmth)), drawn)).loss


def test_the_loss_of_trusted_labels_is_the_log_loss() -> None:
    logits, labels = sampled(50, 3)
    found = judged(logits, labels, Belief())
    assert found.loss == pytest.approx(float(cross_entropy(logits, labels, reduction="sum")))
    assert found.trust.tolist() == [1.0] * 50


def test_the_loss_and_the_trust_by_hand() -> None:
    # A fifth is drawn of two classes, so that a row of class 0 gets label 1 once in ten times.
    logits = torch.tensor([[np.log(3.0), 0.0]], dtype=torch.double)  # .75 and .25
    found = judged(logits, torch.tensor([1]), Belief(1.0, 0.2))
    right, mistaken = 0.25 * 0.9, 0.75 * 0.1
    assert found.loss == pytest.approx(-np.log(right + mistaken))
    assert found.trust.item() == pytest.approx(right / (right + mistaken))


@pytest.mark.parametrize("drawn", [0.0, 0.3])
def test_the_slopes_in_the_logits_are_those_of_finite_differences(drawn: float) -> None:
    logits, labels = sampled(6, 3)
    slopes = judged(logits, labels, Belief(1.7, drawn)).slopes
    for place in [(0, 0), (3, 2), (5, int(labels[5]))]:
        step = torch.zeros_like(logits)
        step[place] = 1e-5
        higher, lower = (loss(logits + sign * step, labels, np.log(1.7), drawn) for sign in (1, -1))
        assert float(slopes[place]) == pytest.approx((higher - lower) / 2e-5, abs=1e-8)


@pytest.mark.parametrize("warmth", [-0.7, 0.0, 1.0])
@pytest.mark.parametrize("drawn", [0.05, 0.5])
def test_the_moves_are_those_of_finite_differences(warmth: float, drawn: float) -> None:
    logits, labels = sampled(40, 3)
    heating, drawing = judged(logits, labels, Belief(float(np.exp(warmth)), drawn)).moves
    step = 1e-6
    hotter, colder = (loss(logits, labels, warmth + sign * step, drawn) for sign in (1, -1))
    more, less = (loss(logits, labels, warmth, drawn + sign * step) for sign in (1, -1))
    assert heating == pytest.approx((hotter - colder) / (2 * step), rel=1e-5, abs=1e-5)
    assert drawing == pytest.approx((more - less) / (2 * step), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_is_that_of_the_least_loss(temperature: float) -> None:
    logits, labels = sampled(400, 4, temperature)

    def function(warmth: float) -> float:
        cooled = logits / float(np.exp(warmth))
        return float(cross_entropy(cooled, labels, reduction="sum")) + (warmth / USUAL) ** 2 / 2

    best = minimize_scalar(function, bounds=(-2.0, 2.0), method="bounded").x
    assert np.log(likeliest(logits, labels).temperature) == pytest.approx(best, abs=1e-3)


def test_the_share_of_drawn_labels_is_that_of_a_dense_grid() -> None:
    logits, labels = sampled(300, 3)
    labels = spoilt(labels, 0.3)
    best = min(
        (loss(logits, labels, warmth, drawn), drawn)
        for warmth in np.linspace(-1, 1, 41)
        for drawn in np.linspace(0, 0.8, 81)
    )
    found = likeliest(logits, labels, doubting=True)
    assert judged(logits, labels, found).loss < best[0] + 1e-6
    assert found.drawn == pytest.approx(best[1], abs=0.02)


def test_a_planted_share_of_wrong_labels_is_found() -> None:
    logits, labels = sampled(2_000, 3)
    wrong = spoilt(labels, 0.45)
    trust = judged(logits, wrong, likeliest(logits, wrong, doubting=True)).trust
    assert 1 - float(trust.mean()) == pytest.approx(0.3, abs=0.03)
    assert float(trust[wrong == labels].mean()) > float(trust.mean()) + 0.2


def test_labels_as_likely_as_predicted_are_hardly_doubted() -> None:
    logits, labels = sampled(2_000, 3)
    assert likeliest(logits, labels, doubting=True).drawn < 0.02
    assert likeliest(logits, labels).drawn == 0


@pytest.mark.parametrize("doubting", [False, True])
@pytest.mark.parametrize("scale", [0.0, 1e-9, 1e9])
def test_logits_of_any_size_have_a_likeliest_belief(scale: float, doubting: bool) -> None:
    logits, labels = sampled(30, 3)
    found = likeliest(scale * logits, labels, doubting=doubting)
    assert np.isfinite([*found, judged(scale * logits, labels, found).loss]).all()
