from collections.abc import Callable

import numpy as np
import pytest
import torch
from autoal.strategies.uncertainty import Entropy, LeastConfidence, Margin
from scipy.stats import entropy
from torch import Tensor, nn

from autoal import QueryStrategy, View, select
from autoal.seeding import generator
from tests.strategies.made import scored

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
    scores = scored(strategy, view_of(probs), 1)
    assert scores[0] == scores[2] > scores[1]


@pytest.mark.parametrize(
    ("strategy", "method"),
    [(Entropy(), "entropy"), (LeastConfidence(), "least_confident"), (Margin(), "margin_sampling")],
)
@pytest.mark.parametrize("classes", [2, 7, 200])
def test_scores_equal_those_of_scikit_activeml(
    view_of: MakeView, strategy: QueryStrategy, method: str, classes: int
) -> None:
    reference = pytest.importorskip("skactiveml.pool")
    probs = (2 * torch.randn(50, classes, generator=generator(classes))).softmax(1)
    scores = scored(strategy, view_of(probs), 5).double().numpy()
    expected = reference.uncertainty_scores(probs.double().numpy(), method=method)
    # Its margin is 1 larger, and its scores may differ from ours by a constant alone.
    np.testing.assert_allclose(scores - scores[0], expected - expected[0], rtol=1e-4, atol=1e-6)


def test_temperature_divides_the_logits(view_of: MakeView) -> None:
    # The logits (log 9, 0) over 2 are (log 3, 0), and over 1/2 they are (log 81, 0).
    view = view_of(torch.tensor([[0.9, 0.1]]))
    for temperature, first in [(2.0, 0.75), (0.5, 81 / 82)]:
        second = 1 - first
        expected = -first * np.log(first) - second * np.log(second)
        assert float(Entropy(temperature).score(view, 1)) == pytest.approx(expected, abs=1e-6)
        found = float(LeastConfidence(temperature).score(view, 1))
        assert found == pytest.approx(second, abs=1e-6)
        found = float(Margin(temperature).score(view, 1))
        assert found == pytest.approx(second - first, abs=1e-6)


def test_temperature_can_change_which_row_comes_first(view_of: MakeView) -> None:
    # A hot softmax sees little but the number of classes that compete.
    probs = torch.tensor([[0.5, 0.4999, 0.0001], [0.6, 0.2, 0.2]])
    assert select(LeastConfidence(), view_of(probs), 1).tolist() == [0]
    assert select(LeastConfidence(4.0), view_of(probs), 1).tolist() == [1]


def test_draws_are_averaged() -> None:
    # With half of the embedding dropped, the logits of the first class are 0, 4 or 8.
    head = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[2.0, 2.0], [0.0, 0.0]]))
    view = View.of(torch.ones(3, 2), head=head, dropout=0.5)
    sure, drawn = torch.tensor([0.0, 4, 8]).sigmoid(), view.pool.drawn_probs[:, 0, 0]
    shares = torch.stack([torch.isclose(drawn, p).float().mean() for p in sure])
    assert float(shares.sum()) == pytest.approx(1)
    mean = float(shares @ sure)
    scores = LeastConfidence(draws=True).score(view, 1)
    torch.testing.assert_close(scores, torch.full((3,), 1 - mean))
    assert float(Margin(draws=True).score(view, 1)[0]) == pytest.approx(1 - 2 * mean, abs=1e-6)
    assert not torch.allclose(scores, LeastConfidence().score(view, 1))


@pytest.mark.parametrize("kind", [Entropy, LeastConfidence, Margin])
def test_what_is_read_follows_from_the_options(kind: type[QueryStrategy]) -> None:
    assert kind.reads == kind().reads == ("probs",)
    assert kind(draws=True).reads == ("draws",)  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", [Entropy, LeastConfidence, Margin])
def test_wrong_options_are_refused(kind: type[Entropy]) -> None:
    for temperature in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="`temperature` must be above 0, got"):
            kind(temperature)
    with pytest.raises(ValueError, match=r"`temperature` must be 1 where `draws` is set, got 2\.0"):
        kind(2.0, draws=True)
