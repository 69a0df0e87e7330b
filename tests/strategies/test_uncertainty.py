from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from torch import Tensor

from autoal import QueryStrategy, View, select
from autoal.seeding import generator
from strategies.uncertainty import Entropy, LeastConfidence, Margin

MakeView = Callable[..., View]

# Sure; torn between two; undecided among three; leaning.
PROBS = torch.tensor([[0.9, 0.05, 0.05], [0.5, 0.5, 0.0], [0.4, 0.3, 0.3], [0.6, 0.2, 0.2]])


def random_probs(seed: int) -> Tensor:
    return (2 * torch.randn(50, 7, generator=generator(seed))).softmax(1)


def test_entropy_by_hand(view_of: MakeView) -> None:
    scores = Entropy().score(view_of(PROBS), 1)
    expected = torch.tensor([0.39440, 0.69315, 1.08890, 0.95027])
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-5)
    assert select(Entropy(), view_of(PROBS), 4).tolist() == [2, 3, 1, 0]


def test_least_confidence_by_hand(view_of: MakeView) -> None:
    scores = LeastConfidence().score(view_of(PROBS), 1)
    torch.testing.assert_close(scores, torch.tensor([0.1, 0.5, 0.6, 0.4]))
    assert select(LeastConfidence(), view_of(PROBS), 4).tolist() == [2, 1, 3, 0]


def test_margin_by_hand(view_of: MakeView) -> None:
    scores = Margin().score(view_of(PROBS), 1)
    torch.testing.assert_close(scores, torch.tensor([-0.85, 0.0, -0.1, -0.4]))
    assert select(Margin(), view_of(PROBS), 4).tolist() == [1, 2, 3, 0]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_entropy_equals_that_of_scipy(view_of: MakeView, seed: int) -> None:
    probs = random_probs(seed)
    expected = entropy(probs.double().numpy(), axis=1)
    np.testing.assert_allclose(Entropy().score(view_of(probs), 5), expected, rtol=1e-4)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_least_confidence_and_margin_equal_a_sort_in_numpy(view_of: MakeView, seed: int) -> None:
    probs = random_probs(seed)
    ascending = np.sort(probs.numpy(), axis=1)
    confidence = LeastConfidence().score(view_of(probs), 5)
    np.testing.assert_allclose(confidence, 1 - ascending[:, -1], rtol=1e-5, atol=1e-6)
    margin = Margin().score(view_of(probs), 5)
    np.testing.assert_allclose(margin, ascending[:, -2] - ascending[:, -1], rtol=1e-5, atol=1e-6)


def test_entropy_is_finite_where_a_probability_is_zero(view_of: MakeView) -> None:
    probs = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    view = view_of(probs)
    assert bool((view.pool.probs == 0).any())
    torch.testing.assert_close(Entropy().score(view, 1), torch.tensor([0.0, 0.69314718]))


@pytest.mark.parametrize("strategy", [Entropy(), LeastConfidence(), Margin()])
def test_two_even_rows_are_tied_and_beat_a_sure_one(
    view_of: MakeView, strategy: QueryStrategy
) -> None:
    probs = torch.tensor([[0.5, 0.5], [1.0, 0.0], [0.5, 0.5]])
    scores = strategy.score(view_of(probs), 1)
    assert scores[0] == scores[2] > scores[1]
