"""Running a task on the available hardware, with a fresh Lightning Trainer for every call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import Any

import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from autoal.bounds import choice, switch, whole
from autoal.data.batches import Batches, Blocks, Shared
from autoal.data.lazy import LazyTensor, held
from autoal.data.rows import Rows
from autoal.errors import UserError, diverged
from autoal.model.callbacks import Counting, Watching, Weighing
from autoal.model.contained import contained
from autoal.model.fitstep import Watch, unwatched
from autoal.model.metrics import counted_by_all
from autoal.model.ranks import Ranks, sendable, together
from autoal.model.task import Task
from autoal.progress import progress
from autoal.seeding import derive

# Flags of a Trainer that writes no files and shows no bars.
QUIET: dict[str, Any] = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}
EVALUATION_BATCH = 512  # rows; large enough to be fast, small enough for any memory
STRATEGIES = ("auto", "ddp")
MOST = 10_000  # devices or machines


@dataclass(frozen=True)
class Training:
    """An experiment's use of the machine.

    Args:
        accelerator: auto, cpu, gpu, mps or any other that Lightning knows.
        precision: auto, 32-true, bf16-mixed or any other that Lightning knows; auto means
            bf16-mixed on GPUs that compute in it, 32-true elsewhere.
        channels_last: memory format of the weights, and so of everything they touch; null means on
            for GPUs, off for CPUs.
        compile: torch.compile the network's trunk.
        devices: how many compute on each machine, each in a process of its own.
        num_nodes: how many machines there are.
        strategy: auto or ddp, in which several devices train one network; auto means ddp for
            several.
    """

    accelerator: str = "auto"
    precision: str = "auto"
    channels_last: bool | None = None
    compile: bool = False
    devices: int = 1
    num_nodes: int = 1
    strategy: str = "auto"

    def __post_init__(self) -> None:
        switch("channels_last", self.channels_last, optional=True)
        switch("compile", self.compile)
        whole("devices", self.devices, least=1, most=MOST)
        whole("num_nodes", self.num_nodes, least=1, most=MOST)
        choice("trainer.strategy", self.strategy, STRATEGIES)
        if self.several and self.compile:
            raise ValueError("`compile` works with one device: leave it out, or give devices=1")
        try:
            _device(self.accelerator, self._precision(), self.devices)
        except (MisconfigurationException, ModuleNotFoundError) as error:  # an absent device
            why = " ".join(str(error).split())
            raise UserError(
                f"trainer.accelerator={self.accelerator} does not work here: {why}"
            ) from error
        except ValueError as error:  # a misspelt accelerator or precision
            raise UserError(f"trainer: {error}") from error

    @property
    def several(self) -> bool:
        """Whether several processes compute a run together."""
        return self.devices * self.num_nodes > 1

    def ranks(self) -> Ranks:
        """The processes that compute a run together."""
        return Ranks(self.accelerator, self.devices, self.num_nodes)

    def fit(self, task: Task, rows: Rows, watch: Watch) -> int:
        """Train on these rows; return the number of optimizer steps taken."""
        lesson = _lesson(task, rows)
        ranks = together()
        if ranks is None or not any(weight.requires_grad for weight in task.network.trunk):
            return self._fit(task, Batches(*lesson, size=task.batch_size, shuffle=True), watch)
        inputs, *told = held(lesson[0]), *lesson[1:]  # lazy rows cannot be sent
        draws = torch.get_rng_state(), int(torch.randint(2**62, ()))
        work = self, task, [*map(sendable, told)], *draws
        ranks.tell(Training._fit_together, *work, inputs=inputs)
        return self._fit_together(task, told, *draws, inputs, watch)

    def optimise(self, module: LightningModule) -> None:
        """Let a module go through its own batches once, taking its own steps."""
        with self._trainer(max_epochs=1) as trainer:
            trainer.fit(module)

    def test(self, task: Task, rows: Rows) -> dict[str, float]:
        """The metrics on these rows."""
        work = self, task, sendable(rows.labels)
        if (ranks := _looking(task, len(rows), rows.inputs)) is not None:
            ranks.tell(Training._test, *work, inputs=rows.inputs)
        metrics = Training._test(*work, rows.inputs)
        if not isfinite(metrics["nll"]):
            raise diverged(f"log loss on {len(rows)} rows is")
        return {name: float(value) for name, value in metrics.items()}

    def embed(self, task: Task, rows: Rows, numbers: Tensor, *, stages: bool = False) -> Tensor:
        """The network's embeddings of the rows of these numbers, or all its stages, (n, width).

        They are on the GPU if there is one with room for them; strategies then compute there.
        """
        if not len(numbers):  # any row has the same width
            return self.embed(task, rows, torch.zeros(1, dtype=torch.long), stages=stages)[:0]
        task.show_stages = stages
        work = self, task, numbers
        if (ranks := _looking(task, len(numbers), rows.inputs)) is not None:
            ranks.tell(Training._embed, *work, inputs=rows.inputs)
        return self.place(Training._embed(*work, rows.inputs))

    def place(self, tensor: Tensor) -> Tensor:
        """The tensor, moved to where training reads it fastest: a GPU with room for it twice."""
        device = self.device
        if isinstance(tensor, LazyTensor):  # it is lazy because it is too large
            return tensor
        if device.type == "cuda" and tensor.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
            return tensor.to(device)
        return tensor

    @property
    def device(self) -> torch.device:
        """The device on which a fit would compute."""
        return _device(self.accelerator, self._precision())

    def _fit_together(
        self,
        task: Task,
        told: Sequence[Tensor],
        stream: Tensor,
        seed: int,
        inputs: Tensor,
        watch: Watch = unwatched,
    ) -> int:
        """Every process's part in a fit.

        All know the order of the rows; each draws everything else for itself.
        """
        ranks = together()
        assert ranks is not None
        if ranks.rank:
            torch.manual_seed(derive(seed, "rank", ranks.rank))
        share: Any = {"stream": stream, "rank": ranks.rank, "world": ranks.world}
        batches = Shared(inputs, *told, size=task.batch_size, **share)
        return self._fit(task, batches, watch, Weighing(batches))

    def _fit(self, task: Task, batches: Batches, watch: Watch, *callbacks: Callback) -> int:
        length = (-1, task.steps) if task.epochs is None else (task.epochs, -1)
        options: dict[str, Any] = {
            "max_epochs": length[0],
            "max_steps": length[1],
            "gradient_clip_val": task.clip,
            "callbacks": [Watching(watch), *callbacks],
        }
        with self._trainer(isinstance(batches, Shared), **options) as trainer:
            self._arrange(task, trainer)
            task.train()  # Lightning keeps a module's current mode
            trainer.fit(task, batches)
            return trainer.global_step

    def _test(self, task: Task, labels: Tensor, inputs: Tensor) -> Mapping[str, float]:
        """Every process's part in a test."""
        ranks = _looking(task, len(labels), inputs)
        run = slice(None) if ranks is None else ranks.run(len(labels), EVALUATION_BATCH)
        batches = Batches(inputs[run], labels[run], size=EVALUATION_BATCH)
        with (
            progress("the test", batches.rows) as advance,
            self._trainer(ranks is not None, callbacks=[Counting(advance)]) as trainer,
        ):
            self._arrange(task, trainer)
            counted_by_all(task.metrics, ranks is not None)
            (metrics,) = trainer.test(task, batches, verbose=False)
        return metrics

    def _embed(self, task: Task, numbers: Tensor, inputs: Tensor) -> Tensor:
        """Every process's part in a look; the first ends up with all of it."""
        ranks = _looking(task, len(numbers), inputs)
        run = slice(None) if ranks is None else ranks.run(len(numbers), EVALUATION_BATCH)
        loader = Blocks(Rows.of(inputs), numbers[run], EVALUATION_BATCH)
        with (
            progress("the look at the pool", len(loader.rows)) as advance,
            self._trainer(ranks is not None, callbacks=[Counting(advance)]) as trainer,
        ):
            self._arrange(task, trainer)
            batches: Any = trainer.predict(task, loader)
        # Inference tensors, which no gradient may touch later; `cat` makes them a plain one.
        part = torch.cat([batch.cpu() for batch in batches])
        return part if ranks is None else ranks.gathered(part, len(numbers), EVALUATION_BATCH)

    @contextmanager
    def _trainer(self, shared: bool = False, **options: Any) -> Iterator[Trainer]:
        """A trainer for one piece of work, which leaves nothing behind.

        It is a web of cycles around the module and the optimiser's state: without the cut they
        would stay until Python looks for cycles, which counts objects and not their size.
        """
        where: dict[str, Any] = {"devices": 1}
        if shared:
            where = {name: getattr(self, name) for name in ("devices", "num_nodes", "strategy")}
        with contained():
            trainer = Trainer(
                accelerator=self.accelerator,
                precision=self._precision(),
                **where,
                **QUIET,
                **options,
            )
            try:
                yield trainer
            finally:
                vars(trainer).clear()

    def _precision(self) -> Any:
        if self.precision != "auto":
            return self.precision
        on_gpu = self.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
        # Emulated bf16 exists on older cards, and is slower than float32 there.
        if on_gpu and torch.cuda.is_bf16_supported(including_emulation=False):
            return "bf16-mixed"
        return "32-true"

    def _arrange(self, task: Task, trainer: Trainer) -> None:
        """Set memory format and compilation; repeating it costs nothing."""
        on_gpu = trainer.strategy.root_device.type == "cuda"
        if on_gpu if self.channels_last is None else self.channels_last:
            task.network.to(memory_format=torch.channels_last)
        if self.compile and task.network.embed._compiled_call_impl is None:
            task.network.embed.compile()


def _lesson(task: Task, rows: Rows) -> list[Tensor]:
    """The lesson for a task: rows' inputs, labels, and beliefs if there are any."""
    if rows.beliefs is None:
        return [rows.inputs, rows.labels]
    return [rows.inputs, rows.labels, rows.beliefs.to(task.network.head.weight.dtype)]


def _looking(task: Task, rows: int, inputs: Tensor) -> Ranks | None:
    """The processes that look at this many rows together, if there is enough work for all.

    Only the first process reads lazy rows.
    """
    ranks = together()
    if ranks is None or type(inputs) is not Tensor or not task.network.trunk:
        return None
    return ranks if rows > EVALUATION_BATCH * (ranks.world - 1) else None


@cache
def _device(accelerator: str, precision: Any, devices: int = 1) -> torch.device:
    """Where a Trainer with these flags would compute; making one scans all packages."""
    with contained():
        trainer = Trainer(accelerator=accelerator, devices=devices, precision=precision, **QUIET)
        return trainer.strategy.root_device
