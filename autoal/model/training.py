"""Running a task on what the machine has: one fresh Lightning Trainer for every call."""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import Any

import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from autoal.data.batches import Batches
from autoal.errors import diverged
from autoal.model.task import Task

EVALUATION_BATCH = 512  # images; large enough to be fast, small enough for any memory


@dataclass(frozen=True)
class FitStep:
    """Where the training of a round stands."""

    step: int  # from 1
    steps: int
    epoch: int  # from 1
    loss: float
    learning_rate: float


Watch = Callable[[FitStep], None]


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
        asked = self.channels_last
        if not isinstance(asked, bool | None):
            raise ValueError(f"`channels_last` must be true, false or null, got {asked!r}")
        try:
            with _quiet():
                self._trainer()
        except (MisconfigurationException, ModuleNotFoundError) as error:  # an absent device
            raise ValueError(str(error)) from error

    def fit(self, task: Task, images: Tensor, labels: Tensor, watch: Watch) -> int:
        """Train on these rows; returns the number of optimizer steps that were taken."""
        with _quiet():
            length = (-1, task.steps) if task.epochs is None else (task.epochs, -1)
            trainer = self._trainer(
                max_epochs=length[0], max_steps=length[1], callbacks=[_Watching(watch)]
            )
            self._arrange(task, trainer)
            task.train()  # Lightning keeps the mode in which it finds a module
            trainer.fit(task, Batches(images, labels, size=task.batch_size, shuffle=True))
        return trainer.global_step

    def optimise(self, module: LightningModule) -> None:
        """Let a module go through its own batches once, and take what steps it takes."""
        with _quiet():
            self._trainer(max_epochs=1).fit(module)

    def test(self, task: Task, images: Tensor, labels: Tensor) -> dict[str, float]:
        """The metrics on these rows."""
        with _quiet():
            trainer = self._trainer()
            self._arrange(task, trainer)
            batches = Batches(images, labels, size=EVALUATION_BATCH)
            (metrics,) = trainer.test(task, batches, verbose=False)
        if not isfinite(metrics["nll"]):
            raise diverged(f"log loss on {len(images)} rows is")
        return {name: float(value) for name, value in metrics.items()}

    def embed(self, task: Task, images: Tensor, stages: bool = False) -> Tensor:
        """The network's embedding of each image, or all its stages, (n, width) float32.

        On the GPU if there is one with room for it, where strategies then compute.
        """
        with _quiet():
            trainer = self._trainer()
            self._arrange(task, trainer)
            task.show_stages = stages
            batches: Any = trainer.predict(task, Batches(images, size=EVALUATION_BATCH))
        # Inference tensors, which no gradient may touch later; `cat` makes a plain one of them.
        return self.place(torch.cat([batch.cpu() for batch in batches]))

    def place(self, images: Tensor) -> Tensor:
        """The images where training reads them fastest: on a GPU that has room for them twice."""
        device = self.device
        if device.type == "cuda" and images.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
            return images.to(device)
        return images

    @property
    def device(self) -> torch.device:
        """Where a fit would compute."""
        with _quiet():
            return self._trainer().strategy.root_device

    def _trainer(self, **options: Any) -> Trainer:
        return Trainer(
            accelerator=self.accelerator,
            devices=1,
            precision=self._precision(),
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
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


class _Watching(Callback):
    """Tells about some fifty steps of a fit, since reading a loss makes a GPU wait."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.rate = 0.0

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self.rate = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step, steps = trainer.global_step, int(trainer.estimated_stepping_batches)
        if step % max(1, steps // 50) == 0 or step == steps:
            loss = float(outputs["loss"])
            self.watch(FitStep(step, steps, trainer.current_epoch + 1, loss, self.rate))


@contextmanager
def _quiet() -> Iterator[None]:
    """No introduction and no farewell from Lightning, of which there are three a round."""
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
            # A loss that is NaN is refused in words of our own.
            warnings.filterwarnings("ignore", message="Encountered `nan` values")
            yield
    finally:
        log.setLevel(level)
