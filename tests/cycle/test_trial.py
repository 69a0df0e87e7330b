from dataclasses import replace

import pytest
import torch
from torch import Tensor

from autoal import Data, Plan, QueryStrategy, Trained, TrueLabels, View
from autoal.cycle.pool import Pool
from autoal.cycle.trial import Trial
from autoal.model.learner import Learner
from autoal.query.strategy import Reads
from autoal.seeding import seeded
from tests.cycle.made import Expected, Make, Small, Spy, Watched, done, facts

KNOWN = torch.arange(0, 60, 5)  # the labelled rows
LABELS = torch.arange(12) % 3


def trial(learner: Learner, data: Data, seed: int = 0, number: int = 1) -> Trial:
    """A trial after twelve rows were labelled, with other classes than the true ones."""
    rows = data.train.without_labels().with_labels(KNOWN, LABELS)
    return Trial(learner, rows, Pool.of(60).label(KNOWN), seed, number)


def weights(learner: Learner) -> Tensor:
    """All of what was learnt, copied."""
    return torch.cat([value.detach().flatten().clone() for value in learner.state_dict().values()])


def test_a_member_is_taught_these_places_of_the_labelled_rows_alone(
    data: Data, small: Small, watched: Watched
) -> None:
    learner = Trained(small().task, watched)
    trial(learner, data).fitted(torch.tensor([1, 4, 9]))
    (rows,) = watched.taught
    assert torch.equal(rows.inputs, data.train.inputs[[5, 20, 45]])
    assert rows.labels.tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("options", "count", "steps"),
    [
        ({"steps": 8}, 12, 8),
        ({"steps": 8}, 6, 4),
        ({"steps": 8}, 3, 2),
        ({"steps": 2}, 1, 1),
        ({"epochs": 6}, 6, 3),
        ({"epochs": 2}, 1, 1),
    ],
)
def test_a_member_s_training_is_shorter_as_its_rows_are_fewer(
    data: Data, small: Small, watched: Watched, options: dict[str, int], count: int, steps: int
) -> None:
    learner = Trained(small(**options).task, watched)
    fitted = trial(learner, data).fitted
    for _ in range(3):
        fitted(torch.arange(count))
    assert watched.steps == [steps] * 3  # one batch an epoch
    assert (learner.task.steps, learner.task.epochs) == (
        options.get("steps", 8),
        options.get("epochs"),
    )


def test_the_members_of_a_round_are_independent_and_follow_from_the_seed(
    data: Data, small: Small
) -> None:
    learner = small()
    before = weights(learner)
    places = torch.arange(6)
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    tried = trial(learner, data)
    members = [tried.fitted(places) for _ in range(3)]
    assert torch.equal(torch.rand(2), expected)
    first, second, third = map(weights, members)
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)
    assert torch.equal(weights(learner), before)
    again = trial(learner, data)
    assert [
        torch.equal(weights(again.fitted(places)), member) for member in (first, second, third)
    ] == [True] * 3
    assert not torch.equal(weights(trial(learner, data, number=2).fitted(places)), first)
    assert not torch.equal(weights(trial(learner, data, seed=1).fitted(places)), first)


def test_to_teach_one_member_more_changes_no_other(data: Data, small: Small) -> None:
    learner = small()
    tried = trial(learner, data)
    members = [tried.fitted(torch.arange(6)) for _ in range(2)]
    before = [weights(other) for other in (learner, members[1])]
    with seeded(0, "more"):
        members[0].fit(data.train, first=False, watch=lambda step: None)
    assert [
        torch.equal(weights(other), old)
        for other, old in zip((learner, members[1]), before, strict=True)
    ] == [True, True]


def test_a_member_is_what_a_fresh_learner_learns(data: Data, small: Small) -> None:
    learner, places = small(), torch.tensor([0, 2, 3, 7, 8, 11])
    with seeded(0, "before"):
        learner.fit(data.train, first=True, watch=lambda step: None)
    member = trial(learner, data).fitted(places)
    other = small(steps=4)  # half of the rows, half of the steps
    with seeded(0, 1, "fitnet"):
        lesson = replace(data.train.take(KNOWN[places]), labels=LABELS[places])
        other.fit(lesson, first=True, watch=lambda step: None)
    assert torch.equal(weights(member), weights(other))


def test_an_outcome_is_the_loss_after_the_training_with_the_true_labels(
    data: Data, small: Small, watched: Watched
) -> None:
    learner = Trained(small().task, watched)
    before = weights(learner)
    truth, queried, judges = data.train.labels, torch.tensor([1, 2]), torch.tensor([7, 8, 9])
    loss = trial(learner, data).outcome(truth, None, queried, judges)
    (rows,) = watched.taught
    numbers = torch.cat([KNOWN, queried]).sort().values
    assert torch.equal(rows.inputs, data.train.inputs[numbers])
    # What was told stays as it was told, even where it is wrong.
    known = truth.clone()
    known[KNOWN] = LABELS
    assert torch.equal(rows.labels, known[numbers])
    assert torch.equal(weights(learner), before)
    other = small()
    with seeded(0, 1, "fit"):
        other.fit(rows, first=False, watch=lambda step: None)
    assert loss == other.test(data.train.take(judges))["nll"]
    validation = data.train.take(torch.tensor([11, 12]))
    judged = trial(learner, data).outcome(truth, validation, queried, judges)
    assert judged == other.test(validation)["nll"]


class Foreseeing(Spy, QueryStrategy):
    """Foretells the loss after the round."""

    reads: Reads = ("outcomes",)

    def __init__(self) -> None:
        self.foretold: list[float] = []

    def score(self, view: View, budget: int) -> Tensor:
        assert view.bench is not None
        assert view.bench.outcome is not None
        scores = torch.rand(len(view.pool), generator=view.generator())
        best = scores.argsort(descending=True)[:budget]
        self.foretold.append(view.bench.outcome(view.pool.rows[best], view.pool.rows[:0]))
        return scores


@pytest.mark.parametrize("warm_start", [False, True])
def test_an_outcome_is_what_the_round_then_comes_to(
    make: Make, data: Data, small: Small, warm_start: bool
) -> None:
    data.validation = data.train.take(torch.arange(9))
    foreseeing = Foreseeing()
    history = done(make(foreseeing, learner=small(warm_start=warm_start)))
    assert foreseeing.foretold == [finished.metrics["val_nll"] for finished in history[1:]]


class Reading(Spy, QueryStrategy):
    """Tells what is on its bench."""

    def __init__(self, reads: Reads) -> None:
        self.reads = reads
        self.found: list[set[str]] = []

    def score(self, view: View, budget: int) -> Tensor:
        bench = view.bench
        assert bench is not None
        assert bench.deep
        there = {"fitted": bench.fitted, "outcomes": bench.outcome, "training": bench.training}
        self.found.append({name for name, tool in there.items() if tool is not None})
        return torch.zeros(len(view.pool))


@pytest.mark.parametrize(
    "reads", [(), ("fitted",), ("outcomes",), ("training",), ("fitted", "training", "probs"), None]
)
def test_a_bench_has_what_the_strategy_names_and_nothing_else(make: Make, reads: Reads) -> None:
    strategy = Reading(reads)
    done(make(strategy, plan=Plan(start=6, budget=5, rounds=1)))
    assert strategy.found == [set(reads or ()) - {"probs"}]


def test_what_is_tried_out_changes_nothing_in_the_experiment(
    make: Make, data: Data, expected: Expected
) -> None:
    class Trying(Spy, QueryStrategy):
        """As margin, after many a try."""

        reads: Reads = ("probs", "labels", "labelled", "fitted", "outcomes")

        def score(self, view: View, budget: int) -> Tensor:
            assert view.bench is not None
            assert view.bench.fitted is not None
            assert view.bench.outcome is not None
            member = view.bench.fitted(torch.arange(3))
            assert view.seen_by(member).pool.probs.shape == view.pool.probs.shape
            view.bench.outcome(view.pool.rows[:2], view.pool.rows[2:6])
            top = view.pool.probs.topk(2, dim=1).values
            return top[:, 1] - top[:, 0]

    history = done(make(Trying()), TrueLabels(data.train.labels))
    assert facts(history) == expected
