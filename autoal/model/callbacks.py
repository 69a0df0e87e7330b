"""Callbacks that run at every training step."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from autoal.data.batches import Shared
from autoal.model.fitstep import FitStep, Watch
from autoal.progress import Advance


class Watching(Callback):
    """Reports some fifty steps of a fit; reading every loss would make a GPU wait."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.learning_rate = 0.0

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        # A user's module may have no optimiser, which is how Lightning lets it train nothing.
        groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
        self.learning_rate = groups[0]["lr"] if groups else 0.0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step, total = trainer.global_step, trainer.estimated_stepping_batches
        steps = int(total) if isfinite(total) else step  # endless, except for a time limit
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if loss is not None and (step % max(1, steps // 50) == 0 or step == steps):
            epoch = trainer.current_epoch + 1
            self.watch(FitStep(step, steps, epoch, float(loss), self.learning_rate))


class Counting(Callback):
    """Tells how many more rows were looked at, or tested on, after every batch of them."""

    def __init__(self, advance: Advance) -> None:
        self.advance = advance

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self.advance(len(batch[0]))

    on_test_batch_end = on_predict_batch_end


class Weighing(Callback):
    """Makes every row of a batch count equally when processes have different numbers of rows.

    Each process takes the mean loss of its own rows, and DDP the mean of their gradients.
    """

    def __init__(self, batches: Shared) -> None:
        self.batches = batches
        self.weight = 1.0

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self.weight = self.batches.weight(batch_idx)

    def on_before_backward(
        self, trainer: Trainer, pl_module: LightningModule, loss: Tensor
    ) -> None:
        if self.weight != 1:
            loss.mul_(self.weight)  # the step reported a copy of it
