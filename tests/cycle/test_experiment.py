import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from autoal.strategies.diversity import KMeans
from autoal.strategies.random import Random
from autoal.strategies.uncertainty import Margin
from torch import Tensor, nn

from autoal import (
    Answers,
    ByModel,
    Crowd,
    Data,
    Noisy,
    Oracle,
    Plan,
    Priced,
    QueryStrategy,
    Question,
    Round,
    Rows,
    Salutary,
    Scored,
    Task,
    Trained,
    Training,
    TrueLabels,
    View,
    rounds,
)
from autoal.data.rows import Shape
from autoal.errors import UserError
from autoal.model.features import Features
from autoal.model.fitstep import FitStep
from autoal.model.networks import MLP, Network
from autoal.query.batch import Query
from autoal.query.registry import untaught
from autoal.query.strategy import Facts, Reads
from autoal.record.sink import Sink
from autoal.seeding import seeded
from tests.cycle.made import (
    Attentive,
    Clock,
    Expected,
    Looking,
    Make,
    Small,
    Spy,
    Watched,
    answered,
    asked,
    done,
    facts,
    recorded,
    saved,
    truth,
)


class Counting(Network):
    """Counts the images that are embedded outside training."""

    def __init__(self, shape: Shape, classes: int, counts: list[int]) -> None:
        super().__init__(nn.Flatten(), 64, classes, 0.0)
        self.embed.register_forward_hook(
            lambda module, inputs, output: None if module.training else counts.append(len(output))
        )


class Listener(Sink):
    """Keeps what a sink is told, with only the last of some steps."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.scores: list[list[tuple[int, float]]] = []

    def begin(self, number: int) -> None:
        self.events.append(("begin", number))

    def asked(self, question: Question, query: Query) -> None:
        self.events.append(("asked", question.number))
        self.scores.append([*query.scores_of(question.rows).items()])

    def step(self, step: FitStep) -> None:
        if step.step == step.steps:
            self.events.append(("step", step.step))

    def end(self, finished: Round) -> None:
        self.events.append(("end", finished.number))


def test_every_round_labels_other_rows_and_counts_them(make: Make, data: Data) -> None:
    history = done(make())
    assert [finished.number for finished in history] == [0, 1, 2, 3]
    assert [finished.labelled for finished in history] == [6, 11, 16, 21]
    assert [len(finished.queried) for finished in history] == [6, 5, 5, 5]
    queried = [row for finished in history for row in finished.queried]
    assert len(set(queried)) == 21
    assert set(queried) <= set(range(60))
    assert data.train.labels[queried].tolist() == [
        y for finished in history for y in finished.labels
    ]
    assert [finished.steps for finished in history] == [8, 8, 8, 8]


def test_a_round_is_trained_on_all_labelled_rows_and_tested_on_the_test_set(
    data: Data, small: Small, make: Make, watched: Watched, cpu: Training
) -> None:
    task = small().task
    assert data.test is not None
    experiment, known = make(learner=Trained(task, watched)), list[int]()
    for finished in rounds(experiment, truth(experiment)):
        known = sorted([*known, *finished.queried])
        taught = watched.taught[-1]
        assert torch.equal(taught.labels, data.train.labels[known])
        assert torch.equal(taught.inputs, data.train.inputs[known])
        assert finished.metrics == cpu.test(task, data.test)
    assert len(watched.taught) == 4


def test_the_first_round_tells_how_large_the_largest_class_of_the_test_set_is(
    quick: Make, data: Data
) -> None:
    assert data.test is not None
    data.test = data.test.take(torch.tensor([0, 1, 2, 3, 6]))  # of the classes 0, 1, 2, 0, 0
    history = done(quick(plan=Plan(6, 3, 1)))
    assert [finished.majority for finished in history] == [0.6, 0.0]


def test_a_plan_without_rounds_buys_the_start_set_only(quick: Make) -> None:
    (only,) = done(quick(plan=Plan(start=6, budget=5, rounds=0)))
    assert (only.number, only.labelled, len(only.queried)) == (0, 6, 6)


def test_the_whole_pool_can_be_labelled(quick: Make) -> None:
    history = done(quick(plan=Plan(start=20, budget=20, rounds=2)))
    assert history[-1].labelled == 60
    assert sorted(row for finished in history for row in finished.queried) == list(range(60))


def test_the_same_seed_gives_the_same_experiment(make: Make, expected: Expected) -> None:
    torch.manual_seed(1)
    assert facts(done(make())) == expected


def test_draws_of_others_between_the_rounds_change_nothing(make: Make, expected: Expected) -> None:
    experiment, history = make(), []
    for finished in rounds(experiment, truth(experiment)):
        history.append(finished)
        torch.randn(len(history))
        random.random()
        torch.manual_seed(len(history))
    assert facts(history) == expected


def test_an_experiment_leaves_the_global_stream_as_it_was(make: Make) -> None:
    experiment = make()
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    done(experiment)
    assert torch.equal(torch.rand(3), expected)


def test_another_seed_gives_another_experiment(make: Make, expected: Expected) -> None:
    for one, two in zip(expected, facts(done(make(seed=1))), strict=True):
        assert set(one["queried"]) != set(two["queried"])
        assert one["nll"] != two["nll"]


def test_the_start_set_is_the_same_for_all_strategies(make: Make, expected: Expected) -> None:
    at_random = facts(done(make(Random())))
    assert expected[0] == at_random[0]
    assert expected[1]["queried"] != at_random[1]["queried"]


def test_the_start_set_is_a_random_sample(quick: Make, small: Small) -> None:
    learner = small()
    sets = [asked(quick(learner=learner, seed=seed)).rows.tolist() for seed in range(10)]
    assert len({tuple(rows) for rows in sets}) == 10
    assert len({row for rows in sets for row in rows}) > 25  # of 60: 39 expected


@pytest.mark.parametrize("warm_start", [False, True])
def test_an_interrupted_experiment_goes_on_as_if_it_had_not_been(
    make: Make, small: Small, data: Data, warm_start: bool
) -> None:
    first = make(learner=small(warm_start=warm_start))
    whole, states = [], []
    for finished in rounds(first, truth(first)):
        whole.append(finished)
        states.append(saved(first))
    for count in (1, 2, 3):
        again, oracle = make(learner=small(warm_start=warm_start)), Attentive(data.train.labels)
        again.resume(recorded(whole[:count]), states[count - 1])
        torch.manual_seed(count)
        assert facts(done(again, oracle)) == facts(whole[count:])
        assert oracle.questions == [finished.queried for finished in whole[count:]]
        assert facts(again.history) == facts(whole)


def test_a_warm_start_goes_on_from_the_last_round_and_a_fresh_one_does_not(
    make: Make, small: Small
) -> None:
    def learned(**options: Any) -> Expected:
        return facts(done(make(Random(), learner=small(**options))))

    fresh, warm = learned(), learned(warm_start=True)
    assert warm[0] == fresh[0]
    assert all(one["nll"] != two["nll"] for one, two in zip(fresh[1:], warm[1:], strict=True))
    # To keep nothing and to add the whole of a fresh network is a fresh start.
    assert learned(warm_start=True, shrink=0.0, perturb=1.0) == fresh


def test_an_experiment_that_is_over_has_nothing_left_to_do(quick: Make) -> None:
    over, oracle = quick(), Attentive(torch.zeros(60, dtype=torch.long))
    history = done(over)
    again = quick()
    again.resume(history, saved(over))
    assert done(again, oracle) == []
    assert oracle.questions == []
    assert again.ask() is None


def test_more_rounds_can_be_added_to_an_experiment(
    make: Make, small: Small, expected: Expected
) -> None:
    short = make(plan=Plan(start=6, budget=5, rounds=1))
    history = done(short)
    again = make(learner=small())
    again.resume(history, saved(short))
    assert facts(history + done(again)) == expected


def test_nothing_is_done_before_a_round_is_asked_for(make: Make, data: Data) -> None:
    oracle = Attentive(data.train.labels)
    left = rounds(make(), oracle)
    assert oracle.questions == []
    first = next(left)
    assert oracle.questions == [first.queried]


def test_the_oracle_is_asked_for_the_queried_rows_and_no_others(quick: Make, data: Data) -> None:
    oracle = Attentive(data.train.labels)
    history = done(quick(), oracle)
    assert oracle.questions == [finished.queried for finished in history]


def test_the_labels_of_the_pool_are_known_from_the_oracle_only(
    make: Make, data: Data, expected: Expected
) -> None:
    known = data.train.labels
    data.train = replace(data.train, labels=torch.full_like(known, 999))
    assert facts(done(make(), TrueLabels(known))) == expected


def test_a_strategy_sees_what_the_last_round_left(
    make: Make, data: Data, small: Small, cpu: Training
) -> None:
    strategy, learner = Looking(), small()
    experiment = make(strategy, learner=learner)
    known = answered(experiment).queried
    for number in range(3):
        embeddings = cpu.embed(learner.task, data.train, torch.arange(60))
        with torch.no_grad():
            logits = learner.task.network.head(embeddings)
        queried = answered(experiment).queried
        view = strategy.views[number]
        assert view.classes == 3
        assert view.labelled.features.rows.tolist() == sorted(known)
        assert view.labelled.labels.tolist() == data.train.labels[sorted(known)].tolist()
        assert sorted([*view.pool.rows.tolist(), *known]) == list(range(60))
        for part in (view.pool, view.labelled.features):
            assert torch.equal(part.inputs, data.train.inputs[part.rows])
        torch.testing.assert_close(view.pool.embeddings, embeddings[view.pool.rows])
        torch.testing.assert_close(view.pool.logits, logits[view.pool.rows])
        known = [*known, *queried]
    assert len({view.seed for view in strategy.views}) == 3


def test_a_strategy_can_draw_with_the_dropout_of_the_network(make: Make) -> None:
    drawn: list[Features] = []

    class Drawing(QueryStrategy):
        def score(self, view: View, budget: int) -> Tensor:
            drawn.append(view.pool)
            return view.pool.drawn_probs.var(0).sum(1)

    first = done(make(Drawing()))
    assert all(float(features.drawn_probs.var(0).max()) > 0 for features in drawn)
    assert facts(done(make(Drawing()))) == facts(first)


@pytest.mark.parametrize(
    ("strategy", "expected"), [(Margin(), [54, 49, 44]), (Random(), [])], ids=["margin", "random"]
)
def test_the_backbone_reads_the_pool_once_a_round_if_at_all(
    make: Make, small: Small, strategy: QueryStrategy, expected: list[int]
) -> None:
    counts: list[int] = []
    learner = small(partial(Counting, counts=counts), steps=2)
    history = done(make(strategy, learner=learner))
    assert counts.count(30) == 4  # the test set, once a round
    assert [count for count in counts if count != 30] == expected
    for finished in history:
        assert finished.seconds.keys() == {"train", "test", "features", "score", "total"}
        assert (finished.seconds["features"] > 0) == (bool(expected) and finished.number > 0)
        assert (finished.seconds["score"] > 0) == (finished.number > 0)


def test_a_sink_is_told_of_the_beginning_the_question_and_the_steps_of_a_round_but_not_its_end(
    make: Make,
) -> None:
    sink = Listener()
    experiment = make(sink=sink)
    left = rounds(experiment, truth(experiment))
    assert sink.events == []
    next(left)
    assert sink.events == [("begin", 0), ("asked", 0), ("step", 8)]
    list(left)
    assert sink.events == [
        event for n in range(4) for event in (("begin", n), ("asked", n), ("step", 8))
    ]


def test_a_sink_is_told_of_the_scores_by_which_rows_were_chosen(make: Make) -> None:
    sink = Listener()
    history = done(make(sink=sink))
    assert sink.scores[0] == []  # the start is drawn
    for finished, scores in zip(history[1:], sink.scores[1:], strict=True):
        best = sorted(scores, key=lambda each: each[1], reverse=True)
        assert [row for row, _ in best] == finished.queried


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            lambda rows: torch.zeros(len(rows) + 1, dtype=torch.long),
            r"labels of the shape \(7,\) for 6 rows",
        ),
        (
            lambda rows: torch.zeros(len(rows), 1, dtype=torch.long),
            r"labels of answers must be .* got the shape \(6, 1\)",
        ),
        (
            lambda rows: torch.zeros((), dtype=torch.long),
            r"labels of answers must be .* got the shape \(\)",
        ),
        (lambda rows: torch.full_like(rows, 3), "answered 3; classes go from 0 to 2"),
        (lambda rows: torch.full_like(rows, -1), "answered -1; classes go from 0 to 2"),
        (lambda rows: torch.full((len(rows),), float("nan")), "one for each, got nan"),
        (lambda rows: torch.full((len(rows),), 0.5), "one for each, got 0.5"),
    ],
    ids=["one too many", "table", "one for all", "too high", "negative", "nan", "half"],
)
def test_an_answer_that_is_no_class_is_refused(
    make: Make, labels: Callable[[Tensor], Tensor], message: str
) -> None:
    def oracle(question: Question) -> Answers:
        return Answers(question.rows, labels(question.rows))

    with pytest.raises(ValueError, match=message):
        next(rounds(make(), oracle))


def test_answers_of_any_whole_number_type_are_taken(
    make: Make, data: Data, expected: Expected
) -> None:
    for labels in (data.train.labels.to(torch.uint8), data.train.labels.double()):
        history = done(make(plan=Plan(start=6, budget=5, rounds=1)), TrueLabels(labels))
        assert facts(history) == expected[:2]


def test_a_plan_that_the_pool_cannot_serve_is_refused_before_any_round(make: Make) -> None:
    with pytest.raises(ValueError, match="6 \\+ 11 x 5 = 61 labels, but the pool has only 60"):
        make(plan=Plan(start=6, budget=5, rounds=11))


def test_a_history_that_labels_a_row_twice_is_refused(quick: Make) -> None:
    experiment = quick()
    first = answered(experiment)
    with pytest.raises(ValueError, match="is already labelled"):
        quick().resume([first, first], saved(experiment))


def test_a_task_that_was_looked_at_between_the_rounds_is_trained_the_same(
    make: Make, small: Small, data: Data, expected: Expected
) -> None:
    learner = small()
    assert data.test is not None
    experiment, history = make(learner=learner), []
    for finished in rounds(experiment, truth(experiment)):
        history.append(finished)
        with torch.no_grad(), seeded(0, "look"):
            learner.task.eval()(data.test.inputs)
    assert facts(history) == expected


class Remembering(QueryStrategy):
    """Counts its queries, and says so."""

    reads: Reads = ("probs", "stages")

    def fit(self, view: View) -> None:
        assert view.pool.stages.shape[1] == 16 + 8

    def score(self, view: View, budget: int) -> Scored:
        return Scored(view.pool.probs.amax(1), {"pool": len(view.pool)})


def test_validation_rows_count_as_labelled_and_are_tested_on(make: Make, data: Data) -> None:
    held_out = data.train.take(torch.arange(4))
    data.validation = held_out
    looking = Looking()
    history = done(make(looking))
    assert [finished.labelled for finished in history] == [10, 15, 20, 25]
    for finished in history:
        assert {"accuracy", "val_accuracy", "val_nll"} <= set(finished.metrics)
    assert history[-1].metrics["val_accuracy"] in (0, 0.25, 0.5, 0.75, 1)
    view = looking.views[0]
    assert view.validation is not None
    assert torch.equal(view.validation.features.inputs, held_out.inputs)
    assert torch.equal(view.validation.labels, held_out.labels)


def test_without_validation_rows_a_view_has_none(quick: Make) -> None:
    looking = Looking()
    done(quick(looking, plan=Plan(start=6, budget=5, rounds=1)))
    assert looking.views[0].validation is None


def test_without_test_rows_nothing_is_measured(quick: Make, data: Data, quickly: Expected) -> None:
    data.test = None
    history = done(quick())
    assert [finished.metrics for finished in history] == [{}] * 4
    assert [finished.queried for finished in history] == [line["queried"] for line in quickly]
    data.validation = data.train.take(torch.arange(4))
    (only,) = done(quick(plan=Plan(start=6, budget=5, rounds=0)))
    assert {name.partition("_")[0] for name in only.metrics} == {"val"}


def test_a_strategy_that_reads_stages_gets_them_and_its_notes_are_kept(
    make: Make, small: Small
) -> None:
    learner = small(partial(MLP, hidden=(16, 8)), steps=2)
    history = done(make(Remembering(), learner=learner))
    assert [finished.notes for finished in history] == [
        {},
        {"pool": 54},
        {"pool": 49},
        {"pool": 44},
    ]
    assert recorded(history)[1] == history[1]


def test_stages_that_nobody_reads_are_not_there(quick: Make) -> None:
    looking = Looking()
    done(quick(looking, plan=Plan(start=6, budget=5, rounds=1)))
    assert not looking.views[0].pool.has_stages


class Noting(QueryStrategy):
    """Has one set of notes, which it changes in every round."""

    reads: Reads = ()

    def __init__(self) -> None:
        self.notes: dict[str, Any] = {"queries": 0, "weights": {"a": 0}}

    def score(self, view: View, budget: int) -> Scored:
        self.notes["queries"] += 1
        return Scored(torch.zeros(len(view.pool)), self.notes)


def test_notes_are_a_copy(quick: Make) -> None:
    history = done(quick(Noting()))
    assert [finished.notes.get("queries") for finished in history] == [None, 1, 2, 3]


def test_notes_inside_notes_are_a_copy_too(quick: Make) -> None:
    class Weighing(Noting):
        def score(self, view: View, budget: int) -> Scored:
            self.notes["weights"]["a"] += 1
            return super().score(view, budget)

    history = done(quick(Weighing(), plan=Plan(start=6, budget=5, rounds=2)))
    assert [finished.notes["weights"] for finished in history[1:]] == [{"a": 1}, {"a": 2}]


# Labels that nobody is asked for


def class_two(question: Question) -> Answers:
    """Labels, given unasked, by somebody who knows one class only; the start set is bought."""
    cost = torch.zeros(len(question.rows)) if question.number else None
    return Answers(question.rows, torch.full_like(question.rows, 2), "class two", cost)


class OfClassTwo(Spy, QueryStrategy):
    """Takes all rows for those of one class."""

    reads: Reads = ()
    suggests = True

    def score(self, view: View, budget: int) -> Scored:
        labels = torch.full((len(view.pool),), 2)
        return Scored(torch.rand(len(labels), generator=view.generator()), {}, labels)


def test_labels_that_a_strategy_suggests_are_given_unasked_and_the_start_set_is_bought(
    quick: Make, data: Data
) -> None:
    strategy = OfClassTwo()
    labels = data.train.labels
    history = done(quick(strategy), Salutary(TrueLabels(labels), strategy, labels))
    assert history[0].labels == labels[history[0].queried].tolist()
    for finished in history[1:]:
        assert finished.labels == [2] * 5
        assert finished.bought == 0
        assert finished.cost is None
        assert finished.unasked
        assert finished.wrong == int((labels[finished.queried] != 2).sum())
    assert sum(finished.wrong or 0 for finished in history) > 0
    assert (history[0].bought, history[0].wrong) == (6, 0)
    assert [finished.labelled for finished in history] == [6, 11, 16, 21]


@pytest.mark.parametrize(("build", "by"), [(Salutary, "strategy"), (ByModel, "model")])
def test_the_record_tells_who_answered(
    quick: Make, data: Data, build: Callable[..., Oracle], by: str
) -> None:
    strategy = OfClassTwo()
    history = done(quick(strategy), build(TrueLabels(data.train.labels), strategy))
    assert [finished.by for finished in recorded(history)] == ["truth", by, by, by]


@pytest.mark.parametrize("names", [None, [*map(str, range(60))]])
def test_the_record_tells_what_the_rows_are_called(
    quick: Make, data: Data, names: list[str] | None
) -> None:
    data.train = replace(data.train, names=names)
    called = data.train.named(torch.arange(60))
    assert set(called) == set(names or [f"train[{place}]" for place in range(60)])
    for finished in recorded(done(quick())):
        assert finished.names == [called[row] for row in finished.queried]


@pytest.mark.parametrize("build", [Salutary, ByModel])
def test_who_answers_at_the_start_is_asked_the_start_set_alone(
    quick: Make, data: Data, build: Callable[..., Oracle]
) -> None:
    strategy, oracle = OfClassTwo(), Attentive(data.train.labels)
    history = done(quick(strategy), build(oracle, strategy))
    assert oracle.questions == [history[0].queried]


def test_a_model_labels_what_is_chosen_by_what_it_predicted_before(
    make: Make, data: Data, small: Small, cpu: Training
) -> None:
    learner = small()
    experiment = make(Random(), learner=learner)
    oracle = ByModel(truth(experiment), labels=data.train.labels)
    assert experiment.tell(oracle(asked(experiment))).bought == 6
    for _ in range(3):
        question = asked(experiment)
        with torch.no_grad():
            embeddings = cpu.embed(learner.task, data.train, question.rows)
            predicted = learner.task.network.head(embeddings).argmax(1)
        finished = experiment.tell(oracle(question))
        assert finished.labels == predicted.tolist()
        assert (finished.bought, finished.cost, finished.unasked) == (0, None, True)
        assert finished.wrong == int((predicted != data.train.labels[question.rows]).sum())


def test_the_labels_given_are_those_that_the_task_learns_and_the_strategy_sees(
    make: Make, small: Small, watched: Watched
) -> None:
    looking = Looking()
    learner = Trained(small().task, watched)
    done(make(looking, learner=learner), class_two)
    taught = [rows.labels.tolist() for rows in watched.taught]
    assert [labels.count(2) for labels in taught] == [6, 11, 16, 21]
    assert [view.labelled.labels.tolist() for view in looking.views] == taught[:-1]


def test_whoever_answers_sees_the_round_as_the_strategy_does(quick: Make) -> None:
    looking, questions = Looking(), list[Question]()

    def oracle(question: Question) -> Answers:
        questions.append(question)
        return class_two(question)

    history = done(quick(looking), oracle)
    assert questions[0].view is None
    assert [question.view for question in questions[1:]] == looking.views
    assert [question.rows.tolist() for question in questions] == [
        finished.queried for finished in history
    ]


def test_an_interrupted_experiment_keeps_the_labels_that_were_given(quick: Make) -> None:
    short = quick(plan=Plan(start=6, budget=5, rounds=1))
    whole = done(short, class_two)
    looking = Looking()
    again = quick(looking)
    again.resume(recorded(whole), saved(short))
    # Another oracle goes on, who would have labelled the past otherwise.
    next(rounds(again, lambda question: Answers(question.rows, torch.zeros_like(question.rows))))
    given = [
        pair for finished in whole for pair in zip(finished.queried, finished.labels, strict=True)
    ]
    assert looking.views[0].labelled.labels.tolist() == [label for _, label in sorted(given)]


def test_labels_are_bought_of_the_oracle_and_held_out_rows_with_the_start_set(
    quick: Make, data: Data
) -> None:
    data.validation = data.train.take(torch.arange(4))
    history = done(quick())
    assert [finished.bought for finished in history] == [10, 5, 5, 5]
    assert [finished.wrong for finished in history] == [0, 0, 0, 0]


def test_nobody_counts_wrong_labels_where_nobody_knows_the_truth(quick: Make, data: Data) -> None:
    def oracle(question: Question) -> list[int]:
        return data.train.labels[question.rows].tolist()

    experiment = quick()
    for _ in range(4):
        assert experiment.tell(oracle(asked(experiment))).wrong is None


@pytest.mark.parametrize("name", ["noisy", "crowd", "priced", "all", "model"])
def test_wrong_labels_are_counted_whoever_passes_the_truth_on(
    quick: Make, data: Data, name: str
) -> None:
    known = TrueLabels(data.train.labels)
    oracles: dict[str, Oracle] = {
        "noisy": Noisy(known, 0.5),
        "crowd": Crowd(Noisy(known, 0.5), people=3),
        "priced": Priced(Noisy(known, 0.5), 2.0),
        "all": Priced(Crowd(Noisy(known, 0.5), votes=2), torch.full((60,), 0.5)),
        "model": ByModel(Noisy(known, 0.5), labels=data.train.labels),
    }
    history = done(quick(plan=Plan(start=20, budget=20, rounds=1)), oracles[name])
    for finished in history:
        differ = torch.tensor(finished.labels) != data.train.labels[finished.queried]
        assert finished.wrong == int(differ.sum())
    assert sum(finished.wrong or 0 for finished in history) > 0


def test_what_labels_cost_is_recorded_where_it_is_not_one_for_each(quick: Make, data: Data) -> None:
    known = TrueLabels(data.train.labels)
    plan = Plan(start=6, budget=5, rounds=1)
    plain, agreed = done(quick(plan=plan), known), done(quick(plan=plan), Crowd(known))
    assert [(finished.bought, finished.cost) for finished in plain] == [(6, None), (5, None)]
    assert [(finished.bought, finished.cost) for finished in agreed] == [(6, 18.0), (5, 15.0)]
    priced = done(quick(plan=plan), Priced(known, torch.arange(60.0) / 4))
    for finished in priced:
        assert finished.cost == sum(row / 4 for row in finished.queried)


def test_a_strategy_refuses_what_it_cannot_serve_before_anything_is_done(
    make: Make, data: Data
) -> None:
    class Particular(Margin):
        def check(self, facts: Facts) -> None:
            raise UserError(f"validation rows: {facts.validation}")

    with pytest.raises(UserError, match="validation rows: None"):
        make(Particular())
    data.validation = data.train.take(torch.arange(4))
    with pytest.raises(UserError, match="validation rows: tensor"):
        make(Particular())


def test_a_strategy_is_told_the_facts_of_the_experiment(
    make: Make, quick: Make, data: Data
) -> None:
    heard: list[Facts] = []

    class Listening(Margin):
        def check(self, facts: Facts) -> None:
            heard.append(facts)

    make(Listening())
    (known,) = heard
    assert (known.pool, known.classes, known.validation) == (60, 3, None)
    assert (known.deep, known.draws, known.headed) == (True, True, True)
    assert (known.revealed, known.pictures) == (True, True)
    data.train = Rows(data.train.inputs.float(), torch.tensor([*[0] * 59, -1]))
    quick(Listening())
    assert (heard[1].deep, heard[1].revealed, heard[1].pictures) == (False, False, False)


def test_outcomes_are_refused_where_not_all_labels_are_known(quick: Make, data: Data) -> None:
    class Seeing(Margin):
        reads: Reads = ("outcomes",)

    quick(Seeing())
    data.train = replace(data.train, labels=torch.tensor([*[0] * 59, -1]))
    with pytest.raises(UserError, match="Seeing sees outcomes: it needs data of which all labels"):
        quick(Seeing())


# Asking and telling


def test_the_same_question_is_asked_until_it_is_answered(quick: Make, quickly: Expected) -> None:
    sink = Listener()
    experiment = quick(sink=sink)
    for number in range(4):
        question = asked(experiment)
        assert experiment.ask() is question
        assert (question.number, question.person) == (number, 0)
        assert question.rows.tolist() == quickly[number]["queried"]
        assert (question.view is None) == (number == 0)
        answered(experiment)
    assert experiment.ask() is None
    assert [event for event in sink.events if event[0] == "begin"] == [
        ("begin", number) for number in range(4)
    ]


def test_a_question_shows_what_a_person_sees_and_names_what_can_be_answered(
    quick: Make, data: Data
) -> None:
    names = [f"picture {row}" for row in range(60)]
    data.train = replace(data.train, names=names)
    question = asked(quick())
    assert question.classes == ("upper", "middle", "lower")
    assert isinstance(question.shown, Tensor)
    assert isinstance(data.train.shown, Tensor)
    assert torch.equal(question.shown, data.train.shown[question.rows])
    assert question.names == [names[row] for row in question.rows.tolist()]
    assert question.suggested is None


def test_the_classes_that_a_strategy_suggests_stand_in_the_question(quick: Make) -> None:
    class Parity(QueryStrategy):
        suggests = True

        def score(self, view: View, budget: int) -> Scored:
            rows = view.pool.rows
            return Scored(torch.rand(len(rows), generator=view.generator()), {}, rows % 2)

    experiment = quick(Parity())
    assert asked(experiment).suggested is None  # nothing has chosen the start
    answered(experiment)
    question = asked(experiment)
    assert question.suggested is not None
    assert torch.equal(question.suggested, question.rows % 2)


def test_a_question_that_was_left_open_is_asked_again_after_a_restart(
    quick: Make, quickly: Expected
) -> None:
    first = quick()
    answered(first)
    answered(first)
    state = saved(first)
    question = asked(first)
    again = quick()
    again.resume(recorded(first.history), state)
    torch.manual_seed(5)
    repeated = asked(again)
    assert (repeated.number, repeated.rows.tolist()) == (2, question.rows.tolist())
    assert facts([*again.history, *done(again)]) == quickly


def numpy_labels(labels: list[int]) -> Any:
    return torch.tensor(labels).numpy()


@pytest.mark.parametrize(
    "form",
    [
        list,
        tuple,
        torch.tensor,
        lambda labels: torch.tensor(labels).to(torch.uint8),
        lambda labels: torch.tensor(labels).double(),
        numpy_labels,
        lambda labels: numpy_labels(labels).astype("float32"),
        lambda labels: [float(label) for label in labels],
        lambda labels: [("upper", "middle", "lower")[label] for label in labels],
        lambda labels: [("upper", label, "lower")[label] for label in labels],
    ],
    ids=[
        *("list", "tuple", "tensor", "bytes", "double", "array", "floats", "list of floats"),
        *("names", "names and numbers"),
    ],
)
def test_answers_come_in_whatever_form(
    quick: Make, data: Data, quickly: Expected, form: Callable[[list[int]], Any]
) -> None:
    experiment = quick(plan=Plan(start=6, budget=5, rounds=1))
    while (question := experiment.ask()) is not None:
        experiment.tell(form(data.train.labels[question.rows].tolist()))
    told = {"wrong": None, "by": ""}  # by nobody who has told the truth, or a name
    wanted = [{**line, **told} for line in quickly[:2]]
    assert facts(experiment.history) == wanted


@pytest.mark.parametrize(
    "form",
    [
        lambda labels: labels,
        lambda labels: [None if label == -1 else label for label in labels],
        lambda labels: [float("nan") if label == -1 else label for label in labels],
        lambda labels: torch.tensor(labels),
        lambda labels: torch.tensor(labels).float().where(torch.tensor(labels) >= 0, torch.nan),
        lambda labels: numpy_labels(labels),
        lambda labels: [
            None if label == -1 else ("upper", "middle", "lower")[label] for label in labels
        ],
    ],
    ids=["-1", "None", "NaN", "tensor", "tensor of NaN", "array", "names and None"],
)
def test_rows_are_declined_in_whatever_form(
    quick: Make, data: Data, form: Callable[[list[int]], Any]
) -> None:
    experiment = quick()
    rows = asked(experiment).rows
    labels = data.train.labels[rows].tolist()
    labels[1] = labels[4] = -1
    finished = experiment.tell(form(labels))
    assert finished.declined == rows[[1, 4]].tolist()
    assert finished.queried == rows[[0, 2, 3, 5]].tolist()
    assert finished.labels == [labels[place] for place in (0, 2, 3, 5)]
    assert (finished.labelled, finished.bought) == (4, 4)


class Choosy(Attentive):
    """Declines every third row."""

    def __call__(self, question: Question) -> Answers:
        answers = super().__call__(question)
        return answers.take(answers.rows % 3 != 0)


def test_declined_rows_are_set_aside_and_never_asked_about_again(quick: Make, data: Data) -> None:
    oracle = Choosy(data.train.labels)
    experiment = quick(plan=Plan(start=12, budget=12, rounds=4))
    history = done(experiment, oracle)
    assert sorted(row for rows in oracle.questions for row in rows) == list(range(60))
    for finished, rows in zip(history, oracle.questions, strict=True):
        assert finished.queried == [row for row in rows if row % 3]
        assert finished.declined == [row for row in rows if row % 3 == 0]
    assert history[-1].labelled == 40
    assert experiment.rows.labels[::3].tolist() == [-1] * 20


def test_declined_rows_stay_aside_after_a_restart(quick: Make, data: Data) -> None:
    plan = Plan(start=12, budget=12, rounds=4)
    first, oracle = quick(plan=plan), Choosy(data.train.labels)
    left = rounds(first, oracle)
    next(left)
    next(left)
    looking = Looking()
    again = quick(looking, plan=plan)
    again.resume(recorded(first.history), saved(first))
    assert facts(done(again, oracle)) == facts(left)
    aside = [row for finished in first.history[:2] for row in finished.declined]
    assert len(aside) > 2
    assert not set(aside) & set(looking.views[0].pool.rows.tolist())
    assert not set(aside) & set(looking.views[0].labelled.features.rows.tolist())


@pytest.mark.parametrize("start", [None, "coreset"])
def test_where_the_start_is_declined_whole_other_rows_are_asked_about(
    quick: Make, start: str | None
) -> None:
    experiment = quick(start=start)
    rows = asked(experiment).rows
    empty = experiment.tell([-1] * 6)
    assert (empty.number, empty.declined, empty.queried) == (0, rows.tolist(), [])
    assert (empty.labelled, empty.metrics, empty.steps, empty.bought) == (0, {}, 0, 0)
    again = quick(start=start)
    again.resume(recorded(experiment.history), saved(experiment))
    question = asked(experiment)
    assert (question.number, question.view, len(question.rows)) == (1, None, 6)
    assert not torch.isin(question.rows, rows).any()
    assert torch.equal(asked(again).rows, question.rows)
    assert facts(done(again)) == facts(done(experiment))
    assert [finished.labelled for finished in experiment.history] == [0, 6, 11, 16]


def test_a_pool_of_which_every_row_is_declined_ends_the_experiment(quick: Make) -> None:
    experiment = quick(plan=Plan(start=40, budget=1, rounds=3))
    history = done(experiment, lambda question: [None] * len(question.rows))
    assert [len(finished.declined) for finished in history] == [40, 20]
    assert experiment.stopped == "no row is left that could be asked about"


def test_a_later_batch_that_is_declined_whole_costs_a_round(
    quick: Make, data: Data, quickly: Expected
) -> None:
    experiment = quick()
    answered(experiment)
    rows = asked(experiment).rows.tolist()
    finished = experiment.tell([None] * 5)
    assert (finished.queried, finished.labels, finished.declined) == ([], [], rows)
    assert (finished.labelled, finished.bought, finished.cost) == (6, 0, None)
    assert not finished.unasked
    assert recorded([finished]) == [finished]
    again = quick()
    again.resume(recorded(experiment.history), saved(experiment))
    assert not set(asked(experiment).rows.tolist()) & set(rows)
    assert facts(done(again)) == facts(done(experiment))


def test_a_pool_that_runs_dry_ends_the_experiment(quick: Make) -> None:
    most = quick(plan=Plan(start=16, budget=20, rounds=2))
    reasons: list[int] = []

    def stop(history: Any, view: View) -> str:
        reasons.append(len(history))
        return ""

    history = done(most)
    last = quick(plan=Plan(start=6, budget=5, rounds=9), stop=stop)
    last.resume(history, saved(most))
    (finished,) = done(last)  # four rows are left, fewer than a batch
    assert (len(finished.queried), finished.labelled) == (4, 60)
    assert (last.ask(), last.ask()) == (None, None)
    assert last.stopped == "no row is left that could be asked about"
    assert reasons == [4]
    over = quick(plan=Plan(start=6, budget=5, rounds=9))
    over.resume(last.history, saved(last))
    assert over.ask() is None


def test_answers_in_another_order_are_put_in_that_of_the_question(
    quick: Make, quickly: Expected
) -> None:
    experiment = quick()
    while (question := experiment.ask()) is not None:
        answers = truth(experiment)(question)
        order = torch.randperm(len(answers.rows), generator=torch.Generator().manual_seed(0))
        experiment.tell(answers.take(order))
    assert facts(experiment.history) == quickly


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows, labels: labels[:-1], "5 answers to 6 questions"),
        (lambda rows, labels: [*labels, 0], "7 answers to 6 questions"),
        (lambda rows, labels: 1, "no list of answers to 6 questions"),
        (lambda rows, labels: {0: 1}, "no list of answers to 6 questions"),
        (lambda rows, labels: [[label, 0] for label in labels], "several labels a row are not"),
        (lambda rows, labels: [*labels[:-1], 3], "3 is not a class: they go from 0 to 2"),
        (lambda rows, labels: [*labels[:-1], -2], "-2 is not a class: they go from 0 to 2"),
        (lambda rows, labels: [*labels[:-1], 0.5], "0.5 is not a class"),
        (lambda rows, labels: [*labels[:-1], float("inf")], "inf is not a class"),
        (lambda rows, labels: [*labels[:-1], "uper"], "'uper' is not one of the classes upper"),
        (
            lambda rows, labels: Answers(rows + 60, torch.tensor(labels)),
            r"answered for row \d+, which nobody had asked about",
        ),
        (
            lambda rows, labels: Answers(rows[[0, 0]], torch.tensor(labels[:2])),
            "answered twice for a row",
        ),
        (
            lambda rows, labels: Answers(rows[:, None], torch.tensor(labels)[:, None]),
            r"rows of answers must be .* got the shape \(6, 1\)",
        ),
        (lambda rows, labels: Answers(rows, torch.tensor(labels) + 3), "classes go from 0 to 2"),
    ],
    ids=[
        *("too few", "too many", "one", "mapping", "table", "too high", "too low", "half"),
        *("infinite", "name", "foreign rows", "repeated rows", "table of rows", "no classes"),
    ],
)
def test_answers_that_cannot_be_are_refused_and_the_question_stays_open(
    quick: Make, data: Data, quickly: Expected, spoil: Callable[..., Any], message: str
) -> None:
    experiment = quick(plan=Plan(start=6, budget=5, rounds=0))
    question = asked(experiment)
    with pytest.raises(ValueError, match=message):
        experiment.tell(spoil(question.rows, data.train.labels[question.rows].tolist()))
    assert experiment.ask() is question
    assert facts(done(experiment)) == quickly[:1]


def test_what_is_no_answer_is_refused_in_later_rounds_too(
    quick: Make, data: Data, quickly: Expected
) -> None:
    experiment = quick()
    answered(experiment)
    question = asked(experiment)
    with pytest.raises(ValueError, match="the oracle answered 3; classes go from 0 to 2"):
        experiment.tell(Answers(question.rows, torch.full_like(question.rows, 3)))
    assert experiment.ask() is question
    done(experiment)
    assert facts(experiment.history) == quickly


def test_nobody_can_answer_what_was_not_asked(quick: Make) -> None:
    experiment = quick()
    with pytest.raises(RuntimeError, match="there is no question"):
        experiment.tell([0] * 6)
    answered(experiment)
    with pytest.raises(RuntimeError, match="there is no question"):
        experiment.tell([0] * 6)


@dataclass(frozen=True)
class Failing(Training):
    """Stops once, when a training on this many rows is nearly done."""

    left: list[int] = field(default_factory=list)

    def fit(self, task: Task, rows: Rows, watch: Any) -> int:
        steps = super().fit(task, rows, watch)
        if len(rows) in self.left:
            self.left.remove(len(rows))
            raise KeyboardInterrupt
        return steps


@pytest.mark.parametrize("warm_start", [False, True])
def test_after_a_fit_that_failed_the_same_answers_lead_to_the_same_round(
    make: Make, small: Small, data: Data, warm_start: bool
) -> None:
    whole = facts(done(make(learner=small(warm_start=warm_start))))
    failing = Failing(accelerator="cpu", left=[11])
    experiment = make(learner=Trained(small(warm_start=warm_start).task, failing))
    answered(experiment)
    rows = asked(experiment).rows
    with pytest.raises(KeyboardInterrupt):
        answered(experiment)
    assert len(experiment.history) == 1
    assert (experiment.rows.labels >= 0).sum() == 6
    assert torch.equal(asked(experiment).rows, rows)
    done(experiment)
    assert facts(experiment.history) == whole


def test_after_a_fit_that_failed_a_model_still_answers(make: Make, small: Small) -> None:
    failing = Failing(accelerator="cpu", left=[11])
    experiment = make(learner=Trained(small().task, failing))
    oracle = ByModel(truth(experiment))
    experiment.tell(oracle(asked(experiment)))
    given = oracle(asked(experiment)).labels.tolist()
    with pytest.raises(KeyboardInterrupt):
        experiment.tell(oracle(asked(experiment)))
    finished = experiment.tell(oracle(asked(experiment)))
    assert (finished.labels, finished.bought) == (given, 0)


# The view


def test_a_view_that_is_kept_gives_what_its_own_round_saw(
    make: Make, data: Data, small: Small
) -> None:
    class Keeping(Spy, Random):
        def __init__(self) -> None:
            self.views: list[View] = []

        def score(self, view: View, budget: int) -> Tensor:
            self.views.append(view)
            return super().score(view, budget)

    keeping, learner = Keeping(), small()
    experiment = make(keeping, learner=learner)
    answered(experiment)
    looks: list[tuple[Tensor, Tensor, Tensor]] = []
    for _ in range(3):
        pool = torch.arange(60)[experiment.rows.labels < 0]
        look = learner.look(data.train, pool, 0)
        looks.append((look.rows, look.embeddings, look.logits))
        answered(experiment)
    assert not torch.equal(looks[0][1][:40], looks[1][1][:40])
    # In any order, since all of them outlive the round in which they were made.
    for view, (rows, embeddings, logits) in zip(keeping.views[::-1], looks[::-1], strict=True):
        assert torch.equal(view.pool.rows, rows)
        assert torch.equal(view.pool.embeddings, embeddings)
        assert torch.equal(view.pool.logits, logits)


@pytest.mark.parametrize("strategy", [Margin(), Random()], ids=["margin", "random"])
def test_no_network_is_copied_where_nobody_holds_the_view(
    make: Make, copies: list[Task], strategy: QueryStrategy
) -> None:
    done(make(strategy))
    assert copies == []


def test_a_network_is_copied_once_a_round_where_somebody_holds_the_view(
    make: Make, copies: list[Task], small: Small
) -> None:
    learner, questions = small(), list[Question]()
    experiment = make(Random(), learner=learner)

    def oracle(question: Question) -> Answers:
        questions.append(question)
        return truth(experiment)(question)

    done(experiment, oracle)
    assert copies == [learner.task] * 3


# Time


def test_the_time_between_question_and_answer_is_not_counted(quick: Make, clock: Clock) -> None:
    class Slow(Random):
        def score(self, view: View, budget: int) -> Tensor:
            clock.tick(3)
            return super().score(view, budget)

    experiment = quick(Slow(), plan=Plan(start=6, budget=5, rounds=1))
    for score in (0, 3):
        question = asked(experiment)
        clock.tick(1000)
        assert experiment.ask() is question
        clock.tick(1000)
        assert answered(experiment).seconds == {
            "train": 0,
            "test": 0,
            "features": 0,
            "score": score,
            "total": score,
        }


def test_the_phases_of_a_strategy_stand_in_the_record(quick: Make, clock: Clock) -> None:
    class Rehearsing(Random):
        def fit(self, view: View) -> None:
            assert view.bench is not None
            clock.tick(2)
            with view.bench.phase("rehearse"):
                clock.tick(5)
            with view.bench.phase("search"):
                clock.tick(7)

    (first, second) = done(quick(Rehearsing(), plan=Plan(start=6, budget=5, rounds=1)))
    assert set(first.seconds) == {"train", "test", "features", "score", "total"}
    assert second.seconds == {
        "train": 0,
        "test": 0,
        "features": 0,
        "score": 2,
        "rehearse": 5,
        "search": 7,
        "total": 14,
    }


def test_what_an_oracle_looks_at_is_not_counted_beyond_the_total(
    make: Make, small: Small, clock: Clock
) -> None:
    class Slow(Training):
        def embed(self, *arguments: Any, **options: Any) -> Tensor:
            clock.tick(4)
            return super().embed(*arguments, **options)

    learner = Trained(small().task, Slow(accelerator="cpu"))
    experiment = make(Random(), learner=learner, plan=Plan(start=6, budget=5, rounds=1))
    for finished in rounds(experiment, ByModel(truth(experiment))):
        total = finished.seconds.pop("total")
        assert sum(finished.seconds.values()) <= total


# The start


def test_a_strategy_can_choose_the_start(quick: Make) -> None:
    history = done(quick(start=KMeans()))
    other = asked(quick(start=KMeans(), seed=1)).rows.tolist()
    assert history[0].queried == asked(quick(start="kmeans")).rows.tolist() != other
    assert [finished.labelled for finished in history] == [6, 11, 16, 21]
    assert history[0].seconds["score"] > 0


# All but the one that needs texts, and a language model.
@pytest.mark.parametrize("name", [name for name in untaught() if name != "active_llm"])
def test_every_strategy_that_says_so_can_choose_the_start(make: Make, name: str) -> None:
    rows = asked(make(start=name)).rows.tolist()
    assert len(set(rows)) == 6
    assert rows == asked(make(start=name)).rows.tolist()


def test_the_start_is_chosen_without_labels_and_its_notes_are_kept(make: Make, data: Data) -> None:
    class First(Spy, QueryStrategy):
        reads: Reads = ("embeddings", "labelled")
        view: View

        def score(self, view: View, budget: int) -> Scored:
            self.view = view
            return Scored(-view.pool.rows.float(), {"budget": budget})

    first = First()
    experiment = make(start=first)
    question = asked(experiment)
    assert question.rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert question.view is None
    view = first.view
    assert torch.equal(view.pool.rows, torch.arange(60))
    assert (len(view.labelled), view.labelled.labels.tolist()) == (0, [])
    assert view.labelled.features.embeddings.shape == (0, 8)
    assert view.bench is not None
    assert (view.bench.fitted, view.bench.outcome) == (None, None)
    assert answered(experiment).notes == {"budget": 6}
    rows = asked(make(start=KMeans())).rows
    data.train = replace(data.train, labels=torch.full((60,), -1))
    assert torch.equal(asked(make(start=KMeans())).rows, rows)


@pytest.mark.parametrize("start", ["coreset", "typiclust"])
def test_the_start_follows_from_the_seed_whatever_was_drawn_or_learnt_before(
    make: Make, small: Small, start: str
) -> None:
    learner, found = small(), []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        experiment = make(start=start, learner=learner)
        found.append(answered(experiment).queried)
    torch.manual_seed(3)
    found.append(asked(make(start=start, learner=small())).rows.tolist())
    assert found[0] == found[1] == found[2]
    assert asked(make(start=start, seed=1)).rows.tolist() != found[0]


def test_what_needs_labels_cannot_choose_the_start(make: Make) -> None:
    with pytest.raises(
        UserError, match=r"Margin cannot choose the start.*it reads probs"
    ) as refused:
        make(start=Margin())
    assert "kmeans" in str(refused.value)


def test_a_strategy_may_go_by_its_name(make: Make, expected: Expected) -> None:
    assert facts(done(make("margin", plan=Plan(start=6, budget=5, rounds=1)))) == expected[:2]


@pytest.mark.parametrize(
    "start", [[9, 2, 33], (9, 2, 33), torch.tensor([9, 2, 33]), np.array([9, 2, 33])]
)
def test_the_start_may_be_given_as_rows(quick: Make, start: Any) -> None:
    question = quick(start=start, plan=Plan(start=3, budget=5, rounds=0)).ask()
    assert question is not None
    assert question.rows.tolist() == [9, 2, 33]


def test_rows_of_a_start_that_are_all_declined_are_followed_by_others(quick: Make) -> None:
    experiment = quick(start=[9, 2, 33], plan=Plan(start=3, budget=5, rounds=1))
    assert experiment.ask() is not None
    experiment.tell([-1, -1, -1])
    question = experiment.ask()
    assert question is not None
    assert len(question.rows) == 3
    assert not {9, 2, 33} & set(question.rows.tolist())


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ([9, 2], "the start has 2 rows, and the plan says start=3"),
        ([], "the start has 0 rows"),
        ([9, 2, 60], "row 60 is outside the pool of 60 rows"),
        ([9, 2, 9], "row 9 is named twice"),
        ([9, 2, 1.5], "must be a list of integers"),
        (["a", "b", "c"], "the rows of a start must be numbers"),
    ],
)
def test_a_given_start_that_is_no_part_of_the_pool_is_refused(
    quick: Make, start: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        quick(start=start, plan=Plan(start=3, budget=5, rounds=0))


def test_each_round_asks_about_as_many_rows_as_its_budget(quick: Make) -> None:
    history = done(quick(plan=Plan(start=6, budget=[2, 9, 4], rounds=3)))
    assert [len(round.queried) for round in history] == [6, 2, 9, 4]


def test_nobody_goes_on_with_other_data(quick: Make, data: Data) -> None:
    begun = quick()
    history = [answered(begun)]
    state = begun.state_dict()
    data.train = data.train.take(torch.arange(60).flip(0))
    with pytest.raises(UserError, match="the data has changed since"):
        quick().resume(history, state)
    quick().resume(history, {**state, "data": None})  # as in folders of older versions
