from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from io import BytesIO
from typing import Any
from weakref import ref

import pytest
import torch
from autoal.strategies.learned import LossPrediction, Tod, _losses
from autoal.strategies.uncertainty import Entropy, Margin
from scipy.stats import spearmanr
from torch import Tensor, nn

from autoal import View, select
from autoal.maths.ranking import LossHead, ranking_loss
from autoal.seeding import generator

MakeView = Callable[..., View]


def test_ranking_loss_by_hand() -> None:
    # Pairs: the first row with the fourth, the second with the fifth, the third with the sixth.
    predicted = torch.tensor([2.0, 0.0, 1.0, 0.5, 0.25, 5.0])
    losses = torch.tensor([1.0, 3.0, 2.0, 0.0, 1.0, 2.0])
    # Larger by 1.5, as wanted: 0. Smaller by 0.25, though wanted larger: 1.25. Tied: the margin.
    assert float(ranking_loss(predicted, losses, 1.0)) == pytest.approx((0 + 1.25 + 1) / 3)
    assert float(ranking_loss(predicted, losses, 2.0)) == pytest.approx((0.5 + 2.25 + 2) / 3)
    odd = torch.cat([predicted, torch.tensor([99.0])]), torch.cat([losses, torch.tensor([-99.0])])
    assert float(ranking_loss(*odd, 1.0)) == pytest.approx((0 + 1.25 + 1) / 3)


def test_the_predicted_loss_by_hand() -> None:
    # The means are 2 and 5; the deviations 1 and 0, of which the second tells nothing.
    head = LossHead(torch.tensor([[1.0, 5.0], [3.0, 5.0]]), 2, generator(0))
    parameters = {
        "layers.0.weight": torch.tensor([[1.0, 9.0], [-2.0, 9.0]]),
        "layers.0.bias": torch.tensor([0.0, 1.0]),
        "layers.2.weight": torch.tensor([[3.0, 0.5]]),
        "layers.2.bias": torch.tensor([0.25]),
    }
    head.load_state_dict(parameters)
    # 4 is 2 deviations up: 3 x 2 + .25, the other unit is off; 0 is 2 down: .5 x (4 + 1) + .25.
    predicted = head(torch.tensor([[4.0, 7.0], [0.0, 5.0]]))
    torch.testing.assert_close(predicted, torch.tensor([6.25, 2.75]))


# Stages of 6 columns, of which the last 3 are the embedding.
HEAD = nn.Linear(3, 2)
with torch.no_grad():
    HEAD.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 0, 0]]))
    HEAD.bias.zero_()


def staged(pool: Tensor, labelled: Tensor, labels: Tensor, seed: int = 0) -> View:
    """A view of these stages."""
    stages, unknown = torch.cat([pool, labelled]), torch.full((len(pool),), -1)
    known = torch.cat([unknown, labels])
    return View.of(stages[:, 3:], stages=stages[:, :3], head=HEAD, labels=known, seed=seed)


def hidden_loss(labelled: int = 200, pool: int = 100, seed: int = 0) -> tuple[View, Tensor]:
    """A view in which the loss follows from the first stage, and that of the pool.

    The model says class 0 with more or less certainty. Where the first column is above 0 it is
    wrong, so that the loss is large there and small elsewhere; the entropy does not tell.
    """
    stages = torch.randn(labelled + pool, 6, generator=generator(0))
    stages[:, 3] = stages[:, 3].abs() + 1
    labels = (stages[:, 0] > 0).long()
    losses = nn.functional.cross_entropy(HEAD(stages[:, 3:]), labels, reduction="none").detach()
    view = staged(stages[labelled:], stages[:labelled], labels[:labelled], seed)
    return view, losses[labelled:]


def known(view: View) -> tuple[Tensor, Tensor]:
    """The stages and the labels of what is labelled."""
    return view.labelled.features.stages, view.labelled.labels


def rank_correlation(first: Tensor, second: Tensor) -> float:
    return float(spearmanr(first.numpy(), second.numpy()).statistic)


def test_the_losses_are_those_of_the_labels() -> None:
    view, _ = hidden_loss()
    chances = view.labelled.features.probs[torch.arange(200), view.labelled.labels]
    torch.testing.assert_close(_losses(view.labelled), -chances.log())


def test_it_learns_which_rows_have_a_large_loss() -> None:
    view, losses = hidden_loss()
    assert rank_correlation(LossPrediction().score(view, 5), losses) > 0.75
    assert abs(rank_correlation(Entropy().score(view, 5), losses)) < 0.5


def test_more_steps_learn_more() -> None:
    view, losses = hidden_loss()
    short, long = (LossPrediction(steps=steps).score(view, 5) for steps in (1, 300))
    assert rank_correlation(long, losses) > rank_correlation(short, losses) + 0.2


def test_scores_are_the_same_at_every_call() -> None:
    view, _ = hidden_loss()
    strategy = LossPrediction(steps=5)
    scores = strategy.score(view, 5)
    assert torch.equal(strategy.score(view, 50), scores)
    assert torch.equal(LossPrediction(steps=5).score(view, 5), scores)
    assert torch.equal(deepcopy(strategy).score(view, 5), scores)
    assert not scores.requires_grad


def test_it_learns_once_for_each_view(monkeypatch: pytest.MonkeyPatch) -> None:
    (view, _), (other, _), trained = hidden_loss(), hidden_loss(), []

    def head(self: LossPrediction, view: View) -> None:
        trained.append(view)

    monkeypatch.setattr(LossPrediction, "_trained", head)
    strategy = LossPrediction()
    for asked in (view, view, other, view):
        strategy.score(asked, 5)
    assert trained == [view, other]
    LossPrediction().score(view, 5)  # another one shares nothing with it
    assert trained == [view, other, view]


def test_what_was_learnt_from_other_labelled_rows_is_not_used() -> None:
    (view, _), (other, _) = hidden_loss(), hidden_loss(labelled=50)
    strategy = LossPrediction(steps=5)
    strategy.score(other, 5)
    assert torch.equal(strategy.score(view, 5), LossPrediction(steps=5).score(view, 5))
    part = replace(view, pool=view.pool.take(torch.arange(10)))
    torch.testing.assert_close(strategy.score(part, 5), strategy.score(view, 5)[:10])


def test_it_does_not_keep_the_features_of_a_round_in_memory() -> None:
    view, _ = hidden_loss()
    strategy = LossPrediction(steps=5)
    strategy.score(view, 5)
    remembered = [ref(part) for part in (view, view.pool, view.labelled.features)]
    assert all(part() is not None for part in remembered)
    del view
    assert all(part() is None for part in remembered)


def test_the_seed_of_the_view_draws_weights_and_pairs_and_no_global_stream() -> None:
    (view, _), (other, _) = hidden_loss(), hidden_loss(seed=1)
    torch.manual_seed(1)
    first, after = LossPrediction(steps=5).score(view, 5), torch.rand(2)
    torch.manual_seed(2)
    assert torch.equal(LossPrediction(steps=5).score(view, 5), first)
    assert not torch.equal(LossPrediction(steps=5).score(other, 5), first)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(2), after)


@pytest.mark.parametrize("labelled", [0, 1])
def test_without_a_pair_it_takes_the_entropy(labelled: int) -> None:
    view, _ = hidden_loss(labelled=labelled)
    assert torch.equal(LossPrediction().score(view, 5), Entropy().score(view, 5))


def test_columns_that_do_not_move_on_the_labelled_rows_are_left_out() -> None:
    view, losses = hidden_loss()
    moving, labels = known(view)
    still = moving.clone()
    still[:, 1:3] = 0
    scores = LossPrediction().score(staged(view.pool.stages, still, labels), 5)
    assert rank_correlation(scores, losses) > 0.75
    changed = view.pool.stages * torch.tensor([1.0, 1e6, -1e6, 1, 1, 1])
    found = LossPrediction().score(staged(changed, still, labels), 5)
    torch.testing.assert_close(found, scores)


def test_without_different_losses_it_takes_the_entropy() -> None:
    view, _ = hidden_loss()
    same = staged(view.pool.stages, torch.ones(9, 6), torch.zeros(9).long())
    assert torch.equal(LossPrediction().score(same, 5), Entropy().score(same, 5))


@pytest.mark.parametrize("labelled", [2, 3])
def test_a_single_pair_and_rows_that_are_the_same_are_finite(labelled: int) -> None:
    view, _ = hidden_loss(labelled=labelled)
    assert bool(LossPrediction(steps=50).score(view, 5).isfinite().all())
    twins = staged(view.pool.stages, torch.ones(2, 6), torch.tensor([0, 1]))
    assert bool(LossPrediction(steps=50).score(twins, 5).isfinite().all())


def test_stages_are_standardised_by_the_labelled_rows() -> None:
    view, losses = hidden_loss()
    shift, scale = torch.tensor([50.0, 0, 0, 0, 0, 0]), torch.tensor([0.1, 1000, 1, 1, 1, 1])
    stages, labels = known(view)
    moved = staged(view.pool.stages * scale + shift, stages * scale + shift, labels)
    # The second column, which says nothing, is now 10,000 times as wide as the first.
    assert rank_correlation(LossPrediction().score(moved, 5), losses) > 0.75


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_stages_in_half_precision(kind: torch.dtype) -> None:
    view, losses = hidden_loss()
    stages, labels = known(view)
    half = staged(view.pool.stages.to(kind), stages.to(kind), labels)
    scores = LossPrediction().score(half, 5)
    assert scores.dtype == torch.float32
    assert rank_correlation(scores, losses) > 0.8


def test_each_says_what_it_reads() -> None:
    assert LossPrediction.reads == ("stages", "probs", "labelled", "labels")
    assert Tod.reads == ("probs",)


@pytest.mark.parametrize("name", ["hidden", "steps", "margin", "learning_rate"])
def test_wrong_options_are_refused(name: str) -> None:
    options: dict[str, Any] = {name: 0}
    with pytest.raises(
        ValueError, match=f"`{name}` must be .* 0, got 0|at least 1 and at most .*, got 0"
    ):
        LossPrediction(**options)


BEFORE = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.75, 0.25], [0.5, 0.5]])
NOW = torch.tensor([[0.5, 0.5], [0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])


def test_tod_by_hand(view_of: MakeView) -> None:
    strategy = Tod()
    strategy.fit(view_of(BEFORE, seed=1))
    view = view_of(NOW, seed=2)
    strategy.fit(view)
    expected = torch.tensor([0.25, 0.0, 0.25, 0.25])  # (0.5 ** 2 + 0.5 ** 2) / 2
    torch.testing.assert_close(strategy.score(view, 1), expected)


def test_the_first_query_is_by_the_margin(view_of: MakeView) -> None:
    strategy, view = Tod(), view_of(BEFORE, seed=1)
    strategy.fit(view)
    torch.testing.assert_close(strategy.score(view, 1), torch.tensor([0.0, 1.0, 0.5, 1.0]))
    torch.testing.assert_close(strategy.score(view, 1), 1 + Margin().score(view, 1))


def numbered(probs: Tensor, rows: list[int], seed: int) -> View:
    """A view whose pool has these row numbers, among rows that are labelled."""
    labels, whole = torch.zeros(50), torch.full((50, 2), 0.5)
    labels[rows], whole[rows] = -1, probs
    return View.of(probs=whole, labels=labels, seed=seed)


def test_rows_without_an_earlier_prediction_are_scaled_to_the_others() -> None:
    strategy = Tod()
    strategy.fit(numbered(BEFORE[[0, 2]], [3, 7], seed=1))
    view = numbered(NOW, [3, 5, 7, 9], seed=2)
    strategy.fit(view)
    # The two that are known change by 0.25 each, and are worth 1 and 0.5 by the margin.
    ratio = 0.25 / 0.75
    expected = torch.tensor([0.25, ratio * 1.0, 0.25, ratio * 0.0])
    torch.testing.assert_close(strategy.score(view, 1), expected)


def test_rows_are_matched_by_their_numbers() -> None:
    strategy = Tod()
    strategy.fit(numbered(BEFORE, [10, 20, 30, 40], seed=1))
    view = numbered(NOW[[0, 1, 3]], [10, 20, 40], seed=2)  # row 30 was labelled since
    strategy.fit(view)
    torch.testing.assert_close(strategy.score(view, 1), torch.tensor([0.25, 0.0, 0.25]))


def test_a_second_fit_in_the_same_round_moves_nothing(view_of: MakeView) -> None:
    strategy, view = Tod(), view_of(NOW, seed=2)
    strategy.fit(view_of(BEFORE, seed=1))
    strategy.fit(view)
    expected = strategy.score(view, 1)
    strategy.fit(view)
    strategy.fit(view_of(BEFORE[:2], seed=2))
    assert torch.equal(strategy.score(view, 1), expected)


def test_only_the_last_round_counts(view_of: MakeView) -> None:
    strategy, view = Tod(), view_of(NOW, seed=3)
    for seed, probs in ((1, NOW), (2, BEFORE), (3, NOW)):
        strategy.fit(view_of(probs, seed=seed))
    torch.testing.assert_close(strategy.score(view, 1), torch.tensor([0.25, 0.0, 0.25, 0.25]))


def test_a_score_without_a_fit_compares_with_the_last_fit(view_of: MakeView) -> None:
    strategy, view = Tod(), view_of(NOW, seed=2)
    torch.testing.assert_close(strategy.score(view, 1), 1 + Margin().score(view, 1))
    strategy.fit(view_of(BEFORE, seed=1))
    unfitted = strategy.score(view, 1)
    strategy.fit(view)
    assert torch.equal(strategy.score(view, 1), unfitted)


def test_no_change_scores_exactly_zero(view_of: MakeView) -> None:
    probs = torch.randn(20, 7, generator=generator(0)).softmax(1)
    strategy, view = Tod(), view_of(probs, seed=2)
    strategy.fit(view_of(probs, seed=1))
    strategy.fit(view)
    assert strategy.score(view, 1).tolist() == [0] * 20
    more = view_of(torch.cat([probs, probs]), seed=2)
    assert strategy.score(more, 1).tolist() == [0] * 40


def saved(state: dict[str, Any]) -> dict[str, Any]:
    file = BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def test_the_memory_outlives_a_run(view_of: MakeView) -> None:
    strategy, resumed, view = Tod(), Tod(), view_of(NOW, seed=2)
    strategy.fit(view_of(BEFORE, seed=1))
    resumed.load_state_dict(saved(strategy.state_dict()))
    for fresh in (strategy, resumed):
        fresh.fit(view)
    assert torch.equal(resumed.score(view, 1), strategy.score(view, 1))
    again = Tod()
    again.load_state_dict(saved(strategy.state_dict()))
    again.fit(view)  # the same round once more, after its query was saved
    assert torch.equal(again.score(view, 1), strategy.score(view, 1))


def test_an_empty_memory_can_be_saved(view_of: MakeView) -> None:
    strategy = Tod()
    strategy.load_state_dict(saved(Tod().state_dict()))
    assert select(strategy, view_of(BEFORE[:1]), 1).tolist() == [0]


def test_the_memory_is_compact_and_on_the_cpu(view_of: MakeView) -> None:
    strategy = Tod()
    strategy.fit(view_of(BEFORE, seed=1))
    strategy.fit(view_of(NOW, seed=2))
    state = strategy.state_dict()
    assert [state[name]["seed"] for name in ("before", "now")] == [1, 2]
    assert state["now"]["probs"].dtype == torch.float16
    assert state["now"]["probs"].device.type == state["now"]["rows"].device.type == "cpu"
    assert state["now"]["probs"].untyped_storage().nbytes() == 4 * 2 * 2
