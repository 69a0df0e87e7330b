import numpy as np
import pytest
import torch
from autoal.strategies import gradient
from autoal.strategies.gradient import Badge, Bait
from torch import Tensor, nn

from autoal import Features, QueryStrategy, UserError, View
from autoal.seeding import generator, seeded
from tests.strategies.made import beside, best, noted, scored

LIKELIHOODS = ["binary", "multinomial"]
ALL: list[QueryStrategy] = [Badge(), *(Bait(likelihood=kind) for kind in LIKELIHOODS)]


def linear(width: int, classes: int) -> nn.Module:
    with seeded(0, "head"):
        return nn.Linear(width, classes)


def headed(pool: Tensor, labelled: Tensor | None = None) -> View:
    """A view under a head of three classes."""
    return beside(pool, labelled, head=linear(pool.shape[1], 3))


def gradients(view: View) -> Tensor:
    """Of the last layer's loss by its weights, if the predicted class is right; by autograd."""
    rows = []
    for embedding in view.pool.embeddings:
        layer = linear(view.pool.embeddings.shape[1], view.classes)
        logits = layer(embedding)
        nn.functional.cross_entropy(logits, logits.argmax()).backward()
        assert isinstance(layer, nn.Linear)
        assert layer.weight.grad is not None
        rows.append(layer.weight.grad.flatten())
    return torch.stack(rows)


def test_badge_by_hand() -> None:
    pool = torch.tensor([[3.0, 0.0], [0.0, 2.0], [3.0, 0.0], [0.0, 0.1]])
    probs = torch.tensor([[0.6, 0.4], [0.6, 0.4], [0.6, 0.4], [0.5, 0.5]])
    view = beside(pool, probs=probs)
    scores = Badge().score(view, 4)
    # |a|^2 |h|^2: 0.32 * 9, 0.32 * 4, the first again, 0.5 * 0.01.
    assert scores[0] == 3
    assert scores[2] == 0  # no different from the first
    assert {float(scores[1]), float(scores[3])} == {2, 1}


def test_badge_begins_with_the_longest_gradient_and_draws_by_their_distances() -> None:
    view = headed(torch.randn(40, 5, generator=generator(0)))
    rows = gradients(view)
    scores = Badge().score(view, 6)
    picks = scores.argsort(descending=True)[:6]
    assert int(picks[0]) == int(rows.norm(dim=1).argmax())
    left = torch.cdist(rows, rows[picks]).amin(1) ** 2
    torch.testing.assert_close(scores[scores < 1] * 2, (left / left.max())[scores < 1])


def test_the_distances_of_badge_equal_those_of_scikit_activeml() -> None:
    theirs = pytest.importorskip("skactiveml.pool._badge")
    view = headed(torch.randn(40, 5, generator=generator(0)))
    picks = best(Badge(), view, 6)
    rows = gradients(view).numpy()
    left = theirs._d_2(rows, [])
    assert picks[0] == left.argmax()
    for number, pick in enumerate(picks):
        left = theirs._d_2(rows, [pick], left if number else np.full(40, np.inf))
    scores = Badge().score(view, 6)
    rest = (scores < 1).numpy()
    np.testing.assert_allclose(2 * scores[rest], left[rest] / left.max(), rtol=1e-3, atol=1e-5)


def test_bait_by_hand() -> None:
    # Two rows along one axis and one along the other, all with p = 1/2 and so g = h / 2.
    pool = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
    view = beside(pool, logits=torch.zeros(3, 2))
    # F = diag(2, 1) / 3, whose diagonal is 1/2 in the mean, and so M = identity. Row 0 lowers 2/3
    # to 1/3, row 1 would lower 1/3 to 1/6; then row 1 lowers 1/6 and row 2 1/9. Given back is
    # row 1, which raises 1/6 against 1/3.
    scores = scored(Bait(regularisation=2), view, 1)
    assert scores.tolist() == pytest.approx([1, 0.5, 1 / 3])  # row 1 is worth 1/6, row 2 1/9


def weighted(features: Features, likelihood: str) -> Tensor:
    """V of each row, so that V V' is its information: (n, weights, terms) float64."""
    probs, rows = features.probs.double(), features.embeddings.double()
    if likelihood == "binary":
        top = probs.amax(1)
        return ((top * (1 - top)).sqrt()[:, None] * rows)[:, :, None]
    apart = torch.eye(probs.shape[1]) - probs[:, :, None]  # (n, weights of a class, class)
    terms = probs.sqrt()[:, None] * apart
    return (terms[:, :, None] * rows[:, None, :, None]).flatten(1, 2)


@pytest.mark.parametrize("labelled", [0, 8])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_bait_equals_a_search_by_inverses_and_traces(likelihood: str, labelled: int) -> None:
    pool = 3 * torch.randn(40, 4, generator=generator(0))
    known = torch.randn(labelled, 4, generator=generator(0, "labelled"))
    view = headed(pool, known)

    def information(features: Features) -> Tensor:
        terms = weighted(features, likelihood)
        return terms @ terms.mT

    single = information(view.pool)
    # Of three classes' weights, a third moves nothing: what all of them have in common.
    moving = 4 if likelihood == "binary" else 2 * 4
    start = 0.5 * single.mean(0).trace() / moving * torch.eye(single.shape[1])
    start = start + information(view.labelled.features).sum(0)

    def left(batch: list[int]) -> float:
        return float(torch.trace(torch.linalg.inv(start + single[batch].sum(0)) @ single.mean(0)))

    picks: list[int] = []
    for _ in range(14):
        others = [row for row in range(40) if row not in picks]
        picks.append(min(others, key=lambda row: left([*picks, row])))
    while len(picks) > 7:
        out = min(picks, key=lambda row: left([pick for pick in picks if pick != row]))
        picks.remove(out)
    scores = scored(Bait(regularisation=0.5, likelihood=likelihood), view, 7)
    assert scores.argsort(descending=True)[:7].tolist() == picks
    others = [row for row in range(40) if row not in picks]
    worth = torch.tensor([left(picks) - left([*picks, row]) for row in others])
    torch.testing.assert_close(2 * scores[others], worth / worth.max(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_the_scale_of_embeddings_means_nothing_to_bait(likelihood: str) -> None:
    rows = torch.randn(60, 4, generator=generator(0))
    logits = torch.randn(60, 3, generator=generator(1))
    views = [beside(scale * rows[:50], scale * rows[50:], logits=logits) for scale in (1, 10)]
    picks, expected = (best(Bait(likelihood=likelihood), view, 10) for view in views)
    assert picks == expected


def test_of_two_classes_both_likelihoods_are_one() -> None:
    rows = torch.randn(60, 4, generator=generator(0))
    view = beside(rows[:50], rows[50:], logits=torch.randn(60, 2, generator=generator(1)))
    picks, expected = (best(Bait(likelihood=kind), view, 10) for kind in LIKELIHOODS)
    assert picks == expected


def test_beyond_so_many_weights_those_along_leading_directions_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inner = torch.randn(60, 3, generator=generator(0))
    rows = inner @ torch.randn(
        3, 9, generator=generator(2)
    )  # which lie in three dimensions of nine
    view = beside(rows[:50], rows[50:], logits=torch.randn(60, 4, generator=generator(1)))
    expected = best(Bait(), view, 10)
    monkeypatch.setattr(gradient, "WEIGHTS", 10)  # three for each of three directions
    # The mean over the diagonal is that of three dimensions now, not of nine.
    assert best(Bait(regularisation=10 / 3), view, 10) == expected


def test_bait_looks_at_a_sample_of_a_large_pool_and_says_so() -> None:
    view = headed(torch.randn(100, 4, generator=generator(0)))
    scores = scored(Bait(sample=30), view, 5)
    assert int((scores > 0).sum()) <= 30
    assert int((scores >= 1).sum()) == 5
    assert noted(Bait(sample=30), view) == {"sample": 30}
    assert noted(Bait(sample=100), view) == {}


def test_bait_leaves_what_is_known_already() -> None:
    pool = torch.tensor([[2.0, 0.0], [0.0, 1.9]])
    assert best(Bait(), beside(pool, logits=torch.zeros(2, 2)), 1) == [0]
    known = pool[:1].expand(5, -1)
    assert best(Bait(), beside(pool, known, logits=torch.zeros(7, 2)), 1) == [1]


@pytest.mark.parametrize("strategy", ALL, ids=lambda strategy: type(strategy).__name__)
def test_rows_that_the_model_is_sure_of_are_taken(strategy: QueryStrategy) -> None:
    sure = torch.tensor([[1000.0, 0.0]]).expand(25, -1)
    rows = torch.randn(20, 4, generator=generator(0))
    scores = scored(strategy, beside(rows, rows[:5], logits=sure), 10)
    assert bool(scores.isfinite().all())


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`regularisation` must be at least 0\.001, got 0"):
        Bait(regularisation=0)
    with pytest.raises(ValueError, match="`sample` must be at least 1, got 0"):
        Bait(sample=0)
    with pytest.raises(UserError, match="likelihood"):
        Bait(likelihood="binry")
