import pytest
import torch
from torch import Tensor

from autoal import View
from autoal.maths.coverage import Kernel, ball, greedy_cover, rbf, remoteness
from autoal.maths.geometry import unit
from autoal.maths.pairs import Pairs
from autoal.query.cover import Ground, covering, embedded, predicted
from autoal.seeding import generator

ROWS = torch.randn(40, 4, generator=generator(0, "rows"))
WEIGHTS = torch.rand(30, generator=generator(0, "weights"))
LABELS = torch.tensor([-1] * 30 + [0, 1] * 5)  # the pool comes first


@pytest.fixture
def view() -> View:
    return View.of(ROWS, labels=LABELS)


def even(ground: Ground) -> Kernel:
    return rbf(0.7)


def scores(view: View, weights: Tensor = WEIGHTS, budget: int = 6, most: int = 100) -> Tensor:
    return covering(view, weights, budget, even, most=most, stream=view.generator())


def test_the_batch_is_that_of_a_greedy_cover_of_the_whole_pool(view: View) -> None:
    pool, labelled = unit(ROWS[:30]), unit(ROWS[30:])
    remote = remoteness(pool, labelled)
    picks, rest = greedy_cover(Pairs(pool), remote, WEIGHTS, rbf(0.7), 6)
    found = scores(view)
    assert found.argsort(descending=True)[:6].tolist() == picks
    assert found[picks].tolist() == [6, 5, 4, 3, 2, 1]
    left = [row for row in range(30) if row not in picks]
    assert torch.equal(found[left].argsort(), rest[left].argsort())
    assert float(found[left].max()) <= 0.5


def test_the_kernel_is_made_from_rows_of_length_one_and_how_far_they_are(view: View) -> None:
    grounds: list[Ground] = []

    def kernel(ground: Ground) -> Kernel:
        grounds.append(ground)
        return ball(0.5)

    covering(view, WEIGHTS, 3, kernel, most=100, stream=view.generator())
    (ground,) = grounds
    assert ground.features.shape == (30, 4)
    torch.testing.assert_close(ground.features.norm(dim=1), torch.ones(30))
    torch.testing.assert_close(ground.labelled, unit(ROWS[30:]))
    apart = torch.cdist(ground.features, ground.labelled).amin(1) ** 2
    torch.testing.assert_close(ground.remote, apart, rtol=1e-4, atol=1e-5)


def test_what_the_model_says_is_measured_by_how_far_the_embeddings_are_spread() -> None:
    probs = torch.rand(40, 3, generator=generator(0, "probs"))
    probs /= probs.sum(1, keepdim=True)
    pool, labelled = predicted(View.of(ROWS, probs=probs, labels=LABELS), torch.arange(30))
    for part, rows in ((pool, slice(30)), (labelled, slice(30, None))):
        assert torch.equal(part[:, :4], unit(ROWS[rows]))
        spread = (unit(ROWS[:30]) - unit(ROWS[:30]).mean(0)).square().sum(1).mean().sqrt()
        torch.testing.assert_close(part[:, 4:], 1.5 * spread * probs[rows].sqrt())


def test_where_the_model_says_the_same_of_all_rows_the_embeddings_count_alone() -> None:
    view = View.of(ROWS, probs=torch.full((40, 2), 0.5), labels=LABELS)
    (pool, _), (alone, _) = predicted(view, torch.arange(30)), embedded(view, torch.arange(30))
    torch.testing.assert_close(
        torch.cdist(pool, pool), torch.cdist(alone, alone), atol=1e-3, rtol=0
    )


def test_the_same_rows_are_looked_at_once(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def counted(features: Tensor) -> Tensor:
        looked.append(len(features))
        return unit(features)

    monkeypatch.setattr("autoal.query.cover.unit", counted)
    first, again = scores(view), scores(view)
    assert torch.equal(first, again)
    assert looked == [30, 10]  # the pool and what is labelled
    scores(view, most=12)
    assert looked[2:] == [12, 10]  # a sample is other rows


def test_without_labels_everything_is_infinitely_far() -> None:
    def kernel(ground: Ground) -> Kernel:
        assert ground.labelled.shape == (0, 4)
        assert bool(ground.remote.isinf().all())
        return rbf(0.7)

    view = View.of(ROWS)
    found = covering(view, torch.ones(40), 5, kernel, most=100, stream=view.generator())
    assert sorted(found.tolist())[-5:] == [1, 2, 3, 4, 5]


def test_rows_that_are_worth_nothing_are_not_covered(view: View) -> None:
    worth = torch.zeros(30)
    worth[17] = 1.0
    assert int(scores(view, worth, budget=1).argmax()) == 17  # nothing covers it as it does
    assert scores(view, torch.zeros(30)).tolist() == [0.0] * 30  # no pick: all are left to chance


def test_rows_beyond_the_sample_score_lowest(view: View) -> None:
    drawn = torch.randperm(30, generator=view.generator())[:12]
    found = scores(view, torch.ones(30), most=12)
    outside = torch.ones(30, dtype=torch.bool).index_fill(0, drawn, False)
    assert found[outside].tolist() == [0.0] * 18
    assert bool((found[~outside] > 0).any())
    assert set(found.argsort(descending=True)[:6].tolist()) <= set(drawn.tolist())
    pool, labelled = unit(ROWS[:30])[drawn], unit(ROWS[30:])
    picks, _ = greedy_cover(Pairs(pool), remoteness(pool, labelled), torch.ones(12), rbf(0.7), 6)
    assert found.argsort(descending=True)[:6].tolist() == drawn[picks].tolist()


def test_the_weights_of_the_sample_are_those_of_its_rows(view: View) -> None:
    drawn = torch.randperm(30, generator=view.generator())[:12]
    worth = torch.zeros(30)
    worth[drawn[5]] = 1.0
    assert int(scores(view, worth, budget=1, most=12).argmax()) == int(drawn[5])


def test_the_stream_decides_what_is_sampled(view: View) -> None:
    found = [
        covering(view, WEIGHTS, 6, even, most=12, stream=generator(seed)) for seed in (0, 0, 1)
    ]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
