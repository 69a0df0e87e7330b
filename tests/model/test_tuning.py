"""What `task=logistic` chooses by cross-validation."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn.functional import one_hot

from autoal import Arrays, Model, Rows, Trained, Training
from autoal.data.contract import Standardise
from autoal.data.images import Preprocess
from autoal.maths.folds import stratified
from autoal.model.fitstep import unwatched
from autoal.model.logistic import Logistic
from autoal.model.tuning import CANDIDATES, UNTRIED, Lesson
from autoal.seeding import generator
from autoal.testing import check_learner
from tests.launch import Zygote

NOTHING = Standardise(torch.zeros(1), torch.ones(1))


def made(rows: Rows, **options: Any) -> Trained:
    classes = int(rows.labels.max()) + 1
    options = {"l2": None} | options
    return Trained(Logistic(rows.shape, classes, NOTHING, **options), Training(accelerator="cpu"))


def taught(rows: Rows, **options: Any) -> Trained:
    learner = made(rows, **options)
    learner.fit(rows, first=True, watch=unwatched)
    return learner


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


def unit_of(rows: Rows) -> float:
    return float(rows.inputs.double().var(0, correction=0).sum())


def losses(rows: Rows, folds: int) -> list[float]:
    """The mean log loss under each candidate, by scikit-learn."""
    inputs, labels = rows.inputs.double().numpy(), rows.labels.numpy()
    fold = stratified(rows.labels, folds).numpy()
    found = []
    for candidate in CANDIDATES:
        strength = 1 / (candidate * unit_of(rows))
        total = 0.0
        for number in range(folds):
            own = fold == number
            model = LogisticRegression(C=strength, max_iter=10_000).fit(inputs[~own], labels[~own])
            probs = model.predict_proba(inputs[own])
            total -= np.log(probs[np.arange(own.sum()), labels[own]]).sum()
        found.append(total / len(labels))
    return found


@pytest.mark.parametrize(
    ("rows", "folds"), [(noisy(60, 4), 5), (noisy(40, 90), 5), (noisy(9, 3), 9)]
)
def test_the_penalty_is_that_of_the_least_log_loss_on_rows_held_out(rows: Rows, folds: int) -> None:
    expected = losses(rows, folds)
    chosen = taught(rows).settled()["l2"] / unit_of(rows)
    place = min(range(len(CANDIDATES)), key=lambda at: abs(CANDIDATES[at] - chosen))
    assert chosen == pytest.approx(CANDIDATES[place], rel=1e-5)
    assert expected[place] < min(expected) + 0.01


def test_noise_is_penalised_more_than_what_is_clear() -> None:
    rows = noisy(60, 4)
    clear = Rows(rows.inputs + 20 * torch.eye(3, 4)[rows.labels], rows.labels)
    noise = taught(rows).settled()["l2"] / unit_of(rows)
    assert noise > 10 * taught(clear).settled()["l2"] / unit_of(clear)


@pytest.mark.parametrize("columns", [4, 150])
def test_it_predicts_what_scikit_learn_predicts_under_that_penalty(columns: int) -> None:
    rows = noisy(50, columns)
    learner = taught(rows)
    reference = LogisticRegression(C=1 / learner.settled()["l2"], tol=1e-9, max_iter=20_000)
    reference.fit(rows.inputs.double(), rows.labels)
    found = learner.look(rows, torch.arange(50), 0).probs
    np.testing.assert_allclose(found, reference.predict_proba(rows.inputs.double()), atol=1e-4)


def test_no_scale_of_the_columns_matters() -> None:
    rows = noisy(40, 4)
    large = Rows(20 * rows.inputs, rows.labels)
    probs = [taught(one).look(one, torch.arange(40), 0).probs for one in (rows, large)]
    torch.testing.assert_close(probs[0], probs[1], atol=1e-4, rtol=0)


@pytest.mark.parametrize("labels", [[2, 2, 2, 2], [0, 1, 2], [1]])
def test_where_no_row_can_be_held_out_the_penalty_is_a_middling_one(labels: list[int]) -> None:
    rows = Rows(torch.randn(len(labels), 4, generator=generator(0)), torch.tensor(labels))
    expected = UNTRIED * (unit_of(rows) or 1.0)
    assert taught(rows).settled()["l2"] == pytest.approx(expected, rel=1e-4)


def test_the_only_row_of_a_class_is_never_held_out() -> None:
    """Its log loss would fall with any penalty that forbids to be sure."""
    rows = noisy(40, 4, classes=2)
    lonely = rows.with_labels(torch.tensor([7]), torch.tensor([2]))
    targets = one_hot(lonely.labels).double()
    lesson = Lesson(rows.inputs.double(), targets, None, intercept=True)
    held_out = torch.cat([rows for _, rows in lesson.folds()])
    assert held_out.sort().values.tolist() == [*range(7), *range(8, 40)]


def test_nothing_is_drawn() -> None:
    rows = noisy(40, 4)
    learner = made(rows)
    stream = torch.get_rng_state()
    facts = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        learner.fit(rows, first=True, watch=unwatched)
        facts.append(learner.settled())
    torch.set_rng_state(stream)
    assert facts[0] == facts[1]


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
    learner = taught(rows, l2=1.0)
    assert learner.settled() == {}
    assert set(learner.state_dict()) == {"head.weight", "head.bias"}


def accuracy(learner: Trained, rows: Rows) -> float:
    return learner.test(rows)["accuracy"]


@pytest.mark.parametrize("l2", [None, 0.1])
def test_labels_spread_over_the_pool_where_that_helps(l2: float | None) -> None:
    pool = clouds(400)
    lesson = pool.take(torch.arange(12))
    alone = taught(lesson, l2=l2)
    spread = made(lesson, l2=l2, spread=True)
    spread.meet(pool.without_labels())
    spread.fit(lesson, first=True, watch=unwatched)
    assert spread.settled()["spread"] > 0
    assert accuracy(spread, pool) > accuracy(alone, pool) + 0.02


def test_labels_do_not_spread_where_neighbours_tell_nothing() -> None:
    """Classes by the one column that is drowned by others in every distance."""
    stream = generator(0)
    places = torch.randn(400, 30, generator=stream)
    pool = Rows(places, (places[:, 0] > 0).long())
    lesson = pool.take(torch.arange(200))
    learner = made(lesson, spread=True)
    learner.meet(pool.without_labels())
    learner.fit(lesson, first=True, watch=unwatched)
    assert learner.settled()["spread"] == 0
    alone = taught(lesson)
    assert learner.settled()["l2"] == pytest.approx(alone.settled()["l2"])
    assert accuracy(learner, pool) == accuracy(alone, pool)


def test_a_fresh_learner_knows_the_pool_that_was_met() -> None:
    pool = clouds(400)
    lesson = pool.take(torch.arange(12))
    learner = made(lesson, spread=True)
    learner.meet(pool.without_labels())
    member = learner.fresh(0.8)
    member.fit(lesson, first=True, watch=unwatched)
    assert member.settled()["spread"] > 0


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
    task = Logistic((1, 4, 4), 2, Preprocess([0.5], [0.25], crop=1), l2=None, spread=True)
    learner = Trained(task, Training(accelerator="cpu"))
    rows = Rows(images, labels)
    learner.meet(rows.without_labels())
    learner.fit(rows.take(torch.arange(20)), first=True, watch=unwatched)
    assert task._pool is not None
    assert task._pool.places(task._read(images[5:9])).tolist() == [5, 6, 7, 8]


@pytest.mark.parametrize("option", ["task.l2=null", "task.spread=true"])
def test_a_run_of_the_command_chooses(option: str, train: Zygote, tmp_path: Path) -> None:
    chosen = ("data=digits", "task=logistic", option, "strategy=random", "rounds=1")
    finished = train.run(*chosen, "logger=none", f"out={tmp_path}", "name=run")
    assert finished.code == 0, finished.err
    assert Model.read(tmp_path / "run").learner.settled()["l2"] > 0


def test_null_is_refused_where_a_class_wants_a_number(train: Zygote, tmp_path: Path) -> None:
    finished = train.run("task=logistic", "task.tolerance=null", f"out={tmp_path}")
    assert finished.code == 2
    assert "task.tolerance=null: must be a number" in finished.err
