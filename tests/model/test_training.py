import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from io import StringIO
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.accelerators import CUDAAccelerator
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from autoal import Data, Rows, Task, Trained, Training
from autoal.building import build as built
from autoal.data.batches import Batches
from autoal.data.rows import Shape
from autoal.errors import UserError
from autoal.model import training
from autoal.model.contained import LOGS, contained
from autoal.model.fitstep import FitStep
from autoal.model.logistic import Logistic
from autoal.model.networks import MLP, Network
from autoal.record.sink import Sink
from autoal.seeding import generator, seeded

MakeTask = Callable[..., Task]

UNHEARD = Sink().step


class Awake(Network):
    """A network whose embedding changes in training, with every batch and at random."""

    def __init__(self, shape: Shape, classes: int) -> None:
        layers = [nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Dropout(0.5)]
        super().__init__(nn.Sequential(*layers), 16, classes, 0.5)


class Convolving(Network):
    """Two layers with weights of four axes, which have a memory format."""

    def __init__(self, shape: Shape, classes: int) -> None:
        layers = [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 3), nn.AdaptiveAvgPool2d(1)]
        super().__init__(nn.Sequential(*layers, nn.Flatten()), 8, classes, 0.0)


class Straight(Network):
    """Nothing but products, which compile fastest."""

    def __init__(self, shape: Shape, classes: int) -> None:
        layers = [nn.Flatten(), nn.Linear(64, 3, bias=False)]
        super().__init__(nn.Sequential(*layers), 3, classes, 0.0)


def for_test(data: Data) -> Rows:
    """The test rows, which these data have."""
    assert data.test is not None
    return data.test


def separable(count: int) -> Rows:
    """Images that are lit in the upper, the middle or the lower rows, by their class."""
    labels = torch.arange(count) % 3
    images = torch.randint(20, (count, 1, 8, 8), generator=generator(0))
    for image, label in zip(images, labels.tolist(), strict=True):
        image[:, 3 * label : 3 * label + 2] += 200
    return Rows(images.to(torch.uint8), labels)


def fitted(task: Task, where: Training, rows: Rows, seed: int = 0) -> list[FitStep]:
    heard: list[FitStep] = []
    with seeded(seed, "fit"):
        task.renew(first=True)
        where.fit(task, rows, heard.append)
    return heard


def test_fit_lowers_the_loss_until_separable_classes_are_told_apart(
    make_task: MakeTask, cpu: Training
) -> None:
    rows = separable(48)
    task = make_task(MLP, steps=50)
    heard = fitted(task, cpu, rows)
    assert heard[-1].loss < heard[0].loss / 10
    found = cpu.test(task, rows)
    assert found.keys() == {"accuracy", "balanced_accuracy", "macro_f1", "nll", "ece"}
    assert found["accuracy"] == found["balanced_accuracy"] == found["macro_f1"] == 1
    assert found["nll"] < 0.1


def test_fit_is_the_same_for_the_same_seed_and_another_for_another(
    make_task: MakeTask, cpu: Training, data: Data
) -> None:
    task = make_task(MLP, crop=1, steps=5)
    weights = []
    for seed in (0, 0, 1):
        fitted(task, cpu, data.train, seed)
        weights.append(task.network.head.weight.detach().clone())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_fit_shortens_gradients_to_what_is_asked_for(make_task: MakeTask, cpu: Training) -> None:
    lengths = {}
    for clip in (None, 1e-3):
        task = make_task(MLP, steps=1, warmup=0.0, weight_decay=0.0, clip=clip)
        with seeded(0, "fit"):
            task.renew(first=True)
            before = parameters_to_vector(task.network.parameters()).detach()
            cpu.fit(task, separable(12), UNHEARD)
        moved = parameters_to_vector(task.network.parameters()).detach() - before
        lengths[clip] = float(moved.norm()) / (1.9 * task.learning_rate)  # Nesterov's first step
    assert lengths[None] > 0.1
    assert lengths[1e-3] == pytest.approx(1e-3, rel=1e-2)


def test_fit_trains_in_training_mode_whatever_mode_the_task_was_left_in(
    make_task: MakeTask, cpu: Training, data: Data
) -> None:
    task = make_task(Awake, crop=2, steps=3)
    losses = []
    for leave in (task.train, task.eval):
        leave()
        heard = fitted(task, cpu, data.train)
        losses.append([step.loss for step in heard])
    assert losses[0] == losses[1]


def test_fit_shows_every_row_once_an_epoch_in_a_new_order(
    make_task: MakeTask, cpu: Training, data: Data
) -> None:
    task, labels = make_task(epochs=2), torch.arange(60)  # here a label is a row's number
    shown: list[int] = []

    def step(batch: tuple[Tensor, ...]) -> Tensor:
        shown.extend(batch[1].tolist())
        return task(batch[0]).sum()

    task.training_step = step  # type: ignore[method-assign, assignment]
    cpu.fit(task, Rows(data.train.inputs, labels), UNHEARD)
    first, second = shown[:60], shown[60:]
    assert sorted(first) == sorted(second) == labels.tolist()
    assert first != second
    assert labels.tolist() not in (first, second)


def test_test_gives_the_metrics_of_the_task_in_evaluation_mode(
    make_task: MakeTask, cpu: Training, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "EVALUATION_BATCH", 8)
    task = make_task(Awake, crop=2)
    rows = for_test(data)
    found = cpu.test(task, rows)
    with torch.no_grad():
        logits = task.eval()(rows.inputs)
    right = (logits.argmax(1) == rows.labels).float().mean()
    loss = nn.functional.cross_entropy(logits, rows.labels)
    assert found["accuracy"] == pytest.approx(float(right))
    assert found["nll"] == pytest.approx(float(loss), rel=1e-5)


def test_a_network_that_diverged_is_refused(make_task: MakeTask, cpu: Training, data: Data) -> None:
    task = make_task()
    with torch.no_grad():
        task.network.head.bias.fill_(torch.nan)
    rows = for_test(data)
    with pytest.raises(UserError, match=f"loss on {len(rows)} rows is not finite .*learning_rate"):
        cpu.test(task, rows)


def test_every_test_starts_to_count_afresh(make_task: MakeTask, cpu: Training, data: Data) -> None:
    task = make_task()
    first = cpu.test(task, for_test(data))
    cpu.test(task, data.train)
    assert cpu.test(task, for_test(data)) == first


def test_embed_is_the_network_in_evaluation_mode_row_by_row(
    make_task: MakeTask, cpu: Training, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "EVALUATION_BATCH", 8)
    task = make_task(Awake, crop=2).train()
    numbers = torch.arange(1, 60, 3)  # two batches of 8 and one of 4
    images = data.train.inputs[numbers]
    found = cpu.embed(task, data.train, numbers)
    assert task.network.training
    task.eval()
    with torch.no_grad():
        expected = torch.cat([task.network.embed(task.preprocess(x[None])) for x in images])
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)


def test_embeddings_can_enter_a_gradient_later(
    make_task: MakeTask, cpu: Training, data: Data
) -> None:
    task = make_task(MLP)
    embeddings = cpu.embed(task, data.train, torch.arange(5))
    assert not embeddings.requires_grad
    assert not embeddings.is_inference()
    task.network.head(embeddings).sum().backward()
    torch.testing.assert_close(task.network.head.weight.grad, embeddings.sum(0).expand(3, -1))


def channels_last(task: Task) -> bool:
    """Whether all weights that have a memory format have this one."""
    weights = [weight for weight in task.network.parameters() if weight.ndim == 4]
    assert weights
    return all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)


@pytest.mark.parametrize(
    ("build", "options"),
    [
        (Convolving, {"channels_last": True}),
        (Straight, {"compile": True}),
    ],
)
def test_memory_format_and_compilation_change_nothing_but_the_speed(
    make_task: MakeTask,
    cpu: Training,
    data: Data,
    build: Callable[..., Network],
    options: dict[str, Any],
) -> None:
    rows, numbers = data.train.take(torch.arange(6)), torch.arange(6)
    expected = cpu.embed(make_task(build, steps=2), rows, numbers)
    task, other = make_task(build, steps=2), Training(accelerator="cpu", **options)
    torch.testing.assert_close(other.embed(task, rows, numbers), expected, rtol=1e-4, atol=1e-4)
    if other.compile:
        assert task.network.embed._compiled_call_impl is not None
    else:
        assert channels_last(task)
    assert other.fit(task, rows, UNHEARD) == 2
    assert not torch.equal(other.embed(task, rows, numbers), expected)


def test_a_compiled_network_is_what_its_state_says(make_task: MakeTask, data: Data) -> None:
    rows, numbers = data.train.take(torch.arange(6)), torch.arange(6)
    where = Training(accelerator="cpu", compile=True)
    taught, other = (Trained(make_task(Straight, steps=steps), where) for steps in (2, 3))
    for each in (taught, other):
        each.fit(rows, first=True, watch=UNHEARD)
    assert not torch.equal(*(each.look(rows, numbers, 0).embeddings for each in (taught, other)))
    other.load_state_dict(taught.state_dict())
    assert torch.equal(*(each.look(rows, numbers, 0).embeddings for each in (taught, other)))


def test_rows_stay_where_float64_is(monkeypatch: pytest.MonkeyPatch, cpu: Training) -> None:
    monkeypatch.setattr(Training, "device", torch.device("mps"))
    rows = torch.ones(3)
    assert cpu.place(rows) is rows


@pytest.mark.parametrize(("build", "accelerator"), [(MLP, "auto"), (None, "cpu")])
def test_a_task_in_double_precision_is_trained_where_there_is_some(
    monkeypatch: pytest.MonkeyPatch, make_task: MakeTask, build: Any, accelerator: str
) -> None:
    task = make_task(build) if build else Logistic((4,), 3, nn.Identity())
    where = Training()
    monkeypatch.setattr(Training, "device", torch.device("mps"))
    assert Trained(task, where).training.accelerator == accelerator


def test_a_fresh_start_keeps_the_memory_format(make_task: MakeTask, data: Data) -> None:
    task = make_task(Convolving)
    assert not channels_last(task)
    Training(accelerator="cpu", channels_last=True).embed(task, data.train, torch.arange(2))
    task.renew(first=True)
    assert channels_last(task)


def test_bf16_trains_on_the_cpu(make_task: MakeTask) -> None:
    rows = separable(48)
    task, mixed = make_task(MLP, steps=30), Training(accelerator="cpu", precision="bf16-mixed")
    heard = fitted(task, mixed, rows)
    assert heard[-1].loss < heard[0].loss / 2
    assert mixed.test(task, rows)["accuracy"] == 1
    assert {weight.dtype for weight in task.network.parameters()} == {torch.float32}
    exact = Training(accelerator="cpu").embed(task, rows, torch.arange(48))
    rounded = mixed.embed(task, rows, torch.arange(48))
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


def test_the_refusal_of_a_machine_names_the_option_and_not_the_class() -> None:
    with pytest.raises(UserError, match=r"^trainer: .*abacus"):
        built({"_target_": "autoal.Training", "accelerator": "abacus"})


def test_more_devices_than_there_are_are_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    refusal = r"^trainer\.accelerator=gpu .*requested gpu: \[0, 1\].* only has: \[0\]$"
    section = {"_target_": "autoal.Training", "accelerator": "gpu", "precision": "32-true"}
    with pytest.raises(UserError, match=refusal):
        built({**section, "devices": 2})


@pytest.mark.parametrize(
    ("options", "several"),
    [({}, False), ({"strategy": "ddp"}, False), ({"devices": 2}, True), ({"num_nodes": 2}, True)],
)
def test_several_devices_or_machines_take_several_processes(
    options: dict[str, Any], several: bool
) -> None:
    assert Training(accelerator="cpu", **options).several is several


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"devices": 0}, "`devices` must be at least 1"),
        ({"num_nodes": 0}, "`num_nodes` must be at least 1"),
        ({"strategy": "fsdp"}, "unknown trainer.strategy 'fsdp'"),
        ({"devices": 2, "compile": True}, "`compile` works with one device"),
    ],
)
def test_devices_that_cannot_compute_together_are_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Training(accelerator="cpu", **options)


class Lazy(Tensor):
    """Of a kind that is read from somewhere."""


class Company:
    """Others who would compute along."""

    world = 2

    def tell(self, *work: Any, inputs: Tensor) -> None:
        raise AssertionError("they are told to look")


@pytest.mark.parametrize(
    ("network", "rows", "kind"),
    [(MLP, 512, Tensor), (partial(MLP, hidden=()), 513, Tensor), (MLP, 513, Lazy)],
)
def test_what_is_not_worth_sharing_the_first_process_does_alone(
    make_task: MakeTask,
    cpu: Training,
    monkeypatch: pytest.MonkeyPatch,
    network: Any,
    rows: int,
    kind: type[Tensor],
) -> None:
    task, found = make_task(network), separable(rows)
    found = replace(found, inputs=found.inputs.as_subclass(kind))
    expected = cpu.embed(task, found, torch.arange(rows)), cpu.test(task, found)
    monkeypatch.setattr("autoal.model.training.together", Company)
    torch.testing.assert_close(cpu.embed(task, found, torch.arange(rows)), expected[0])
    assert cpu.test(task, found) == expected[1]
    with pytest.raises(AssertionError, match="told to look"):
        cpu.embed(make_task(MLP), separable(513), torch.arange(513))


@pytest.mark.parametrize("steps", [1, 7, 50, 101])
def test_watch_is_told_of_increasing_steps_up_to_the_last(
    make_task: MakeTask, cpu: Training, data: Data, steps: int
) -> None:
    heard = fitted(make_task(steps=steps), cpu, data.train)
    numbers = [step.step for step in heard]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == steps
    assert min(steps, 50) <= len(numbers) <= 100
    assert {step.steps for step in heard} == {steps}
    assert [step.epoch for step in heard] == [(step + 1) // 2 for step in numbers]  # two batches


def test_watch_is_told_the_learning_rate_that_the_step_was_taken_with(
    make_task: MakeTask, cpu: Training, data: Data
) -> None:
    task = make_task(steps=10, warmup=0.3, learning_rate=0.02)
    heard = fitted(task, cpu, data.train)
    expected = [0.02 * task.learning_rate_factor(step, 10) for step in range(10)]
    assert [step.learning_rate for step in heard] == pytest.approx(expected)


def test_watch_is_told_the_loss_of_the_step(make_task: MakeTask, cpu: Training, data: Data) -> None:
    rows = data.train.take(torch.arange(4))  # a single batch
    task = make_task(steps=1)
    with torch.no_grad():
        expected = nn.functional.cross_entropy(task(rows.inputs), rows.labels)
    heard: list[FitStep] = []
    cpu.fit(task, rows, heard.append)
    assert heard[0].loss == pytest.approx(float(expected), rel=1e-5)


def test_images_stay_in_memory_where_there_is_no_gpu(cpu: Training, data: Data) -> None:
    assert cpu.place(data.train.inputs) is data.train.inputs


def test_a_gpu_that_is_left_idle_on_purpose_is_no_news(
    make_task: MakeTask, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CUDAAccelerator, "is_available", staticmethod(lambda: True))
    found = Training(accelerator="cpu").embed(make_task(), for_test(data), torch.arange(30))
    assert len(found) == 30


@pytest.fixture
def _heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hydra disables all logs of a process in which a command has run."""
    for name in ("pytorch_lightning", *LOGS):
        monkeypatch.setattr(logging.getLogger(name), "disabled", False)


@pytest.fixture
def said(_heard: None) -> Iterator[StringIO]:
    """All that Lightning would say where nobody takes its log over, as pytest does."""
    words = StringIO()
    handler = logging.StreamHandler(words)
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric")]
    for logger in loggers:
        logger.addHandler(handler)
    yield words
    for logger in loggers:
        logger.removeHandler(handler)


def test_lightning_prints_nothing(
    make_task: MakeTask,
    cpu: Training,
    data: Data,
    said: StringIO,
    capfd: pytest.CaptureFixture[str],
) -> None:
    task = make_task(MLP, steps=2)
    cpu.fit(task, data.train, UNHEARD)
    cpu.test(task, data.train)
    cpu.embed(task, data.train, torch.arange(60))
    assert said.getvalue() == ""
    assert capfd.readouterr() == ("", "")
    Trainer(accelerator="cpu", logger=False, enable_progress_bar=False)
    assert "GPU available" in said.getvalue()  # as it greets whoever lets it


@pytest.mark.usefixtures("_heard")
def test_lightning_does_not_name_the_gpu_in_every_round(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)  # it sets this
    monkeypatch.setattr(logging.getLogger("pytorch_lightning"), "propagate", True)
    caplog.set_level(logging.INFO)
    with contained():
        CUDAAccelerator.set_nvidia_flags(0)
    assert not caplog.text
    CUDAAccelerator.set_nvidia_flags(0)
    assert "LOCAL_RANK" in caplog.text


def test_installed_packages_are_looked_through_once(
    make_task: MakeTask, cpu: Training, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make_task(steps=1)
    cpu.fit(task, data.train, UNHEARD)

    def discover(**options: object) -> None:
        raise AssertionError("a Trainer looked through them again")

    monkeypatch.setattr("importlib.metadata.Distribution.discover", discover)
    cpu.fit(task, data.train, UNHEARD)
    cpu.test(task, data.train)


def test_the_stages_of_a_network_are_embedded_side_by_side(
    make_task: MakeTask, cpu: Training, data: Data
) -> None:
    task, numbers = make_task(partial(MLP, hidden=(6, 4))), torch.tensor([3, 17, 40])
    stages = cpu.embed(task, data.train, numbers, stages=True)
    assert stages.shape == (3, 6 + 4)
    assert torch.equal(stages[:, 6:], cpu.embed(task, data.train, numbers))


def test_no_row_can_be_looked_at_as_well(make_task: MakeTask, cpu: Training, data: Data) -> None:
    task, none = make_task(partial(MLP, hidden=(6, 4))), torch.empty(0, dtype=torch.long)
    assert cpu.embed(task, data.train, none).shape == (0, 4)
    assert cpu.embed(task, data.train, none, stages=True).shape == (0, 10)


def test_a_module_goes_through_its_own_batches_once(cpu: Training) -> None:
    class Counting(LightningModule):
        """Takes the steps that it wants to."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))
            self.automatic_optimization = False
            self.batches: list[list[int]] = []

        def train_dataloader(self) -> Any:
            return Batches(torch.arange(5), size=2)

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.5)

        def training_step(self, batch: tuple[Tensor], index: int) -> None:
            self.batches.append(batch[0].tolist())
            optimizer: Any = self.optimizers()
            optimizer.zero_grad()
            self.manual_backward((self.weight - 1).sum())
            optimizer.step()

    module = Counting()
    cpu.optimise(module)
    assert module.batches == [[0, 1], [2, 3], [4]]
    assert module.weight.item() == -1.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compile": None}, "`compile` must be true or false, got null"),
        ({"channels_last": "no"}, "`channels_last` must be true, false or null, got 'no'"),
    ],
)
def test_a_switch_that_is_none_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Training(accelerator="cpu", **options)
