import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import Any

import pytest
import torch
from autoal.strategies.random import Random
from autoal.strategies.uncertainty import Margin
from torch import Tensor, nn

from autoal import ImageData, Plan, QueryStrategy, Round, Task, Training, TrueLabels, View, rounds
from autoal.data.images import Shape
from autoal.data.rows import Images
from autoal.errors import UserError
from autoal.model.features import Features
from autoal.model.networks import MLP, Network
from autoal.model.training import FitStep
from autoal.query.strategy import Reads
from autoal.record.sink import Sink
from autoal.seeding import seeded

MakeTask = Callable[..., Task]
Start = Callable[..., Iterator[Round]]

PLAN = Plan(start=6, budget=5, rounds=3)
SMALL = partial(MLP, hidden=(8,))


class Counting(Network):
    """Counts the images that are embedded outside training."""

    def __init__(self, shape: Shape, classes: int, counts: list[int]) -> None:
        super().__init__(nn.Flatten(), 64, classes, 0.0)
        self.embed.register_forward_hook(
            lambda module, inputs, output: None if module.training else counts.append(len(output))
        )


class Asked(TrueLabels):
    """Remembers the questions."""

    def __init__(self, labels: Tensor) -> None:
        super().__init__(labels)
        self.questions: list[list[int]] = []

    def __call__(self, rows: Tensor) -> Tensor:
        self.questions.append(rows.tolist())
        return super().__call__(rows)


class Looking(Margin):
    """Keeps the views."""

    def __init__(self) -> None:
        super().__init__()
        self.views: list[View] = []

    def score(self, view: View, budget: int) -> Tensor:
        self.views.append(view)
        return super().score(view, budget)


class Told(Sink):
    """Keeps what a sink is told, with only the last of some steps."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def begin(self, number: int) -> None:
        self.events.append(("begin", number))

    def step(self, step: FitStep) -> None:
        if step.step == step.steps:
            self.events.append(("step", step.step))

    def end(self, finished: Round) -> None:
        self.events.append(("end", finished.number))


@pytest.fixture
def start(data: ImageData, cpu: Training, make_task: MakeTask) -> Start:
    """Begin an experiment; all of its parts can be replaced."""

    def begin(strategy: QueryStrategy | None = None, **parts: Any) -> Iterator[Round]:
        given = {
            "data": data,
            "task": parts.get("task") or small_task(make_task),
            "oracle": TrueLabels(data.train.labels),
            "plan": PLAN,
            "training": cpu,
        }
        return rounds(strategy=strategy or Margin(), **{**given, **parts})

    return begin


def small_task(make_task: MakeTask, **options: Any) -> Task:
    return make_task(SMALL, crop=1, steps=8, learning_rate=0.05, **options)


def facts(history: list[Round]) -> list[dict[str, Any]]:
    """All that the rounds say, except how long they took."""
    lines = [each.to_line() for each in history]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def test_every_round_labels_other_rows_and_counts_them(start: Start, data: ImageData) -> None:
    history = list(start())
    assert [each.number for each in history] == [0, 1, 2, 3]
    assert [each.labelled for each in history] == [6, 11, 16, 21]
    assert [len(each.queried) for each in history] == [6, 5, 5, 5]
    queried = [row for each in history for row in each.queried]
    assert len(set(queried)) == 21
    assert set(queried) <= set(range(60))
    assert data.train.labels[queried].tolist() == [y for each in history for y in each.labels]
    assert [each.steps for each in history] == [8, 8, 8, 8]


def test_a_round_is_trained_on_all_labelled_rows_and_tested_on_the_test_set(
    data: ImageData, make_task: MakeTask, start: Start, cpu: Training
) -> None:
    taught: list[list[tuple[Tensor, int]]] = []

    class Watched(Training):
        def fit(self, task: Task, images: Tensor, labels: Tensor, watch: Any) -> int:
            taught.append(list(zip(images, labels.tolist(), strict=True)))
            return super().fit(task, images, labels, watch)

    task = small_task(make_task)
    known: list[int] = []
    for each in start(task=task, training=Watched(accelerator="cpu")):
        known = sorted([*known, *each.queried])
        images, labels = data.train.images[known], data.train.labels[known]
        assert [label for _, label in taught[-1]] == labels.tolist()
        assert torch.equal(torch.stack([image for image, _ in taught[-1]]), images)
        assert each.metrics == cpu.test(task, data.test.images, data.test.labels)
    assert len(taught) == 4


def test_a_plan_without_rounds_buys_the_start_set_only(start: Start) -> None:
    (only,) = start(plan=Plan(start=6, budget=5, rounds=0))
    assert (only.number, only.labelled, len(only.queried)) == (0, 6, 6)


def test_the_whole_pool_can_be_labelled(start: Start) -> None:
    history = list(start(plan=Plan(start=20, budget=20, rounds=2)))
    assert history[-1].labelled == 60
    assert sorted(row for each in history for row in each.queried) == list(range(60))


def test_the_same_seed_gives_the_same_experiment(start: Start) -> None:
    torch.manual_seed(1)
    first = facts(list(start()))
    torch.manual_seed(2)
    assert facts(list(start())) == first


def test_draws_of_others_between_the_rounds_change_nothing(start: Start) -> None:
    expected = facts(list(start()))
    history = []
    for each in start():
        history.append(each)
        torch.randn(len(history))
        random.random()
        torch.manual_seed(len(history))
    assert facts(history) == expected


def test_an_experiment_leaves_the_global_stream_as_it_was(start: Start) -> None:
    experiment = start()
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    list(experiment)
    assert torch.equal(torch.rand(3), expected)


def test_another_seed_gives_another_experiment(start: Start) -> None:
    first, other = facts(list(start(seed=0))), facts(list(start(seed=1)))
    for one, two in zip(first, other, strict=True):
        assert set(one["queried"]) != set(two["queried"])
        assert one["nll"] != two["nll"]


def test_the_start_set_is_the_same_for_all_strategies(start: Start) -> None:
    margin, at_random = facts(list(start(Margin()))), facts(list(start(Random())))
    assert margin[0] == at_random[0]
    assert margin[1]["queried"] != at_random[1]["queried"]


def test_the_start_set_is_a_random_sample(start: Start) -> None:
    sets = [next(start(seed=seed)).queried for seed in range(10)]
    assert len({tuple(rows) for rows in sets}) == 10
    assert len({row for rows in sets for row in rows}) > 25  # of 60: 39 expected


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("done", [1, 2, 3])
def test_an_interrupted_experiment_goes_on_as_if_it_had_not_been(
    start: Start, make_task: MakeTask, data: ImageData, done: int, warm_start: bool
) -> None:
    task = small_task(make_task, warm_start=warm_start)
    whole, states = [], []
    for each in start(task=task):
        whole.append(each)
        states.append(deepcopy(task.network.state_dict()))

    history = [Round.from_line(json.loads(json.dumps(each.to_line()))) for each in whole[:done]]
    task, oracle = small_task(make_task, warm_start=warm_start), Asked(data.train.labels)
    task.network.load_state_dict(states[done - 1])
    torch.manual_seed(done)
    rest = list(start(task=task, oracle=oracle, history=history))
    assert facts(rest) == facts(whole[done:])
    assert oracle.questions == [each.queried for each in whole[done:]]


def test_a_warm_start_goes_on_from_the_last_round_and_a_fresh_one_does_not(
    start: Start, make_task: MakeTask
) -> None:
    def learned(**options: Any) -> list[dict[str, Any]]:
        return facts(list(start(Random(), task=small_task(make_task, **options))))

    fresh, warm = learned(), learned(warm_start=True)
    assert warm[0] == fresh[0]
    assert all(one["nll"] != two["nll"] for one, two in zip(fresh[1:], warm[1:], strict=True))
    # To keep nothing and to add the whole of a fresh network is a fresh start.
    assert learned(warm_start=True, shrink=0.0, perturb=1.0) == fresh


def test_an_experiment_that_is_over_has_nothing_left_to_do(start: Start) -> None:
    history, oracle = list(start()), Asked(torch.zeros(60, dtype=torch.long))
    assert list(start(history=history, oracle=oracle)) == []
    assert oracle.questions == []


def test_more_rounds_can_be_added_to_an_experiment(start: Start, make_task: MakeTask) -> None:
    task = small_task(make_task)
    whole = facts(list(start()))
    short = list(start(task=task, plan=Plan(start=6, budget=5, rounds=1)))
    assert facts(short + list(start(task=task, history=short))) == whole


def test_nothing_is_done_before_a_round_is_asked_for(start: Start, data: ImageData) -> None:
    oracle = Asked(data.train.labels)
    experiment = start(oracle=oracle)
    assert oracle.questions == []
    first = next(experiment)
    assert oracle.questions == [first.queried]


def test_the_oracle_is_asked_for_the_queried_rows_and_no_others(
    start: Start, data: ImageData
) -> None:
    oracle = Asked(data.train.labels)
    history = list(start(oracle=oracle))
    assert oracle.questions == [each.queried for each in history]


def test_the_labels_of_the_pool_are_known_from_the_oracle_only(
    start: Start, data: ImageData
) -> None:
    expected, truth = facts(list(start())), data.train.labels
    data.train = Images(data.train.images, torch.full_like(truth, 999))
    assert facts(list(start(oracle=TrueLabels(truth)))) == expected


def test_a_strategy_sees_what_the_last_round_left(
    start: Start, data: ImageData, make_task: MakeTask, cpu: Training
) -> None:
    strategy, task = Looking(), small_task(make_task)
    experiment = start(strategy, task=task)
    known = next(experiment).queried
    for number in range(3):
        embeddings = cpu.embed(task, data.train.images)
        with torch.no_grad():
            logits = task.network.head(embeddings)
        done = next(experiment)
        view = strategy.views[number]
        assert view.classes == 3
        assert view.labelled.rows.tolist() == sorted(known)
        assert view.labels.tolist() == data.train.labels[sorted(known)].tolist()
        assert sorted([*view.pool.rows.tolist(), *known]) == list(range(60))
        for part in (view.pool, view.labelled):
            assert torch.equal(part.inputs, data.train.images[part.rows])
        torch.testing.assert_close(view.pool.embeddings, embeddings[view.pool.rows])
        torch.testing.assert_close(view.pool.logits, logits[view.pool.rows])
        known = [*known, *done.queried]
    assert len({view.seed for view in strategy.views}) == 3


def test_a_strategy_can_draw_with_the_dropout_of_the_network(start: Start) -> None:
    drawn: list[Features] = []

    class Drawing(QueryStrategy):
        def score(self, view: View, budget: int) -> Tensor:
            drawn.append(view.pool)
            return view.pool.drawn_probs.var(0).sum(1)

    first = list(start(Drawing()))
    assert all(float(features.drawn_probs.var(0).max()) > 0 for features in drawn)
    assert facts(list(start(Drawing()))) == facts(first)


@pytest.mark.parametrize(
    ("strategy", "expected"), [(Margin(), [54, 49, 44]), (Random(), [])], ids=["margin", "random"]
)
def test_the_backbone_reads_the_pool_once_a_round_if_at_all(
    start: Start, make_task: MakeTask, strategy: QueryStrategy, expected: list[int]
) -> None:
    counts: list[int] = []
    history = list(start(strategy, task=make_task(partial(Counting, counts=counts), steps=2)))
    assert counts.count(30) == 4  # the test set, once a round
    assert [count for count in counts if count != 30] == expected
    for each in history:
        assert each.seconds.keys() == {"train", "test", "features", "score", "total"}
        assert (each.seconds["features"] > 0) == (bool(expected) and each.number > 0)
        assert (each.seconds["score"] > 0) == (each.number > 0)


def test_a_sink_is_told_of_the_beginning_and_the_steps_of_a_round_but_not_its_end(
    start: Start,
) -> None:
    sink = Told()
    experiment = start(sink=sink)
    assert sink.events == []
    next(experiment)
    assert sink.events == [("begin", 0), ("step", 8)]
    list(experiment)
    assert sink.events == [event for n in range(4) for event in (("begin", n), ("step", 8))]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (lambda rows: torch.zeros(len(rows) + 1, dtype=torch.long), "gave .*7,.* answers to 6"),
        (lambda rows: torch.zeros(len(rows), 1, dtype=torch.long), "gave .*6, 1.* answers to 6"),
        (lambda rows: torch.zeros((), dtype=torch.long), "answers to 6 questions"),
        (lambda rows: torch.full_like(rows, 3), "answered 3; classes go from 0 to 2"),
        (lambda rows: torch.full_like(rows, -1), "answered -1; classes go from 0 to 2"),
        (lambda rows: torch.full((len(rows),), float("nan")), "the oracle"),
        (lambda rows: torch.full((len(rows),), 0.5), "the oracle"),
    ],
    ids=["one too many", "table", "one for all", "too high", "negative", "nan", "half"],
)
def test_an_answer_that_is_no_class_is_refused(
    start: Start, answers: Callable[[Tensor], Tensor], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        next(start(oracle=answers))


def test_answers_of_any_whole_number_type_are_taken(start: Start, data: ImageData) -> None:
    expected = facts(list(start()))
    assert facts(list(start(oracle=TrueLabels(data.train.labels.to(torch.uint8))))) == expected
    assert facts(list(start(oracle=TrueLabels(data.train.labels.double())))) == expected


def test_a_plan_that_the_pool_cannot_serve_is_refused_before_any_round(start: Start) -> None:
    with pytest.raises(ValueError, match="6 \\+ 11 x 5 = 61 labels, but the pool has only 60"):
        start(plan=Plan(start=6, budget=5, rounds=11))


def test_a_history_that_labels_a_row_twice_is_refused(start: Start) -> None:
    first = next(start())
    with pytest.raises(ValueError, match="is labelled already"):
        next(start(history=[first, first]))


def test_a_task_that_was_looked_at_between_the_rounds_is_trained_the_same(
    start: Start, make_task: MakeTask, data: ImageData
) -> None:
    expected, task = facts(list(start())), small_task(make_task)
    history = []
    for each in start(task=task):
        history.append(each)
        with torch.no_grad(), seeded(0, "look"):
            task.eval()(data.test.images)
    assert facts(history) == expected


class Remembering(QueryStrategy):
    """Counts its queries, and says so."""

    reads: Reads = ("probs", "stages")

    def fit(self, view: View) -> None:
        assert view.pool.stages.shape[1] == 16 + 8

    def score(self, view: View, budget: int) -> Tensor:
        return view.pool.probs.amax(1)

    def notes(self, view: View) -> dict[str, Any]:
        return {"pool": len(view.pool)}


def test_validation_rows_count_as_labelled_and_are_tested_on(start: Start, data: ImageData) -> None:
    held_out = data.train.take(torch.arange(4))
    data.validation = held_out
    looking = Looking()
    history = list(start(looking, data=data))
    assert [each.labelled for each in history] == [10, 15, 20, 25]
    for each in history:
        assert {"accuracy", "val_accuracy", "val_nll"} <= set(each.metrics)
    assert history[-1].metrics["val_accuracy"] in (0, 0.25, 0.5, 0.75, 1)
    view = looking.views[0]
    assert view.validation is not None
    assert view.validation_labels is not None
    assert torch.equal(view.validation.inputs, held_out.images)
    assert torch.equal(view.validation_labels, held_out.labels)


def test_without_validation_rows_a_view_has_none(start: Start) -> None:
    looking = Looking()
    list(start(looking))
    assert looking.views[0].validation is None
    assert looking.views[0].validation_labels is None


def test_a_strategy_that_reads_stages_gets_them_and_its_notes_are_kept(
    start: Start, make_task: MakeTask
) -> None:
    task = make_task(partial(MLP, hidden=(16, 8)), steps=2)
    history = list(start(Remembering(), task=task))
    assert [each.notes for each in history] == [{}, {"pool": 54}, {"pool": 49}, {"pool": 44}]
    assert Round.from_line(json.loads(json.dumps(history[1].to_line()))) == history[1]


def class_two(view: View, rows: Tensor) -> Tensor:
    """A labeler that knows one class only."""
    return torch.full_like(rows, 2)


def test_a_labeler_labels_what_is_chosen_and_the_oracle_the_start_set_alone(
    start: Start, data: ImageData
) -> None:
    oracle = Asked(data.train.labels)
    history = list(start(oracle=oracle, labeler=class_two))
    assert oracle.questions == [history[0].queried]
    assert history[0].labels == data.train.labels[history[0].queried].tolist()
    for each in history[1:]:
        assert each.labels == [2] * 5
        assert each.bought == 0
        assert each.wrong == sum(data.train.labels[each.queried].tolist()[i] != 2 for i in range(5))
    assert sum(each.wrong or 0 for each in history) > 0
    assert (history[0].bought, history[0].wrong) == (6, 0)
    assert [each.labelled for each in history] == [6, 11, 16, 21]


def test_the_labels_given_are_those_that_the_task_learns_and_the_strategy_sees(
    start: Start, data: ImageData, make_task: MakeTask
) -> None:
    looking, taught = Looking(), list[list[int]]()

    class Watched(Training):
        def fit(self, task: Task, images: Tensor, labels: Tensor, watch: Any) -> int:
            taught.append(labels.tolist())
            return super().fit(task, images, labels, watch)

    list(start(looking, labeler=class_two, training=Watched(accelerator="cpu")))
    assert [labels.count(2) for labels in taught][1:] == [
        taught[0].count(2) + 5 * k for k in (1, 2, 3)
    ]
    assert [view.labels.tolist() for view in looking.views] == taught[:-1]


def test_a_labeler_sees_the_round_as_the_strategy_does(start: Start) -> None:
    looking, seen = Looking(), list[tuple[View, list[int]]]()

    def label(view: View, rows: Tensor) -> Tensor:
        seen.append((view, rows.tolist()))
        return class_two(view, rows)

    history = list(start(looking, labeler=label))
    assert [view for view, _ in seen] == looking.views
    assert [rows for _, rows in seen] == [each.queried for each in history[1:]]


def test_an_interrupted_experiment_keeps_the_labels_that_were_given(start: Start) -> None:
    whole = list(start(labeler=class_two))
    history = [Round.from_line(json.loads(json.dumps(each.to_line()))) for each in whole[:2]]
    looking = Looking()
    # Another labeler goes on, who would have labelled the past otherwise.
    next(start(looking, history=history, labeler=lambda view, rows: torch.zeros_like(rows)))
    given = [pair for each in whole[:2] for pair in zip(each.queried, each.labels, strict=True)]
    assert looking.views[0].labels.tolist() == [label for _, label in sorted(given)]


def test_a_labeler_that_gives_no_class_is_refused(start: Start) -> None:
    experiment = start(labeler=lambda view, rows: torch.full_like(rows, 3))
    next(experiment)
    with pytest.raises(ValueError, match="the labeler answered 3; classes go from 0 to 2"):
        next(experiment)


def test_labels_are_bought_of_the_oracle_and_held_out_rows_with_the_start_set(
    start: Start, data: ImageData
) -> None:
    data.validation = data.train.take(torch.arange(4))
    history = list(start(data=data))
    assert [each.bought for each in history] == [10, 5, 5, 5]
    assert [each.wrong for each in history] == [0, 0, 0, 0]


def test_nobody_counts_wrong_labels_where_nobody_knows_the_truth(
    start: Start, data: ImageData
) -> None:
    history = list(start(oracle=lambda rows: data.train.labels[rows]))
    assert [each.wrong for each in history] == [None] * 4


def test_a_strategy_refuses_what_it_cannot_serve_before_anything_is_done(
    start: Start, data: ImageData
) -> None:
    class Particular(Margin):
        def check(self, *, validation: Tensor | None) -> None:
            raise UserError(f"validation rows: {validation}")

    with pytest.raises(UserError, match="validation rows: None"):
        start(Particular())
    data.validation = data.train.take(torch.arange(4))
    with pytest.raises(UserError, match="validation rows: tensor"):
        start(Particular(), data=data)
