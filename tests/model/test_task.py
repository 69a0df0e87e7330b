import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from autoal import Data, Task, Training
from autoal.data.rows import Shape
from autoal.model.networks import MLP, Network
from autoal.record.sink import Sink
from autoal.seeding import generator, seeded

MakeTask = Callable[..., Task]


class Normed(Network):
    """BatchNorm in front of the head."""

    def __init__(self, shape: Shape, classes: int) -> None:
        width = math.prod(shape)
        super().__init__(nn.Sequential(nn.Flatten(), nn.BatchNorm1d(width)), width, classes, 0.0)


def images_of(count: int) -> Tensor:
    return torch.randint(256, (count, 1, 8, 8), generator=generator(0)).to(torch.uint8)


def weights(task: Task) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in task.network.state_dict().items()}


def differs(before: dict[str, Tensor], after: dict[str, Tensor], name: str) -> bool:
    return not torch.equal(before[name], after[name])


def test_the_cosine_schedule_by_hand(make_task: MakeTask) -> None:
    rate = partial(make_task(warmup=0.2).learning_rate_factor, total=10)
    # Two steps of warm-up towards the peak, eight of half a cosine wave down from it.
    assert [rate(step) for step in (0, 1, 2)] == pytest.approx([1 / 3, 2 / 3, 1])
    assert rate(4) == pytest.approx(0.5 * (1 + math.sqrt(0.5)))
    assert rate(6) == pytest.approx(0.5)
    assert rate(8) == pytest.approx(0.5 * (1 - math.sqrt(0.5)))
    assert rate(10) == pytest.approx(0)


def test_the_constant_schedule_stays_at_its_peak_after_the_warm_up(make_task: MakeTask) -> None:
    rate = partial(make_task(schedule="constant", warmup=0.2).learning_rate_factor, total=10)
    assert [rate(step) for step in range(10)] == pytest.approx([1 / 3, 2 / 3, *[1] * 8])


def test_without_warm_up_the_first_step_is_at_the_peak(make_task: MakeTask) -> None:
    assert make_task(warmup=0.0).learning_rate_factor(0, 10) == 1
    assert make_task(warmup=0.0).learning_rate_factor(0, 1) == 1


@pytest.mark.parametrize("total", [1, 2, 7, 50, 70, 100, 230, 1000])
def test_the_peak_follows_the_warm_up_at_once(make_task: MakeTask, total: int) -> None:
    task = make_task(warmup=0.1)
    rates = [task.learning_rate_factor(step, total) for step in range(total)]
    peak = math.ceil(total / 10)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert all(0 < rate <= 1 for rate in rates)
    if total % 10 == 0:
        assert rates[peak] == pytest.approx(1)


def test_a_fresh_start_differs_from_the_old_weights(make_task: MakeTask) -> None:
    task = make_task(MLP)
    before = weights(task)
    with seeded(0, "fit"):
        task.renew(first=False)
    after = weights(task)
    assert all(differs(before, after, name) for name in before)


def test_a_fresh_start_is_the_same_for_the_same_seed(make_task: MakeTask) -> None:
    task = make_task(Normed)
    with seeded(0, "fit"):
        task.renew(first=True)
    first = weights(task)
    with torch.no_grad():
        for value in task.network.state_dict().values():
            value += 1  # running statistics and the count of batches too
    with seeded(0, "fit"):
        task.renew(first=False)
    again = weights(task)
    assert not any(differs(first, again, name) for name in first)
    with seeded(1, "fit"):
        task.renew(first=False)
    assert differs(first, weights(task), "head.weight")


def test_a_fresh_start_sets_the_weights_in_place(make_task: MakeTask) -> None:
    task = make_task(MLP)
    network, places = task.network, [weight.data_ptr() for weight in task.network.parameters()]
    task.renew(first=True)
    assert task.network is network
    assert [weight.data_ptr() for weight in task.network.parameters()] == places


def test_a_warm_start_shrinks_and_perturbs_the_weights_exactly(make_task: MakeTask) -> None:
    task = make_task(MLP, warm_start=True, shrink=0.3, perturb=0.05)
    before = weights(task)
    with seeded(0, "fit"):
        task.renew(first=False)
    with seeded(0, "fit"):
        fresh = MLP((1, 8, 8), 3).state_dict()
    for name, value in weights(task).items():
        expected = 0.3 * before[name].double() + 0.05 * fresh[name].double()
        torch.testing.assert_close(value.double(), expected, rtol=1e-6, atol=1e-8)


def test_a_warm_start_leaves_weights_that_do_not_learn_as_they_are(make_task: MakeTask) -> None:
    task = make_task(MLP, warm_start=True)
    task.network.head.requires_grad_(False)
    before = weights(task)
    with seeded(0, "fit"):
        task.renew(first=False)
    same = {name for name, value in weights(task).items() if torch.equal(value, before[name])}
    assert same == {"head.weight", "head.bias"}


def test_a_warm_start_keeps_the_running_statistics_of_batchnorm(make_task: MakeTask) -> None:
    task = make_task(Normed, warm_start=True)
    task.network.train()(task.preprocess(images_of(16)))
    before = weights(task)
    with seeded(0, "fit"):
        task.renew(first=False)
    after = weights(task)
    assert float(before["embed.1.running_mean"].abs().max()) > 0
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        assert not differs(before, after, f"embed.1.{name}")
    assert after["embed.1.weight"].tolist() == pytest.approx([0.4 + 0.1] * 64)


def test_the_first_round_starts_afresh_even_when_starts_are_warm(make_task: MakeTask) -> None:
    warm, cold = make_task(MLP, warm_start=True), make_task(MLP)
    for task in (warm, cold):
        with seeded(0, "fit"):
            task.renew(first=True)
    assert not any(differs(weights(warm), weights(cold), name) for name in weights(warm))


def test_forward_is_the_network_on_preprocessed_images(make_task: MakeTask) -> None:
    task = make_task(MLP).eval()
    images = images_of(4)
    normalised = (images.float() / 255 - 0.5) / 0.25
    torch.testing.assert_close(task(images), task.network(normalised))


def test_label_smoothing_enters_the_loss(make_task: MakeTask) -> None:
    images, labels = images_of(4), torch.tensor([0, 1, 2, 0])
    losses = []
    for smoothing in (0.0, 0.3):
        task = make_task(label_smoothing=smoothing).eval()
        with torch.no_grad():
            losses.append(float(task.training_step((images, labels), 0)))
            logs = task(images).log_softmax(1)
        target = nn.functional.one_hot(labels, 3) * (1 - smoothing) + smoothing / 3
        assert losses[-1] == pytest.approx(float(-(target * logs).sum(1).mean()), rel=1e-5)
    assert losses[0] != pytest.approx(losses[1])


@pytest.mark.parametrize(("name", "kind"), [("sgd", "SGD"), ("adam", "Adam"), ("adamw", "AdamW")])
def test_the_optimizer_is_the_one_that_was_asked_for(
    make_task: MakeTask, cpu: Training, data: Data, name: str, kind: str
) -> None:
    task = make_task(optimizer=name, learning_rate=0.02, weight_decay=0.003, steps=1)
    made: list[Any] = []
    configure = task.configure_optimizers

    def spy() -> Any:
        made.append(configure()[0][0])
        return configure()

    task.configure_optimizers = spy  # type: ignore[method-assign]
    cpu.fit(task, data.train, Sink().step)
    (group,) = made[0].param_groups
    assert type(made[0]).__name__ == kind
    assert group["weight_decay"] == 0.003
    assert group["initial_lr"] == 0.02
    assert len(group["params"]) == 2  # the head's weight and bias
    if name == "sgd":
        assert (group["momentum"], group["nesterov"]) == (0.9, True)


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"steps": 7}, 7),
        ({"steps": 1}, 1),
        ({"epochs": 3}, 6),  # 60 rows in two batches
        ({"epochs": 2, "batch_size": 60}, 2),
        ({"epochs": 2, "batch_size": 16}, 8),
    ],
)
def test_training_is_as_long_as_it_was_asked_to_be(
    make_task: MakeTask,
    cpu: Training,
    data: Data,
    options: dict[str, Any],
    steps: int,
) -> None:
    taken = cpu.fit(make_task(**options), data.train, Sink().step)
    assert taken == steps


@pytest.mark.parametrize(
    ("options", "share", "steps", "epochs"),
    [
        ({"steps": 60}, 0.5, 30, None),
        ({"steps": 60}, 0.01, 1, None),
        ({"steps": 60}, 1.0, 60, None),
        ({"steps": 60, "epochs": 9}, 1 / 3, 20, 3),
        ({"epochs": 2}, 0.1, 6, 1),
    ],
)
def test_a_shorter_task_is_a_copy(
    make_task: MakeTask, options: dict[str, int], share: float, steps: int, epochs: int | None
) -> None:
    task = make_task(**options)
    before, length = weights(task), (task.steps, task.epochs)
    short = task.shorter(share)
    assert (short.steps, short.epochs) == (steps, epochs)
    assert (task.steps, task.epochs) == length
    assert not any(differs(before, weights(short), name) for name in before)
    short.renew(first=True)
    assert differs(before, weights(short), "head.weight")
    assert not any(differs(before, weights(task), name) for name in before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "sdg"}, "unknown optimizer 'sdg'; did you mean 'sgd'"),
        ({"schedule": "linear"}, "unknown schedule 'linear'\n  known: constant, cosine"),
        ({"epochs": 0}, "`epochs` must be at least 1 and at most .*, got 0"),
        ({"epochs": -1}, "`epochs` must be at least 1 and at most .*, got -1"),
        ({"steps": None}, "`steps` must be a whole number, got null"),
        ({"learning_rate": "fast"}, "`learning_rate` must be a number, got 'fast'"),
        ({"steps": 1.5}, "`steps` must be a whole number, got 1.5"),
        ({"epochs": True}, "`epochs` must be a whole number, got True"),
        ({"steps": 0}, "`steps` must be at least 1 and at most .*, got 0"),
        ({"steps": -5}, "`steps` must be at least 1 and at most .*, got -5"),
        ({"learning_rate": 0.0}, "`learning_rate` must be above 0, got 0"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be above 0, got nan"),
        ({"learning_rate": float("inf")}, "`learning_rate`"),
        ({"weight_decay": -0.1}, "`weight_decay` must be at least 0, got -0.1"),
        ({"warmup": -0.1}, "`warmup` must be at least 0 and below 1, got -0.1"),
        ({"warmup": 1.0}, "`warmup` must be at least 0 and below 1, got 1.0"),
        ({"batch_size": 1}, "`batch_size` must be at least"),
        ({"label_smoothing": -0.1}, "`label_smoothing` must be at least 0 and below 1"),
        ({"label_smoothing": 1.0}, "`label_smoothing` must be at least 0 and below 1"),
        ({"clip": 0.0}, "`clip` must be above 0, got 0.0"),
        ({"shrink": -0.1}, "`shrink` must be at least 0, got -0.1"),
        ({"warm_start": 1}, "`warm_start` must be true or false, got 1"),
        ({"perturb": -0.1}, "`perturb` must be at least 0, got -0.1"),
    ],
)
def test_an_option_out_of_range_is_refused_by_its_name(
    make_task: MakeTask, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_task(**options)
