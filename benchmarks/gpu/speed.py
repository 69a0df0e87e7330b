"""Images per second: through Task and Trainer, and through a bare loop."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from autoal import Rows, Trained, Training
from autoal.model.fitstep import unwatched
from benchmarks.gpu.setting import Line, Setting

TURNS = 3  # runs of each way, of which the fastest counts


@dataclass(frozen=True)
class Kind:
    """A way to train a network."""

    precision: str
    channels_last: bool
    compile: bool

    def __str__(self) -> str:
        layout = ", channels_last" if self.channels_last else ""
        return f"{self.precision}{layout}{', compiled' if self.compile else ''}"


KINDS = (
    Kind("32-true", False, False),
    Kind("bf16-mixed", True, False),
    Kind("bf16-mixed", True, True),
)


def lines(setting: Setting) -> Iterator[Line]:
    """Both ways of each kind, in turns, and the seconds of the first fit of each."""
    data, batches = setting.data, setting.size.batches
    for kind in KINDS:
        learner = _learner(setting, kind)
        size = learner.task.batch_size
        rows = learner.place(data.train.take(torch.arange(size * batches) % len(data.train)))
        bare = _bare(learner, rows, kind)
        ways = {"bare loop": bare, "Task and Trainer": lambda: _ours(learner, rows)}  # noqa: B023
        for way, run in ways.items():
            with setting.measured() as first:
                run()
            yield Line("first fit", f"{kind}: {way}", "", first.seconds, first.memory)
        best = dict.fromkeys(ways, 0.0)
        for _ in range(TURNS):
            for way, run in ways.items():
                with setting.measured() as found:
                    run()
                best[way] = max(best[way], size * batches / found.seconds)
        for way, speed in best.items():
            share = f"{100 * speed / best['bare loop']:.0f} % of bare"
            yield Line("images a second", f"{kind}: {way}", f"{speed:.0f}, {share}")
    yield _after_loading(setting, data.train)


def _learner(setting: Setting, kind: Kind, **options: object) -> Trained:
    training = Training(setting.device, kind.precision, kind.channels_last, kind.compile)
    return setting.learner(setting.data, training, epochs=1, **options)


def _ours(learner: Trained, rows: Rows) -> None:
    learner.fit(rows, first=True, watch=unwatched)


def _bare(learner: Trained, rows: Rows, kind: Kind) -> Callable[[], None]:
    """The loop that one would write by hand, with the same augmentation and batches."""
    task, device = learner.task, rows.inputs.device
    network: nn.Module = deepcopy(task.network).to(device).train()
    if kind.channels_last:
        network.to(memory_format=torch.channels_last)
    if kind.compile:
        network.compile()
    preprocess = deepcopy(task.preprocess).to(device).train()
    labels, half = rows.labels.to(device), kind.precision != "32-true"

    def step(optimizer: torch.optim.Optimizer, places: Tensor) -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            loss = cross_entropy(network(preprocess(rows.inputs[places])), labels[places])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def epoch() -> None:
        optimizer = torch.optim.SGD(
            network.parameters(), task.learning_rate, 0.9, weight_decay=5e-4, nesterov=True
        )
        for places in torch.randperm(len(labels)).split(task.batch_size):
            step(optimizer, places.to(device))

    return epoch


def _after_loading(setting: Setting, pool: Rows) -> Line:
    """A compiled learner with loaded weights, as in a run that is resumed."""
    learner, other = (_learner(setting, KINDS[-1]) for _ in range(2))
    rows = pool.take(torch.arange(learner.task.batch_size) % len(pool))
    for each in (learner, other):
        _ours(each, rows)
    other.load_state_dict(deepcopy(learner.state_dict()))
    numbers = torch.arange(min(len(pool), learner.task.batch_size))
    with setting.measured() as found:
        first, second = (each.look(pool, numbers, 0).embeddings for each in (learner, other))
    largest = float((first - second).abs().max())
    what = "looks of a compiled network and of one that its state was loaded into"
    return Line("compiled", what, f"differ by {largest:.1e} at most", found.seconds)
