"""How `task=logistic` tunes itself by cross-validation."""

from pathlib import Path
from typing import Any
from unittest.mock import ANY

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn.functional import one_hot

from autoal import Arrays, Model, Rows, Trained, Training
from autoal.data.contract import Standardise
from autoal.data.images import Preprocess
from autoal.maths.trust import Belief
from autoal.model.fitstep import unwatched
from autoal.model.lesson import Lesson
from autoal.model.logistic import Logistic
from autoal.model.task import Batch
from autoal.model.tuning import LEAST, MOST, UNTRIED, Search, Tuned, tuned
from autoal.seeding import generator, seeded
from autoal.testing import check_learner
from tests.launch import Zygote

NOTHING = Standardise(torch.zeros(1), torch.ones(1))


def made(rows: Rows, **options: Any) -> Trained:
    classes = int(rows.labels.max()) + 1
    options = {"tune": True} | options
    return Trained(Logistic(rows.shape, classes, NOTHING, **options), Training(accelerator="cpu"))


def taught(rows: Rows, pool: Rows | None = None, **options: Any) -> Trained:
    learner = made(rows, **options)
    if pool is not None:
        learner.meet(pool.without_labels())
    with seeded(0, "fit"):
        learner.fit(rows, first=True, watch=unwatched)
    return learner


def lesson_of(rows: Rows) -> Lesson:
    """With folds of the rows as they stand, which a round shuffles."""
    return Lesson(rows.inputs.double(), one_hot(rows.labels).double(), None, intercept=True)


def solved(rows: Rows) -> Tuned:
    lesson = lesson_of(rows)
    return tuned(lesson, UNTRIED * lesson.unit(), tune=True, spread=False)


def noisy(count: int, columns: int, classes: int = 3) -> Rows:
    stream = generator(count, columns)
    labels = torch.arange(count) % classes
    places = torch.randn(count, columns, generator=stream) + labels[:, None] * torch.eye(1, columns)
    return Rows(places, labels)


def clouds(count: int) -> Rows:
    """Classes whose rows are one another's neighbours, in more columns than there are labels."""
    stream = generator(0)
    labels = torch.arange(count) % 4
    centres = 0.6 * torch.randn(4, 40, generator=stream)
    return Rows(centres[labels] + torch.randn(count, 40, generator=stream), labels)


def apart(count: int) -> Rows:
    """Three classes that nothing confuses."""
    labels = torch.arange(count) % 3
    places = torch.randn(count, 5, generator=generator(count))
    return Rows(places + 10 * torch.eye(3, 5)[labels], labels)


def unit_of(rows: Rows) -> float:
    return float(rows.inputs.double().var(0, correction=0).sum())


def waves(count: int, wrong: float) -> tuple[Rows, Tensor]:
    """Three classes that overlap somewhat, some with wrong labels, and the right ones."""
    stream = generator(count)
    labels = torch.arange(count) % 3
    places = torch.randn(count, 10, generator=stream) + 2.2 * torch.eye(3, 10)[labels]
    mistaken = torch.rand(count, generator=stream) < wrong
    steps = torch.randint(1, 3, (count,), generator=stream)
    return Rows(places, torch.where(mistaken, (labels + steps) % 3, labels)), labels


@pytest.mark.parametrize("doubting", [False, True])
@pytest.mark.parametrize("rows", [noisy(40, 4), noisy(20, 40), waves(60, 0.3)[0]])
def test_the_slope_in_the_penalty_is_that_of_finite_differences_through_the_folds(
    doubting: bool, rows: Rows
) -> None:
    lesson = lesson_of(rows)
    weights = torch.linspace(0.2, 1.0, len(rows), dtype=torch.double)
    search = Search(lesson, trust=weights, tolerance=1e-10)
    l2, step = 0.1 * lesson.unit(), 1e-3
    trial = search.likeliest(l2, doubting=doubting)
    # The belief stands still, as it does to first order where it is the likeliest.
    higher, lower = (
        search.tried(l2 * np.exp(sign * step), trial.choice.belief).loss for sign in (1, -1)
    )
    assert search.slope(trial) == pytest.approx((higher - lower) / (2 * step), rel=1e-4, abs=1e-4)
    moved = [search.likeliest(l2 * np.exp(sign * step), doubting=doubting).loss for sign in (1, -1)]
    assert search.slope(trial) == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=0.02)


@pytest.mark.parametrize("doubting", [False, True])
@pytest.mark.parametrize("rows", [noisy(60, 4), noisy(40, 90), noisy(9, 3), waves(90, 0.3)[0]])
def test_the_penalty_is_the_best_of_a_dense_grid(doubting: bool, rows: Rows) -> None:
    lesson = lesson_of(rows)
    unit = lesson.unit()
    search = Search(lesson, tolerance=1e-5)
    grid = unit * np.geomspace(MOST, LEAST, 15)
    best = min(search.likeliest(float(l2), doubting=doubting).loss for l2 in grid)
    found = Search(lesson, tolerance=1e-5).found(UNTRIED * unit, doubting=doubting)
    assert found.loss < best + 0.1  # nats of all rows


def test_a_row_is_judged_by_the_regression_of_the_other_folds() -> None:
    rows = noisy(30, 4)
    lesson, inputs, labels = lesson_of(rows), rows.inputs.double().numpy(), rows.labels.numpy()
    expected = 0.0
    for number in range(5):
        own = lesson.fold.numpy() == number
        model = LogisticRegression(C=0.5, tol=1e-9, max_iter=10_000).fit(inputs[~own], labels[~own])
        expected -= np.log(model.predict_proba(inputs[own])[np.arange(6), labels[own]]).sum()
    found = Search(lesson, tolerance=1e-8).tried(2.0, Belief())
    assert found.loss == pytest.approx(expected, rel=1e-5)


def test_a_planted_share_of_wrong_labels_is_found() -> None:
    rows, _ = waves(600, 0.3)
    assert taught(rows).settled()["wrong"] == pytest.approx(0.3, abs=0.08)


def test_wrong_labels_that_are_told_make_a_better_head() -> None:
    rows, truth = waves(600, 0.3)
    learner, plain = (taught(rows, tune=tune) for tune in (True, False))
    right = Rows(rows.inputs, truth)
    assert accuracy(learner, right) > accuracy(plain, right)
    assert learner.test(right)["nll"] < plain.test(right)["nll"] - 0.1


@pytest.mark.parametrize(
    "rows", [noisy(60, 4), noisy(40, 90), waves(30, 0.0)[0], waves(300, 0.0)[0]]
)
def test_no_label_is_doubted_where_all_are_right(rows: Rows) -> None:
    assert taught(rows).settled()["wrong"] == 0


def test_few_wrong_labels_among_few_cannot_be_told() -> None:
    assert taught(waves(24, 0.3)[0]).settled()["wrong"] == 0


def test_the_temperature_lowers_the_log_loss_of_new_rows() -> None:
    rows, new = waves(60, 0.0)[0], waves(600, 0.0)[0]
    learner = taught(rows)
    plain = taught(rows, tune=False, l2=learner.settled()["l2"])
    assert accuracy(learner, new) == accuracy(plain, new)
    assert learner.test(new)["nll"] < plain.test(new)["nll"]


@pytest.mark.parametrize("columns", [4, 150])
def test_it_predicts_what_scikit_learn_does_under_that_penalty_and_temperature(
    columns: int,
) -> None:
    rows = noisy(50, columns)
    learner = taught(rows)
    found = learner.settled()
    reference = LogisticRegression(C=1 / found["l2"], tol=1e-9, max_iter=20_000)
    reference.fit(rows.inputs.double(), rows.labels)
    logits = torch.from_numpy(reference.decision_function(rows.inputs.double()))
    expected = (logits / found["temperature"]).softmax(1)
    probs = learner.look(rows, torch.arange(50), 0).probs
    torch.testing.assert_close(probs.double(), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_no_scale_of_the_columns_matters(scale: float) -> None:
    rows, other = noisy(40, 4), noisy(40, 4)
    scaled = Rows(scale * other.inputs, other.labels)
    learners = [taught(one) for one in (rows, scaled)]
    probs = [
        learner.look(one, torch.arange(40), 0).probs
        for learner, one in zip(learners, (rows, scaled), strict=True)
    ]
    torch.testing.assert_close(*probs, atol=1e-3, rtol=0)


@pytest.mark.parametrize("offset", [0.0, 1e5, 1e7])
def test_rows_are_told_apart_however_far_from_the_origin(offset: float) -> None:
    near = apart(200)
    far = Rows(offset + near.inputs, near.labels)
    assert accuracy(taught(far), far) == 1


@pytest.mark.parametrize("intercept", [True, False])
def test_an_optimum_and_what_it_was_taught_stand_in_the_space_of_the_features(
    intercept: bool,
) -> None:
    inputs, targets = 100 + noisy(30, 4).inputs.double(), one_hot(noisy(30, 4).labels).double()
    lesson = Lesson(inputs, targets, None, intercept)
    head, taught = lesson.optimum(2.0, lesson.full_trust, 0.0)
    torch.testing.assert_close(taught.features, inputs)
    slopes = head.logits(inputs).softmax(1) - targets
    torch.testing.assert_close(-slopes.T @ inputs, 2.0 * head.weight, atol=1e-3, rtol=0)
    if intercept:
        torch.testing.assert_close(slopes.sum(0), torch.zeros(3).double(), atol=1e-5, rtol=0)


ODD = {
    "one class": Rows(torch.randn(6, 4, generator=generator(0)), torch.full((6,), 2)),
    "one row": Rows(torch.randn(1, 4, generator=generator(0)), torch.tensor([1])),
    "one row a class": Rows(torch.randn(3, 4, generator=generator(0)), torch.arange(3)),
    "one class of two rows": Rows(torch.randn(3, 4), torch.tensor([0, 0, 1])),
    "identical rows": Rows(torch.ones(12, 4), torch.arange(12) % 3),
    "zeros": Rows(torch.zeros(12, 4), torch.arange(12) % 3),
    "separable rows": Rows(100 * torch.eye(4).repeat(5, 1), torch.arange(20) % 4),
    "a class without a row": Rows(torch.randn(20, 4), torch.arange(20) % 2 * 2),
    "an uneven class": Rows(torch.randn(40, 4), (torch.arange(40) > 37).long()),
    "more columns than rows": noisy(12, 300),
    "far from the origin": Rows(1e4 + noisy(30, 4).inputs, noisy(30, 4).labels),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_rows_are_learnt_from(name: str) -> None:
    rows = ODD[name]
    learner = taught(rows)
    found = learner.settled()
    assert found["l2"] > 0
    assert 0.1 <= found["temperature"] <= 10
    assert found["wrong"] == 0
    assert learner.look(rows, torch.arange(len(rows)), 0).probs.isfinite().all()


@pytest.mark.parametrize("labels", [[2, 2, 2, 2], [0, 1, 2], [1]])
def test_where_no_row_can_be_held_out_the_penalty_is_a_middling_one(labels: list[int]) -> None:
    rows = Rows(torch.randn(len(labels), 4, generator=generator(0)), torch.tensor(labels))
    expected = UNTRIED * (unit_of(rows) or 1.0)
    assert taught(rows).settled()["l2"] == pytest.approx(expected, rel=1e-4)


def test_the_only_row_of_a_class_is_never_held_out() -> None:
    """Its log loss would fall with any penalty that forbids to be sure."""
    rows = noisy(40, 4, classes=2)
    lonely = rows.with_labels(torch.tensor([7]), torch.tensor([2]))
    held_out = (lesson_of(lonely).fold >= 0).nonzero().flatten()
    assert held_out.tolist() == [*range(7), *range(8, 40)]


def test_the_stream_that_the_cycle_seeds_decides_the_folds() -> None:
    rows = noisy(40, 4)
    assert taught(rows).settled() == taught(rows).settled()


def test_what_was_chosen_stands_in_the_state_and_in_the_module() -> None:
    rows = noisy(40, 4)
    learner = taught(rows)
    resumed = made(rows)
    resumed.load_state_dict(learner.state_dict())
    assert resumed.settled() == learner.settled()
    module = learner.module()
    assert float(module.state_dict()["network.chosen"][0]) == learner.settled()["l2"]


def test_a_given_penalty_chooses_nothing_and_has_no_facts() -> None:
    rows = noisy(40, 4)
    learner = taught(rows, tune=False)
    assert learner.settled() == {}
    assert set(learner.state_dict()) == {"head.weight", "head.bias"}


def accuracy(learner: Trained, rows: Rows) -> float:
    return learner.test(rows)["accuracy"]


class Astray(Logistic):
    """It begins off its optimum, and takes too few steps to come there."""

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        super().on_train_batch_start(batch, batch_idx)
        assert self._taught is not None
        self.lesson = self._taught
        with torch.no_grad():
            self.network.head.weight.add_(1.0)
            self.network.head.weight[0].add_(1.0)


@pytest.mark.parametrize("options", [{}, {"spread": True}, {"spread": True, "l2": 0.1}])
def test_newton_steps_bring_what_was_chosen_to_its_optimum(options: dict[str, Any]) -> None:
    pool = clouds(400)
    task = Astray(pool.shape, 4, NOTHING, iterations=1, **options)
    learner = Trained(task, Training(accelerator="cpu"))
    learner.meet(pool.without_labels())
    learner.fit(pool.take(torch.arange(12)), first=True, watch=unwatched)
    (features, targets, weights), chosen = task.lesson, {"temperature": 1.0} | learner.settled()
    head = {name: chosen["temperature"] * part for name, part in learner.state_dict().items()}
    assert (len(features) > 12) == task.spread
    logits = features @ head["head.weight"].T + head["head.bias"]
    pulls = weights[:, None] * (logits.softmax(1) - targets)
    gradient = pulls.T @ features + chosen["l2"] * head["head.weight"]
    assert float(gradient.abs().max()) < 1e-8
    assert float(pulls.sum(0).abs().max()) < 1e-8


@pytest.mark.parametrize("tune", [False, True])
def test_labels_spread_over_the_pool_where_that_helps(tune: bool) -> None:
    pool = clouds(400)
    lesson = pool.take(torch.arange(12))
    penalty: dict[str, Any] = {} if tune else {"l2": 0.1}
    alone = taught(lesson, tune=tune, **penalty)
    spread = taught(lesson, pool, tune=tune, spread=True, **penalty)
    assert spread.settled()["spread"] > 0
    assert accuracy(spread, pool) > accuracy(alone, pool) + 0.02


def test_labels_do_not_spread_where_neighbours_tell_nothing() -> None:
    """Classes by the one column that is drowned by others in every distance."""
    stream = generator(0)
    places = torch.randn(400, 30, generator=stream)
    pool = Rows(places, (places[:, 0] > 0).long())
    lesson = pool.take(torch.arange(200))
    learner = taught(lesson, pool, spread=True)
    assert learner.settled()["spread"] == 0
    alone = taught(lesson)
    assert learner.settled()["l2"] == pytest.approx(alone.settled()["l2"], rel=0.05)
    assert accuracy(learner, pool) == accuracy(alone, pool)


def test_a_fresh_learner_knows_the_pool_that_was_met() -> None:
    pool = clouds(400)
    lesson = pool.take(torch.arange(12))
    learner = made(lesson, spread=True)
    learner.meet(pool.without_labels())
    member = learner.fresh(0.8)
    member.fit(lesson, first=True, watch=unwatched)
    assert member.settled()["spread"] > 0


def test_a_learner_like_one_whose_labels_spread_does_without_its_pool() -> None:
    """As an exported one must, which comes without the pool."""
    pool = clouds(400)
    lesson = pool.take(torch.arange(12))
    whole = taught(lesson, pool, spread=True)
    assert whole.settled()["spread"] > 0
    read = made(lesson, spread=True)
    read.load_state_dict(whole.state_dict())
    member = read.alike()
    member.fit(lesson, first=True, watch=unwatched)
    assert member.settled() == whole.settled() | {"spread": 0.0, "wrong": ANY}


def test_without_a_pool_no_label_spreads() -> None:
    lesson = clouds(400).take(torch.arange(12))
    learner = taught(lesson, spread=True)
    assert learner.settled() == taught(lesson).settled() | {"spread": 0.0}


@pytest.mark.parametrize("met", [False, True])
def test_a_learner_that_chooses_keeps_the_promises_of_one(met: bool) -> None:
    rows = noisy(60, 4)
    data = Arrays((rows.inputs, rows.labels), test=(rows.inputs, rows.labels))

    def build() -> Trained:
        learner = made(rows, spread=True)
        if met:
            learner.meet(rows.without_labels())
        return learner

    check_learner(build, data)


def test_pictures_are_read_alike_in_the_pool_and_in_the_lesson() -> None:
    images = torch.randint(256, (60, 1, 4, 4), generator=generator(0)).to(torch.uint8)
    labels = (images.float().flatten(1).mean(1) > 127).long()
    task = Logistic((1, 4, 4), 2, Preprocess([0.5], [0.25], crop=1), tune=True, spread=True)
    learner = Trained(task, Training(accelerator="cpu"))
    rows = Rows(images, labels)
    learner.meet(rows.without_labels())
    learner.fit(rows.take(torch.arange(20)), first=True, watch=unwatched)
    assert task._pool is not None
    assert task._pool.places(task._read(images[5:9])).tolist() == [5, 6, 7, 8]


@pytest.mark.parametrize("option", ["task.tune=null", "task.tune=true", "task.spread=true"])
def test_a_run_of_the_command_chooses(option: str, train: Zygote, tmp_path: Path) -> None:
    chosen = ("data=digits", "task=logistic", option, "strategy=random", "rounds=1")
    finished = train.run(*chosen, "logger=none", f"out={tmp_path}", "name=run")
    assert finished.code == 0, finished.err
    assert Model.read(tmp_path / "run").learner.settled()["l2"] > 0


def test_null_is_refused_where_a_class_wants_a_number(train: Zygote, tmp_path: Path) -> None:
    finished = train.run("task=logistic", "task.tolerance=null", f"out={tmp_path}")
    assert finished.code == 2
    assert "task.tolerance=null: must be a number" in finished.err


def test_what_was_chosen_is_taken_for_granted_by_those_that_are_alike() -> None:
    rows, few = noisy(60, 4), noisy(24, 4)
    learner = taught(rows)
    member = learner.alike()
    member.fit(few, first=True, watch=unwatched)
    assert member.settled() == learner.settled() != taught(few).settled()
    given = taught(few, tune=False, l2=learner.settled()["l2"])
    found, expected = (one.look(few, torch.arange(24), 0).logits for one in (member, given))
    cooled = expected / learner.settled()["temperature"]
    torch.testing.assert_close(found, cooled, atol=1e-4, rtol=0)
    assert made(rows).alike().settled() == made(rows).settled()


def test_the_share_of_wrong_labels_is_taken_for_granted_with_all_else() -> None:
    rows = waves(300, 0.3)[0]
    learner = taught(rows)
    member = learner.alike()
    with seeded(1, "fit"):
        member.fit(rows, first=True, watch=unwatched)
    assert member.settled()["wrong"] == pytest.approx(learner.settled()["wrong"], abs=0.1)
    assert member.settled()["wrong"] > 0.1


def test_a_round_begins_at_the_penalty_of_the_last_one() -> None:
    learner = taught(noisy(40, 4))
    before = learner.settled()
    learner.task.renew(first=False)
    assert learner.settled() == before
    assert not learner.task.network.head.weight.any()
    learner.task.renew(first=True)
    assert learner.settled()["l2"] == 0


def test_a_resumed_learner_goes_on_to_the_byte() -> None:
    few, more = waves(60, 0.0)[0], waves(90, 0.3)[0]
    learner, resumed = taught(few), made(few)
    resumed.load_state_dict({name: part.clone() for name, part in learner.state_dict().items()})
    for one in (learner, resumed):
        with seeded(1, "fit"):
            one.fit(more, first=False, watch=unwatched)
    states = learner.state_dict(), resumed.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
