from collections.abc import Callable
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from autoal import Data, Features, Rows, Task, Trained, Training
from autoal.model.fitstep import FitStep
from autoal.model.learner import Learner
from autoal.model.networks import MLP
from autoal.seeding import seeded
from autoal.testing import check_learner

MakeLearner = Callable[..., Trained]

SMALL = partial(MLP, hidden=(8,))
ALL = torch.arange(60)


@pytest.fixture
def learner(make_learner: MakeLearner) -> Trained:
    return make_learner(SMALL, crop=1, steps=6, learning_rate=0.05)


def teach(learner: Learner, rows: Rows, seed: int = 0, *, first: bool = True) -> list[FitStep]:
    steps: list[FitStep] = []
    with seeded(seed, "fit"):
        taken = learner.fit(rows, first=first, watch=steps.append)
    assert taken == steps[-1].step
    return steps


def look(learner: Learner, data: Data, seed: int = 0, **options: Any) -> Features:
    return learner.look(data.train.without_labels(), ALL, seed, **options)


def test_a_task_keeps_the_promises_of_learners(make_task: Callable[..., Task], data: Data) -> None:
    training = Training(accelerator="cpu")
    check_learner(lambda: Trained(make_task(SMALL, steps=3), training), data)


def test_a_look_is_what_the_network_says(learner: Trained, data: Data, cpu: Training) -> None:
    teach(learner, data.train)
    numbers = torch.tensor([3, 8, 40])
    features = learner.look(data.train, numbers, 0)
    task = learner.task.eval()
    with torch.no_grad():
        embeddings = task.network.embed(task.preprocess(data.train.inputs[numbers]))
        logits = task.network.head(embeddings)
    assert torch.equal(features.rows, numbers)
    torch.testing.assert_close(features.embeddings, embeddings)
    torch.testing.assert_close(features.logits, logits)
    assert not features.has_stages


def test_draws_have_the_dropout_of_the_network_and_the_seed_of_the_look(
    make_learner: MakeLearner, data: Data
) -> None:
    often, never = (make_learner(partial(MLP, hidden=(8,), dropout=p)) for p in (0.9, 0.0))
    drawn = look(often, data, seed=3).drawn_probs
    assert torch.equal(look(often, data, seed=3).drawn_probs, drawn)
    assert not torch.equal(look(often, data, seed=4).drawn_probs, drawn)
    assert float(drawn.var(0).mean()) > float(look(never, data).drawn_probs.var(0).mean())


def test_stages_are_looked_at_where_they_are_asked_for(
    make_learner: MakeLearner, data: Data
) -> None:
    learner = make_learner(partial(MLP, hidden=(6, 4)))
    features = look(learner, data, stages=True)
    assert features.stages.shape == (60, 6 + 4)
    assert torch.equal(features.embeddings, look(learner, data).embeddings)


def test_what_was_looked_at_stays_whenever_it_is_read(learner: Trained, data: Data) -> None:
    teach(learner, data.train)
    early = look(learner, data)
    expected = early.embeddings.clone(), early.logits.clone(), early.drawn_probs.clone()
    unread, heads = look(learner, data), list[Features]()
    for seed in (1, 2):
        heads.append(look(learner, data))
        teach(learner, data.train, seed)
    for features in (unread, heads[0]):
        assert torch.equal(features.embeddings, expected[0])
        assert torch.equal(features.logits, expected[1])
        assert torch.equal(features.drawn_probs, expected[2])
    assert not torch.equal(heads[1].embeddings, expected[0])
    assert not torch.equal(look(learner, data).embeddings, heads[1].embeddings)


def test_a_state_that_is_loaded_changes_nothing_that_was_looked_at(
    make_learner: MakeLearner, data: Data
) -> None:
    learner, other = make_learner(SMALL), make_learner(SMALL)
    teach(other, data.train, seed=5)
    before = look(learner, data)
    expected = look(learner, data).logits
    learner.load_state_dict(other.state_dict())
    assert torch.equal(before.logits, expected)
    assert torch.equal(look(learner, data).logits, look(other, data).logits)


def test_no_network_is_copied_for_nobody(learner: Trained, data: Data, copies: list[Task]) -> None:
    for seed in range(3):
        for _ in range(2):
            _ = look(learner, data).probs
        teach(learner, data.train, seed)
    assert copies == []


def test_whoever_has_read_all_that_a_network_can_tell_holds_no_copy(
    learner: Trained, data: Data, copies: list[Task]
) -> None:
    read = look(learner, data)
    _ = read.embeddings
    expected = read.logits.clone()
    teach(learner, data.train)
    assert copies == []
    assert torch.equal(read.logits, expected)


def test_all_that_look_before_a_training_share_one_copy(
    learner: Trained, data: Data, copies: list[Task]
) -> None:
    held = [look(learner, data) for _ in range(3)]
    teach(learner, data.train)
    assert copies == [learner.task]
    teach(learner, data.train, seed=1)
    assert len(copies) == 1  # they look through it already
    held.append(look(learner, data))
    teach(learner, data.train, seed=2)
    assert len(copies) == 2
    assert torch.equal(held[0].logits, held[2].logits)
    assert not torch.equal(held[0].logits, held[3].logits)


def test_a_fresh_learner_is_independent_and_as_much_shorter(learner: Trained, data: Data) -> None:
    steps = teach(learner, data.train)
    expected = look(learner, data).probs
    member = learner.fresh(0.5)
    other = learner.fresh()
    assert len(teach(member, data.train, seed=1)) == len(steps) / 2 == 3
    assert len(teach(other, data.train, seed=2)) == 6
    assert torch.equal(look(learner, data).probs, expected)
    assert not torch.equal(look(member, data).probs, look(other, data).probs)
    assert len(teach(learner, data.train)) == 6
    assert torch.equal(look(learner, data).probs, expected)
    assert member.training is learner.training


@pytest.mark.parametrize(("hidden", "deep"), [((), False), ((4,), True)])
def test_a_learner_is_deep_if_more_than_a_head_is_trained(
    make_learner: MakeLearner, hidden: tuple[int, ...], deep: bool
) -> None:
    assert make_learner(partial(MLP, hidden=hidden)).deep == deep


def test_a_state_outlives_a_file_of_nothing_but_tensors(
    make_learner: MakeLearner, data: Data
) -> None:
    learner, other = make_learner(SMALL), make_learner(SMALL)
    teach(learner, data.train)
    file = BytesIO()
    torch.save(learner.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(look(other, data).probs, look(learner, data).probs)


def test_a_module_is_a_copy_that_reads_rows_as_they_are_stored(
    learner: Trained, data: Data
) -> None:
    teach(learner, data.train)
    expected = look(learner, data).logits
    module = learner.module().eval()
    with torch.no_grad():
        torch.testing.assert_close(module(data.train.inputs), expected)
        for weight in module.parameters():
            weight.zero_()
    assert torch.equal(look(learner, data).logits, expected)


def test_metrics_are_those_of_the_training(learner: Trained, data: Data, cpu: Training) -> None:
    teach(learner, data.train)
    metrics = learner.test(data.train)
    assert metrics == cpu.test(learner.task, data.train)
    right = look(learner, data).probs.argmax(1) == data.train.labels
    assert metrics["accuracy"] == pytest.approx(float(right.float().mean()))


def test_rows_are_placed_where_training_reads_them_fastest(
    learner: Trained, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doubled(training: Training, tensor: Tensor) -> Tensor:
        return tensor * 2

    monkeypatch.setattr(Training, "place", doubled)
    placed = learner.place(data.train)
    assert torch.equal(placed.inputs, data.train.inputs * 2)
    assert placed.labels is data.train.labels
    assert placed.shown is data.train.shown


def test_labels_of_what_is_looked_at_take_no_part(learner: Trained, data: Data) -> None:
    expected = look(learner, data).probs
    spoilt = replace(data.train, labels=torch.full((60,), 10**6))
    assert torch.equal(learner.look(spoilt, ALL, 0).probs, expected)


def test_the_head_of_a_look_is_in_float32(make_learner: MakeLearner, data: Data) -> None:
    learner = make_learner(SMALL)
    learner.task.double()
    features = look(learner, data)
    assert features.embeddings.dtype == features.logits.dtype == torch.float32
    assert isinstance(learner.task.network.head, nn.Linear)
    assert learner.task.network.head.weight.dtype == torch.float64
