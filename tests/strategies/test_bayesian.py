import gc
import math
from collections.abc import Iterator
from itertools import product

import pytest
import torch
from autoal.strategies.bayesian import (
    Bald,
    BatchBald,
    Epig,
    MeanStd,
    VarRatio,
    _answered,
    _gains,
    _sample,
)
from torch import Tensor, nn

from autoal import QueryStrategy, View, select
from autoal.maths.geometry import sample
from autoal.seeding import generator
from tests.strategies.made import noted, scored

EACH = [Bald(), VarRatio(), MeanStd(), Epig(), BatchBald()]


def view_of(drawn: Tensor, seed: int = 0) -> View:
    """A view with these probabilities, (draws, n, classes)."""
    return View.of(draws=drawn, seed=seed)


@pytest.fixture
def quick_collector() -> Iterator[None]:
    """batchbald_redux collects garbage at every step, which takes long over all of torch."""
    gc.freeze()
    yield
    gc.unfreeze()


def random_draws(seed: int, draws: int = 20, n: int = 40, classes: int = 4) -> Tensor:
    stream = generator(seed)
    base = torch.randn(1, n, classes, generator=stream)
    return (1.5 * base + torch.randn(draws, n, classes, generator=stream)).softmax(2)


# Two draws of: agreed and sure; agreed and unsure; sure of opposite classes; leaning apart.
PAIR = torch.tensor(
    [[[1.0, 0.0], [0.5, 0.5], [1.0, 0.0], [0.8, 0.2]], [[1.0, 0], [0.5, 0.5], [0, 1], [0.4, 0.6]]]
)


def test_bald_by_hand() -> None:
    def entropy(p: float) -> float:
        return -p * math.log(p) - (1 - p) * math.log(1 - p)

    leaning = entropy(0.6) - (entropy(0.8) + entropy(0.4)) / 2
    expected = torch.tensor([0.0, 0.0, math.log(2), leaning])
    torch.testing.assert_close(Bald().score(view_of(PAIR), 1), expected)


def test_var_ratio_by_hand() -> None:
    # Four draws of three rows; the classes predicted are 0 0 0 0, then 0 1 2 1, then 2 2 2 0.
    votes = torch.tensor([[0, 0, 2], [0, 1, 2], [0, 2, 2], [0, 1, 0]])
    drawn = 0.1 + 0.7 * nn.functional.one_hot(votes, 3)
    scores = VarRatio().score(view_of(drawn), 1)
    torch.testing.assert_close(scores, torch.tensor([0.0, 0.5, 0.25]))


def test_mean_std_by_hand() -> None:
    # The last row is 0.8 and 0.4, both 0.2 from their mean, in either class.
    scores = MeanStd().score(view_of(PAIR), 1)
    torch.testing.assert_close(scores, torch.tensor([0.0, 0.0, 0.5, 0.2]))


def test_var_ratio_is_not_least_confidence() -> None:
    # All draws agree on a class that none of them is sure of.
    drawn = torch.tensor([[[0.51, 0.49]], [[0.52, 0.48]]])
    assert float(VarRatio().score(view_of(drawn), 1)) == 0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_var_ratio_equals_that_of_scikit_activeml(seed: int) -> None:
    theirs = pytest.importorskip("skactiveml.pool")
    drawn = random_draws(seed)
    scores = VarRatio().score(view_of(drawn), 5)
    expected = theirs.variation_ratios(drawn.argmax(2).T.numpy())
    torch.testing.assert_close(scores.double(), torch.from_numpy(expected), rtol=0, atol=1e-6)


@pytest.mark.usefixtures("quick_collector")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_bald_equals_that_of_batchbald_redux(seed: int) -> None:
    reference = pytest.importorskip("batchbald_redux.batchbald")
    drawn = random_draws(seed)
    logs = drawn.permute(1, 0, 2).log()
    expected = reference.compute_entropy(logs) - reference.compute_conditional_entropy(logs)
    scores = Bald().score(view_of(drawn), 5)
    torch.testing.assert_close(scores.double(), expected, rtol=1e-4, atol=1e-6)
    assert select(Bald(), view_of(drawn), 5).tolist() == reference.get_bald_batch(logs, 5).indices


@pytest.mark.usefixtures("quick_collector")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_batchbald_picks_what_batchbald_redux_picks_where_both_are_exact(seed: int) -> None:
    reference = pytest.importorskip("batchbald_redux.batchbald")
    drawn = random_draws(seed)
    expected = reference.get_batchbald_batch(drawn.permute(1, 0, 2).log(), 5, 100_000)
    picks = select(BatchBald(samples=4**4), view_of(drawn), 5).tolist()
    assert picks == expected.indices
    assert picks != select(Bald(), view_of(drawn), 5).tolist()
    known = torch.ones(1), torch.full((1, 20), 1 / 20)
    total = 0.0
    for pick, score in zip(picks, expected.scores, strict=True):  # its scores are those of the sets
        total += float(_gains(known, drawn[:, [pick]]))
        assert total == pytest.approx(score, abs=1e-4)
        known = _answered(known, drawn[:, pick], 4**5, generator(0))


def joint_information(drawn: Tensor, rows: list[int]) -> float:
    """Straight from the definition, over all configurations of labels."""
    total = 0.0
    for labels in product(range(drawn.shape[2]), repeat=len(rows)):
        chances = torch.stack(
            [drawn[:, row, label] for row, label in zip(rows, labels, strict=True)]
        )
        joint = chances.double().prod(0)  # (draws,)
        total -= float(torch.special.xlogy(joint.mean(), joint.mean()))
        total += float(torch.special.xlogy(joint, joint).mean())
    return total


def test_the_gains_add_up_to_the_joint_mutual_information() -> None:
    drawn = random_draws(5, draws=6, classes=3)
    known, total, rows = (torch.ones(1), torch.full((1, 6), 1 / 6)), 0.0, [4, 9, 30, 17]
    for row in rows:
        total += float(_gains(known, drawn[:, [row]]))
        known = _answered(known, drawn[:, row], 1000, generator(0))
    assert total == pytest.approx(joint_information(drawn, rows), abs=1e-5)


def test_a_sample_of_configurations_comes_close_to_all_of_them() -> None:
    drawn = random_draws(6, draws=20, classes=4)
    exact = sampled = torch.ones(1), torch.full((1, 20), 1 / 20)
    for row in range(5):
        exact = _answered(exact, drawn[:, row], 4**5, generator(0))
        sampled = _answered(sampled, drawn[:, row], 400, generator(0, str(row)))
    assert len(exact[0]) == 4**5
    assert len(sampled[0]) == 400
    close, gains = _gains(exact, drawn[:, 5:]), _gains(sampled, drawn[:, 5:])
    assert float((close - gains).abs().max()) < 0.03
    assert float(torch.corrcoef(torch.stack([close, gains]))[0, 1]) > 0.99


def test_configurations_are_sampled_independently_of_each_other() -> None:
    # From equal configurations whose next label is an even chance, half get either label.
    known = torch.full((400,), 1 / 400), torch.full((400, 2), 0.5)
    sure = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    _, left = _answered(known, sure, 400, generator(0))
    assert 150 < int((left[:, 0] == 1).sum()) < 250  # 200 expected, with a standard deviation of 10
    assert bool(((left == 0) | (left == 1)).all())


def test_a_sample_is_in_proportion_to_the_weights() -> None:
    places = _sample(torch.tensor([0.5, 0.0, 0.125, 0.375]), 800, generator(0))
    assert places.bincount(minlength=4).tolist() == [400, 0, 100, 300]


def test_epig_by_hand() -> None:
    # The label of either of the first two rows tells that of the other, and none tells the rest.
    scores = Epig().score(view_of(PAIR[:, [2, 2, 1, 0]]), 1)
    torch.testing.assert_close(scores, torch.tensor([math.log(2) / 2, math.log(2) / 2, 0.0, 0.0]))


def test_epig_equals_a_loop_over_rows_and_targets() -> None:
    drawn = random_draws(9, n=60)
    view = view_of(drawn)
    targets = sample(60, 25, view.generator()).tolist()
    probs, expected = drawn.double(), torch.zeros(60, dtype=torch.double)
    for row in range(60):
        for target in targets:
            joint = torch.stack([torch.outer(draw[row], draw[target]) for draw in probs]).mean(0)
            apart = torch.outer(probs[:, row].mean(0), probs[:, target].mean(0))
            expected[row] += (joint * (joint / apart).log()).sum() / 25
    found = Epig(targets=25).score(view, 1)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-8)
    assert bool((found < Bald().score(view, 1)).all())  # no label tells more than the model would
    assert not torch.equal(found, Epig(targets=25).score(view_of(drawn, seed=1), 1))
    whole, again = (Epig().score(view_of(drawn, seed=seed), 1) for seed in (0, 1))
    torch.testing.assert_close(whole, again)  # the whole pool is the target


def test_epig_is_exact_though_the_draws_hardly_differ() -> None:
    drawn = (random_draws(9)[:1] + 1e-2 * random_draws(10)).double()
    drawn /= drawn.sum(2, keepdim=True)
    scores = [Epig().score(view_of(drawn.to(dtype)), 1) for dtype in (torch.float, torch.double)]
    assert 0 < float(scores[1].max()) < 1e-6
    torch.testing.assert_close(scores[0].double(), scores[1], rtol=1e-3, atol=0)


def test_batchbald_by_hand() -> None:
    # Four draws; rows 0 and 1 ask the same question, row 2 asks another that halves them again.
    first = torch.tensor([1.0, 1, 0, 0])
    second = torch.tensor([0.95, 0.05, 0.95, 0.05])
    sure = torch.tensor([1.0, 1, 1, 1])
    chances = torch.stack([first, first, second, sure], 1)
    drawn = torch.stack([chances, 1 - chances], 2)
    scores = scored(BatchBald(), view_of(drawn), 2)
    assert set(scores[:2].tolist()) > {2.0}  # one of the two comes first
    assert float(scores[2]) == 1.0
    assert float(scores.min()) == 0
    assert set(select(Bald(), view_of(drawn), 2).tolist()) == {0, 1}


def test_rows_beyond_the_picks_are_ranked_by_what_they_still_add() -> None:
    drawn = random_draws(7)
    scores = scored(BatchBald(joint=3, samples=64), view_of(drawn), 10)
    order = scores.argsort(descending=True)
    assert scores[order[:3]].tolist() == [3, 2, 1]
    assert float(scores[order[3]]) <= 0.5
    known = torch.ones(1), torch.full((1, 20), 1 / 20)
    for pick in order[:3].tolist():
        known = _answered(known, drawn[:, pick], 64, generator(0))
    gains = _gains(known, drawn)
    assert order[3:].tolist() == [
        row for row in gains.argsort(descending=True).tolist() if row not in order[:3]
    ]


def test_rows_that_were_no_candidates_come_last_by_their_bald() -> None:
    drawn = random_draws(8)
    strategy, bald = BatchBald(joint=2, candidates=10), Bald().score(view_of(drawn), 1)
    order = scored(strategy, view_of(drawn), 3).argsort(descending=True).tolist()
    by_bald = bald.argsort(descending=True).tolist()
    assert set(order[:10]) == set(by_bald[:10])
    assert order[10:] == by_bald[10:]
    # A large batch has more rows ranked by their gains, though no more that are picked.
    wide = scored(strategy, view_of(drawn), 20).argsort(descending=True).tolist()
    assert wide[:2] == order[:2]
    assert wide != order


@pytest.mark.parametrize("seed", range(3))
def test_a_batch_by_batchbald_tells_more_than_one_by_bald(seed: int) -> None:
    drawn = random_draws(seed, classes=3)
    drawn[:, 20:] = drawn[:, :20]  # each row twice, so that BALD asks every question twice
    batches = [select(s, view_of(drawn), 5).tolist() for s in (BatchBald(), Bald())]
    ours, theirs = (joint_information(drawn, batch) for batch in batches)
    assert ours > theirs


def test_notes_say_how_far_batchbald_was_exact() -> None:
    view = view_of(random_draws(0))
    assert noted(BatchBald(samples=64), view) == {"candidates": 40, "exact": 4}
    assert noted(BatchBald(samples=63, candidates=7), view) == {"candidates": 7, "exact": 3}
    assert noted(BatchBald(joint=2), view) == {"candidates": 40, "exact": 2}


@pytest.mark.parametrize("strategy", EACH)
@pytest.mark.parametrize(("n", "classes"), [(1, 2), (1, 200), (7, 2), (30, 200)])
def test_small_pools_many_classes_and_a_budget_of_all(
    strategy: QueryStrategy, n: int, classes: int
) -> None:
    view = view_of(random_draws(0, n=n, classes=classes))
    assert sorted(select(strategy, view, n).tolist()) == list(range(n))


@pytest.mark.parametrize("strategy", EACH)
def test_draws_that_are_all_the_same_tie_all_rows(strategy: QueryStrategy) -> None:
    probs = torch.rand(1, 9, 5, generator=generator(0)).softmax(2).expand(20, -1, -1)
    chosen = {int(select(strategy, view_of(probs, seed=seed), 1)) for seed in range(40)}
    assert len(chosen) > 4
    assert float(Bald().score(view_of(probs), 1).min()) >= 0


@pytest.mark.parametrize("strategy", EACH)
def test_blocks_make_no_difference(
    strategy: QueryStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = view_of(random_draws(4))
    expected = scored(strategy, view, 6)
    monkeypatch.setattr("autoal.strategies.bayesian.BLOCK", 20 * 4 * 3)
    torch.testing.assert_close(scored(strategy, view, 6), expected)


@pytest.mark.parametrize("strategy", EACH)
def test_the_draws_are_all_that_is_read(strategy: QueryStrategy) -> None:
    assert strategy.reads == ("draws",)
    view = view_of(random_draws(4))
    before = view.pool.drawn_probs.clone()
    strategy.score(view, 3)
    assert torch.equal(view.pool.drawn_probs, before)


def test_wrong_options_are_refused() -> None:
    for name in ("joint", "samples", "candidates"):
        with pytest.raises(ValueError, match=f"`{name}` must be at least 1.*, got 0"):
            BatchBald(**{name: 0})
    with pytest.raises(ValueError, match="`targets` must be at least 1, got 0"):
        Epig(targets=0)
