import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from pytorch_lightning.accelerators import CUDAAccelerator
from torch import Tensor, nn

from autoal import ImageData, Task, Training
from autoal.data.images import Shape
from autoal.errors import UserError
from autoal.model import training
from autoal.model.networks import MLP, Network, ResNet18
from autoal.model.training import FitStep
from autoal.record.sink import Sink
from autoal.seeding import generator, seeded

MakeTask = Callable[..., Task]

UNHEARD = Sink().step

WHOLE_ROUND = """
import torch
from autoal import Task, Training
from autoal.data.images import Preprocess
from autoal.model.networks import MLP
images = torch.zeros(8, 1, 8, 8, dtype=torch.uint8)
labels = torch.arange(8) % 3
task = Task(MLP, (1, 8, 8), 3, Preprocess([0.5], [0.5]), steps=2)
training = Training(accelerator="cpu")
training.fit(task, images, labels, lambda step: None)
training.test(task, images, labels)
training.embed(task, images)
"""


class Awake(Network):
    """A network whose embedding changes in training, with every batch and at random."""

    def __init__(self, shape: Shape, classes: int) -> None:
        layers = [nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Dropout(0.5)]
        super().__init__(nn.Sequential(*layers), 16, classes, 0.5)


def separable(count: int) -> tuple[Tensor, Tensor]:
    """Images that are lit in the upper, the middle or the lower rows, by their class."""
    labels = torch.arange(count) % 3
    images = torch.randint(20, (count, 1, 8, 8), generator=generator(0))
    for image, label in zip(images, labels.tolist(), strict=True):
        image[:, 3 * label : 3 * label + 2] += 200
    return images.to(torch.uint8), labels


def fitted(
    task: Task, where: Training, images: Tensor, labels: Tensor, seed: int = 0
) -> list[FitStep]:
    told: list[FitStep] = []
    with seeded(seed, "fit"):
        task.renew(first=True)
        where.fit(task, images, labels, told.append)
    return told


def test_fit_lowers_the_loss_until_separable_classes_are_told_apart(
    make_task: MakeTask, cpu: Training
) -> None:
    images, labels = separable(48)
    task = make_task(MLP, steps=50)
    told = fitted(task, cpu, images, labels)
    assert told[-1].loss < told[0].loss / 10
    found = cpu.test(task, images, labels)
    assert found.keys() == {"accuracy", "balanced_accuracy", "macro_f1", "nll", "ece"}
    assert found["accuracy"] == found["balanced_accuracy"] == found["macro_f1"] == 1
    assert found["nll"] < 0.1


def test_fit_is_the_same_for_the_same_seed_and_another_for_another(
    make_task: MakeTask, cpu: Training, data: ImageData
) -> None:
    task = make_task(MLP, crop=1, steps=5)
    weights = []
    for seed in (0, 0, 1):
        fitted(task, cpu, data.train.images, data.train.labels, seed)
        weights.append(task.network.head.weight.detach().clone())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_fit_trains_in_training_mode_whatever_mode_the_task_was_left_in(
    make_task: MakeTask, cpu: Training, data: ImageData
) -> None:
    task = make_task(Awake, crop=2, steps=3)
    losses = []
    for leave in (task.train, task.eval):
        leave()
        told = fitted(task, cpu, data.train.images, data.train.labels)
        losses.append([step.loss for step in told])
    assert losses[0] == losses[1]


def test_fit_shows_every_row_once_an_epoch_in_a_new_order(
    make_task: MakeTask, cpu: Training, data: ImageData
) -> None:
    task, labels = make_task(epochs=2), torch.arange(60)  # here a label is a row's number
    shown: list[int] = []

    def step(batch: tuple[Tensor, ...]) -> Tensor:
        shown.extend(batch[1].tolist())
        return task(batch[0]).sum()

    task.training_step = step  # type: ignore[method-assign, assignment]
    cpu.fit(task, data.train.images, labels, UNHEARD)
    first, second = shown[:60], shown[60:]
    assert sorted(first) == sorted(second) == labels.tolist()
    assert first != second
    assert labels.tolist() not in (first, second)


def test_test_gives_the_metrics_of_the_task_in_evaluation_mode(
    make_task: MakeTask, cpu: Training, data: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "EVALUATION_BATCH", 8)
    task = make_task(Awake, crop=2)
    found = cpu.test(task, data.test.images, data.test.labels)
    with torch.no_grad():
        logits = task.eval()(data.test.images)
    right = (logits.argmax(1) == data.test.labels).float().mean()
    loss = nn.functional.cross_entropy(logits, data.test.labels)
    assert found["accuracy"] == pytest.approx(float(right))
    assert found["nll"] == pytest.approx(float(loss), rel=1e-5)


def test_a_network_that_diverged_is_refused(
    make_task: MakeTask, cpu: Training, data: ImageData
) -> None:
    task = make_task()
    with torch.no_grad():
        task.network.head.bias.fill_(torch.nan)
    count = len(data.test.images)
    with pytest.raises(UserError, match=f"loss on {count} rows is not finite .*learning_rate"):
        cpu.test(task, data.test.images, data.test.labels)


def test_every_test_starts_to_count_afresh(
    make_task: MakeTask, cpu: Training, data: ImageData
) -> None:
    task = make_task()
    first = cpu.test(task, data.test.images, data.test.labels)
    cpu.test(task, data.train.images, data.train.labels)
    assert cpu.test(task, data.test.images, data.test.labels) == first


def test_embed_is_the_network_in_evaluation_mode_row_by_row(
    make_task: MakeTask, cpu: Training, data: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "EVALUATION_BATCH", 8)
    task = make_task(Awake, crop=2).train()
    images = data.train.images[:20]  # two batches of 8 and one of 4
    found = cpu.embed(task, images)
    assert task.network.training
    task.eval()
    with torch.no_grad():
        expected = torch.cat([task.network.embed(task.preprocess(x[None])) for x in images])
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)


def test_embeddings_can_enter_a_gradient_later(
    make_task: MakeTask, cpu: Training, data: ImageData
) -> None:
    task = make_task(MLP)
    embeddings = cpu.embed(task, data.train.images[:5])
    assert not embeddings.requires_grad
    assert not embeddings.is_inference()
    task.network.head(embeddings).sum().backward()
    torch.testing.assert_close(task.network.head.weight.grad, embeddings.sum(0).expand(3, -1))


@pytest.mark.parametrize(
    ("build", "options"),
    [
        (ResNet18, {"channels_last": True}),
        (partial(MLP, hidden=(3,)), {"compile": True}),
    ],
)
def test_memory_format_and_compilation_change_nothing_but_the_speed(
    make_task: MakeTask,
    cpu: Training,
    data: ImageData,
    build: Callable[..., Network],
    options: dict[str, Any],
) -> None:
    images, labels = data.train.images[:6], data.train.labels[:6]
    expected = cpu.embed(make_task(build, steps=2), images)
    task, other = make_task(build, steps=2), Training(accelerator="cpu", **options)
    torch.testing.assert_close(other.embed(task, images), expected, rtol=1e-4, atol=1e-4)
    if other.compile:
        assert task.network.embed._compiled_call_impl is not None
    else:
        weights = [weight for weight in task.network.parameters() if weight.ndim == 4]
        assert all(each.is_contiguous(memory_format=torch.channels_last) for each in weights)
    assert other.fit(task, images, labels, UNHEARD) == 2
    assert not torch.equal(other.embed(task, images), expected)


def test_a_fresh_start_keeps_the_memory_format(make_task: MakeTask, data: ImageData) -> None:
    task = make_task(ResNet18)
    Training(accelerator="cpu", channels_last=True).embed(task, data.train.images[:2])
    task.renew(first=True)
    weights = [weight for weight in task.network.parameters() if weight.ndim == 4]
    assert all(each.is_contiguous(memory_format=torch.channels_last) for each in weights)


def test_bf16_trains_on_the_cpu(make_task: MakeTask) -> None:
    images, labels = separable(48)
    task, mixed = make_task(MLP, steps=30), Training(accelerator="cpu", precision="bf16-mixed")
    told = fitted(task, mixed, images, labels)
    assert told[-1].loss < told[0].loss / 2
    assert mixed.test(task, images, labels)["accuracy"] == 1
    assert {weight.dtype for weight in task.network.parameters()} == {torch.float32}
    exact = Training(accelerator="cpu").embed(task, images)
    rounded = mixed.embed(task, images)
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    torch.testing.assert_close(rounded, exact, rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"accelerator": "abacus"}, "abacus"),
        ({"accelerator": "cpu", "precision": "31-true"}, "31-true"),
        pytest.param(
            {"accelerator": "gpu"},
            "gpu",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here"),
        ),
    ],
)
def test_a_machine_that_is_not_there_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Training(**options)


@pytest.mark.parametrize("steps", [1, 7, 50, 101])
def test_watch_is_told_of_increasing_steps_up_to_the_last(
    make_task: MakeTask, cpu: Training, data: ImageData, steps: int
) -> None:
    told = fitted(make_task(steps=steps), cpu, data.train.images, data.train.labels)
    numbers = [step.step for step in told]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == steps
    assert min(steps, 50) <= len(numbers) <= 100
    assert {step.steps for step in told} == {steps}
    assert [step.epoch for step in told] == [(step + 1) // 2 for step in numbers]  # two batches


def test_watch_is_told_the_learning_rate_that_the_step_was_taken_with(
    make_task: MakeTask, cpu: Training, data: ImageData
) -> None:
    task = make_task(steps=10, warmup=0.3, learning_rate=0.02)
    told = fitted(task, cpu, data.train.images, data.train.labels)
    expected = [0.02 * task.rate(step, 10) for step in range(10)]
    assert [step.learning_rate for step in told] == pytest.approx(expected)


def test_watch_is_told_the_loss_of_the_step(
    make_task: MakeTask, cpu: Training, data: ImageData
) -> None:
    images, labels = data.train.images[:4], data.train.labels[:4]  # a single batch
    task = make_task(steps=1)
    with torch.no_grad():
        expected = nn.functional.cross_entropy(task(images), labels)
    told: list[FitStep] = []
    cpu.fit(task, images, labels, told.append)
    assert told[0].loss == pytest.approx(float(expected), rel=1e-5)


def test_images_stay_in_memory_where_there_is_no_gpu(cpu: Training, data: ImageData) -> None:
    assert cpu.place(data.train.images) is data.train.images


def test_a_gpu_that_is_left_idle_on_purpose_is_no_news(
    make_task: MakeTask, data: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CUDAAccelerator, "is_available", staticmethod(lambda: True))
    found = Training(accelerator="cpu").embed(make_task(), data.test.images)
    assert len(found) == len(data.test)


def test_lightning_prints_nothing() -> None:
    # In a process of its own, since pytest takes Lightning's log over.
    done = subprocess.run([sys.executable, "-c", WHOLE_ROUND], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
