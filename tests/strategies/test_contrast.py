import math

import numpy as np
import pytest
import torch
from autoal.strategies.contrast import Cal, Signal
from scipy.stats import entropy
from torch import Tensor, nn

from autoal import QueryStrategy, View, select
from autoal.seeding import generator
from tests.strategies.made import beside, scored

BOTH = [Cal(), Signal()]


def predicted(pool: Tensor, labelled: Tensor) -> View:
    """A view in which the last two columns of the embeddings are the class probabilities."""
    return beside(pool, labelled, probs=torch.cat([pool, labelled])[:, -2:])


# A place far off, then two class probabilities, which are so near that the place decides.
POOL = torch.tensor([[0.0, 0.5, 0.5], [1000.0, 0.8, 0.2]])
LABELLED = torch.tensor([[2.0, 0.9, 0.1], [1003.0, 0.2, 0.8], [-4.0, 0.6, 0.4]])


def kl(p: float, q: float) -> float:
    """Of two classes."""
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


def test_cal_by_hand() -> None:
    view = predicted(POOL, LABELLED)
    scores = Cal(k=1).score(view, 1)
    torch.testing.assert_close(
        scores, torch.tensor([kl(0.9, 0.5), kl(0.2, 0.8)]), rtol=1e-5, atol=0
    )
    expected = torch.tensor([(kl(0.9, 0.5) + kl(0.6, 0.5)) / 2, (kl(0.2, 0.8) + kl(0.9, 0.8)) / 2])
    torch.testing.assert_close(Cal(k=2).score(view, 1), expected, rtol=1e-5, atol=0)


def test_signal_by_hand() -> None:
    view = predicted(POOL[:1], LABELLED)
    first = math.sqrt(4 + 2 * 0.4**2)
    second = math.sqrt(16 + 2 * 0.1**2)
    score = float(Signal(k=1).score(view, 1))
    assert score == pytest.approx(kl(0.5, 0.9) / first, rel=1e-4)
    score = float(Signal(k=2).score(view, 1))
    expected = (kl(0.5, 0.9) / first + kl(0.5, 0.6) / second) / 2
    assert score == pytest.approx(expected, rel=1e-4)


def linear(classes: int = 4, width: int = 6) -> nn.Linear:
    head, stream = nn.Linear(width, classes), generator(0, "head")
    with torch.no_grad():
        head.weight.copy_(torch.randn(classes, width, generator=stream))
        head.bias.copy_(torch.randn(classes, generator=stream))
    return head


def made(n: int = 60, labelled: int = 25, classes: int = 4, width: int = 6) -> View:
    stream = generator(0)
    pool = torch.randn(n, width, generator=stream)
    known = torch.randn(labelled, width, generator=stream)
    return beside(pool, known, head=linear(classes, width))


@pytest.mark.parametrize("k", [1, 5, 10])
def test_cal_equals_that_of_scikit_activeml(k: int) -> None:
    theirs = pytest.importorskip("skactiveml.pool").ContrastiveAL({"n_neighbors": k}, eps=1e-37)
    base = pytest.importorskip("skactiveml.base").SkactivemlClassifier
    view = made()

    class Headed(base):  # type: ignore[misc, valid-type]
        """Predicts what our head does."""

        def fit(self, *_: object, **__: object) -> "Headed":
            return self

        def predict_proba(self, rows: np.ndarray) -> np.ndarray:
            return linear()(torch.as_tensor(rows)).softmax(1).detach().numpy()

    rows = torch.cat([view.labelled.features.embeddings, view.pool.embeddings]).numpy()
    labels = np.array([0.0] * len(view.labelled) + [np.nan] * len(view.pool))
    clf = Headed(classes=list(range(4)))
    _, expected = theirs.query(rows, labels, clf, fit_clf=False, return_utilities=True)
    scores = Cal(k).score(view, 1).detach().numpy()
    np.testing.assert_allclose(scores, expected[0][len(view.labelled) :], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("k", [1, 3, 25, 100])
def test_scores_equal_a_plain_loop(k: int) -> None:
    view = made()
    cal, signal = Cal(k).score(view, 1), Signal(k).score(view, 1)
    theirs, anchors = view.labelled.features.probs.double().numpy(), view.labelled.features
    for row, (place, probs) in enumerate(zip(view.pool.embeddings, view.pool.probs, strict=True)):
        distances = (anchors.embeddings - place).double().norm(dim=1)
        own, near = probs.double().numpy(), distances.argsort()[:k].tolist()
        expected = sum(entropy(theirs[j], own) for j in near) / len(near)
        assert float(cal[row]) == pytest.approx(expected, rel=1e-3, abs=1e-5)
        expected = sum(entropy(own, theirs[j]) / float(distances[j]) for j in near) / len(near)
        assert float(signal[row]) == pytest.approx(expected, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("strategy", BOTH)
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_gives_nearly_the_same(strategy: QueryStrategy, kind: torch.dtype) -> None:
    view = made()
    pool, labelled = view.pool.embeddings, view.labelled.features.embeddings
    half = beside(pool.to(kind), labelled.to(kind), head=linear())
    scores = scored(strategy, half, 5)
    assert scores.dtype == torch.float32
    both = torch.stack([scores, scored(strategy, view, 5)])
    assert float(torch.corrcoef(both)[0, 1]) > 0.98


@pytest.mark.parametrize("strategy", BOTH)
@pytest.mark.parametrize(
    ("n", "labelled", "classes"), [(1, 1, 2), (1, 30, 200), (30, 1, 200), (30, 9, 2)]
)
def test_small_sets_and_many_classes(
    strategy: QueryStrategy, n: int, labelled: int, classes: int
) -> None:
    view = made(n, labelled, classes)
    assert sorted(select(strategy, view, n).tolist()) == list(range(n))
    assert bool((scored(strategy, view, n) > 0).all())


@pytest.mark.parametrize("strategy", BOTH)
def test_nothing_labelled_ties_all_rows(strategy: QueryStrategy) -> None:
    assert scored(strategy, made(labelled=0), 1).tolist() == [0] * 60


@pytest.mark.parametrize("strategy", [Cal(k=1), Signal(k=1)])
def test_copies_of_labelled_rows_come_last(strategy: QueryStrategy) -> None:
    view = made(labelled=5)
    known = view.labelled.features.embeddings
    pool = torch.cat([view.pool.embeddings, known])
    scores = scored(strategy, beside(pool, known, head=linear()), 5)
    assert bool(scores.isfinite().all())
    assert set(scores.argsort()[:5].tolist()) == set(range(60, 65))
    assert float(scores[60:].max()) < 1e-3


@pytest.mark.parametrize("strategy", BOTH)
def test_rows_that_are_all_the_same_are_finite(strategy: QueryStrategy) -> None:
    for place in (torch.zeros(6), torch.full((6,), 100.0)):
        view = beside(place.expand(8, 6), place.expand(3, 6), head=linear())
        scores = scored(strategy, view, 3)
        assert bool(scores.isfinite().all())
        assert float(scores.max()) < 1e-3


@pytest.mark.parametrize("strategy", BOTH)
def test_probabilities_of_zero_are_finite(strategy: QueryStrategy) -> None:
    pool = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.5, 0.5]])
    scores = scored(strategy, predicted(pool, pool[:1] + torch.tensor([1.0, 0, 0])), 3)
    assert bool(scores.isfinite().all())
    assert float(scores[0]) == 0
    assert float(scores[1]) == float(scores.max())


@pytest.mark.parametrize("strategy", BOTH)
def test_blocks_make_no_difference(
    strategy: QueryStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = made()
    expected = scored(strategy, view, 6)
    monkeypatch.setattr("autoal.strategies.contrast.BLOCK", 100)
    torch.testing.assert_close(scored(strategy, view, 6), expected)


def test_each_says_what_it_reads() -> None:
    assert Cal.reads == Signal.reads == ("embeddings", "probs", "labelled")


@pytest.mark.parametrize("kind", [Cal, Signal])
def test_wrong_options_are_refused(kind: type[Cal]) -> None:
    with pytest.raises(ValueError, match="`k` must be at least 1, got 0"):
        kind(0)
