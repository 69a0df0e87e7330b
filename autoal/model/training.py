"""Running a task on what the machine has: one fresh Lightning Trainer for every call."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import Any

import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from autoal.bounds import switch
from autoal.data.batches import Batches, Blocks
from autoal.data.lazy import LazyTensor
from autoal.data.rows import Rows
from autoal.errors import diverged
from autoal.model.fitstep import FitStep, Watch
from autoal.model.task import Task

# Flags of a Trainer that writes and draws nothing.
QUIET: dict[str, Any] = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}
EVALUATION_BATCH = 512  # rows; large enough to be fast, small enough for any memory


@dataclass(frozen=True)
class Training:
    """The machine's side of an experiment.

    Args:
        accelerator: auto, cpu, gpu, mps or any other that Lightning knows.
        precision: auto, 32-true, bf16-mixed or any other that Lightning knows; auto is bf16-mixed
            on GPUs that compute in it, 32-true elsewhere.
        channels_last: memory format of the weights, and so of all that they touch; null is on for
            GPUs, off for CPUs.
        compile: torch.compile the network's trunk.
    """

    accelerator: str = "auto"
    precision: str = "auto"
    channels_last: bool | None = None
    compile: bool = False

    def __post_init__(self) -> None:
        switch("channels_last", self.channels_last, optional=True)
        switch("compile", self.compile)
        try:
            _device(self.accelerator, self._precision())
        except (MisconfigurationException, ModuleNotFoundError) as error:  # an absent device
            raise ValueError(str(error)) from error

    def fit(self, task: Task, rows: Rows, watch: Watch) -> int:
        """Train on these rows; returns the number of optimizer steps that were taken."""
        with contained():
            length = (-1, task.steps) if task.epochs is None else (task.epochs, -1)
            trainer = self._trainer(
                max_epochs=length[0],
                max_steps=length[1],
                gradient_clip_val=task.clip,
                callbacks=[Watching(watch)],
            )
            self._arrange(task, trainer)
            task.train()  # Lightning keeps the mode in which it finds a module
            batches = Batches(*_lesson(task, rows), size=task.batch_size, shuffle=True)
            trainer.fit(task, batches)
        return trainer.global_step

    def optimise(self, module: LightningModule) -> None:
        """Let a module go through its own batches once, and take what steps it takes."""
        with contained():
            self._trainer(max_epochs=1).fit(module)

    def test(self, task: Task, rows: Rows) -> dict[str, float]:
        """The metrics on these rows."""
        with contained():
            trainer = self._trainer()
            self._arrange(task, trainer)
            batches = Batches(rows.inputs, rows.labels, size=EVALUATION_BATCH)
            (metrics,) = trainer.test(task, batches, verbose=False)
        if not isfinite(metrics["nll"]):
            raise diverged(f"log loss on {len(rows)} rows is")
        return {name: float(value) for name, value in metrics.items()}

    def embed(self, task: Task, rows: Rows, numbers: Tensor, *, stages: bool = False) -> Tensor:
        """The network's embedding of the rows of these numbers, or all its stages, (n, width).

        On the GPU if there is one with room for it, where strategies then compute.
        """
        if not len(numbers):  # the width is that of any row
            return self.embed(task, rows, torch.zeros(1, dtype=torch.long), stages=stages)[:0]
        with contained():
            trainer = self._trainer()
            self._arrange(task, trainer)
            task.show_stages = stages
            batches: Any = trainer.predict(task, Blocks(rows, numbers, EVALUATION_BATCH))
        # Inference tensors, which no gradient may touch later; `cat` makes a plain one of them.
        return self.place(torch.cat([batch.cpu() for batch in batches]))

    def place(self, tensor: Tensor) -> Tensor:
        """The tensor where training reads it fastest: on a GPU that has room for it twice."""
        device = self.device
        if isinstance(tensor, LazyTensor):  # it is there because it is too large
            return tensor
        if device.type == "cuda" and tensor.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
            return tensor.to(device)
        return tensor

    @property
    def device(self) -> torch.device:
        """Where a fit would compute."""
        return _device(self.accelerator, self._precision())

    def _trainer(self, **options: Any) -> Trainer:
        return Trainer(
            accelerator=self.accelerator,
            devices=1,
            precision=self._precision(),
            **QUIET,
            **options,
        )

    def _precision(self) -> Any:
        if self.precision != "auto":
            return self.precision
        on_gpu = self.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
        # Emulated bf16 exists on older cards, and is slower than float32 there.
        if on_gpu and torch.cuda.is_bf16_supported(including_emulation=False):
            return "bf16-mixed"
        return "32-true"

    def _arrange(self, task: Task, trainer: Trainer) -> None:
        """Memory format and compilation; asking again for what is there costs nothing."""
        on_gpu = trainer.strategy.root_device.type == "cuda"
        if on_gpu if self.channels_last is None else self.channels_last:
            task.network.to(memory_format=torch.channels_last)
        if self.compile and task.network.embed._compiled_call_impl is None:
            task.network.embed.compile()


def _lesson(task: Task, rows: Rows) -> list[Tensor]:
    """What a task is taught of rows: the inputs, the labels, and the beliefs if there are any."""
    if rows.beliefs is None:
        return [rows.inputs, rows.labels]
    return [rows.inputs, rows.labels, rows.beliefs.to(task.network.head.weight.dtype)]


@cache
def _device(accelerator: str, precision: Any) -> torch.device:
    """Where a Trainer of these would compute; to make one takes looks at all packages."""
    with contained():
        trainer = Trainer(accelerator=accelerator, devices=1, precision=precision, **QUIET)
        return trainer.strategy.root_device


class Watching(Callback):
    """Tells about some fifty steps of a fit, since reading a loss makes a GPU wait."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.learning_rate = 0.0

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        # Of a module of the user's there may be none, which is how Lightning lets it train nothing.
        groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
        self.learning_rate = groups[0]["lr"] if groups else 0.0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step, total = trainer.global_step, trainer.estimated_stepping_batches
        steps = int(total) if isfinite(total) else step  # endless, but for a limit of time
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if loss is not None and (step % max(1, steps // 50) == 0 or step == steps):
            epoch = trainer.current_epoch + 1
            self.watch(FitStep(step, steps, epoch, float(loss), self.learning_rate))


@contextmanager
def contained() -> Iterator[None]:
    """Lightning without its introductions, of which there are three a round, and stopped by Ctrl-C.

    Left alone, it ends the whole process on a KeyboardInterrupt, and ignores the next ones.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        with _quiet():
            yield
    except SystemExit as stop:
        if not isinstance(stop.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise stop.__context__ from None


@contextmanager
def _quiet() -> Iterator[None]:
    log = logging.getLogger("pytorch_lightning.utilities.rank_zero")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # Lightning 2.6 with torch 2.15; nothing that a user could change.
            warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
            # A SearchNet is in eval mode, a FitNet in whatever mode its rehearsal wants.
            warnings.filterwarnings("ignore", message=".*module.s. in eval mode at the start")
            # A GPU that is left idle was left so by `accelerator`.
            warnings.filterwarnings("ignore", message="GPU available but not used")
            # A module of the user's may validate, where the data have rows for it.
            warnings.filterwarnings("ignore", message="You defined a `validation_step` but have")
            # A loss that is NaN is refused in words of our own.
            warnings.filterwarnings("ignore", message="Encountered `nan` values")
            yield
    finally:
        log.setLevel(level)
