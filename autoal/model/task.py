"""The classifier that learns from the labelled rows."""

import math
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from autoal.bounds import choice, number, switch, whole
from autoal.data.rows import Rows, Shape
from autoal.errors import UserError
from autoal.model.cut import network_of
from autoal.model.loss import told_loss
from autoal.model.metrics import evaluation_metrics
from autoal.model.networks import Network

Batch = tuple[Tensor, ...]

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
}
SCHEDULES = ("cosine", "constant")


class Task(LightningModule):
    """A network, its training and its evaluation.

    Args:
        network: builds the classifier from the shape of a row and the number of classes; any module
            that ends in a Linear layer works, or a function that builds one.
        shape: of one row.
        classes: how many there are.
        preprocess: from rows as they are stored to the network's input.
        optimizer: sgd (Nesterov momentum 0.9), adam or adamw.
        learning_rate: at its peak.
        weight_decay: of the optimizer.
        schedule: cosine (after a linear warm-up) or constant.
        warmup: share of the steps over which the learning rate rises to its peak.
        steps: optimizer steps in each round.
        epochs: length of a round's training, replaces `steps` if given.
        batch_size: most rows of a batch; labelled rows are spread evenly over an epoch's batches.
        label_smoothing: of the cross-entropy.
        clip: largest norm of the gradient; None does not limit it.
        warm_start: continue from last round's weights, shrunk and perturbed (Ash and Adams, 2020),
            instead of from a fresh network every round.
        shrink: factor on last round's weights.
        perturb: factor on the fresh weights that are added to them.
    """

    def __init__(
        self,
        network: nn.Module | Callable[..., nn.Module],
        shape: Shape,
        classes: int,
        preprocess: nn.Module,
        *,
        optimizer: str = "sgd",
        learning_rate: float = 0.015,
        weight_decay: float = 5e-4,
        schedule: str = "cosine",
        warmup: float = 0.1,
        steps: int = 60,
        epochs: int | None = None,
        batch_size: int = 32,
        label_smoothing: float = 0.0,
        clip: float | None = None,
        warm_start: bool = False,
        shrink: float = 0.4,
        perturb: float = 0.1,
    ) -> None:
        super().__init__()
        choice("optimizer", optimizer, OPTIMIZERS)
        choice("schedule", schedule, SCHEDULES)
        whole("steps", steps, least=1, most=10_000_000)
        whole("epochs", 1 if epochs is None else epochs, least=1, most=1_000_000)
        number("learning_rate", learning_rate, above=0)
        number("weight_decay", weight_decay, least=0)
        number("warmup", warmup, least=0, below=1)
        whole("batch_size", batch_size, least=2)
        number("label_smoothing", label_smoothing, least=0, below=1)
        number("clip", 1.0 if clip is None else clip, above=0)
        switch("warm_start", warm_start)
        number("shrink", shrink, least=0)
        number("perturb", perturb, least=0)
        self._build = partial(network_of, network, shape, classes)
        self.network = self._build()
        self.preprocess = preprocess
        self.metrics = evaluation_metrics(classes)
        self.classes = classes
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.warmup = warmup
        self.steps = steps
        self.epochs = epochs
        self.batch_size = batch_size
        self.label_smoothing = label_smoothing
        self.clip = clip
        self.warm_start = warm_start
        self.shrink = shrink
        self.perturb = perturb
        self.show_stages = False  # set for predictions that need all stages

    @property
    def believes(self) -> bool:
        """Whether it also learns from beliefs; an overridden step may know only labels."""
        return type(self).training_step is Task.training_step

    def meet(self, pool: Rows) -> None:
        """See the pool's unlabelled rows before learning anything."""

    def settled(self) -> dict[str, float]:
        """What the last training chose by itself, for the record."""
        return {}

    def settle(self) -> None:
        """Keep what the last training chose by itself from now on."""

    def renew(self, *, first: bool) -> None:
        """Set the weights from which this round's training starts."""
        fresh = self._build()
        if fresh is self.network:
            raise UserError(
                "the network's builder returned the same one twice: give the network itself"
            )
        if self.warm_start and not first:
            _shrink_and_perturb(self.network, fresh, self.shrink, self.perturb)
        else:
            # Copied in place, so that a compiled network stays compiled.
            self.network.load_state_dict(fresh.state_dict())

    def shorter(self, share: float) -> "Task":
        """A copy whose training is shorter by this factor."""
        copy = deepcopy(self)
        copy.steps = max(1, round(self.steps * share))
        copy.epochs = self.epochs and max(1, round(self.epochs * share))
        return copy

    def forward(self, inputs: Tensor) -> Tensor:  # rows as they are stored -> (n, classes) logits
        return self.network(self.preprocess(inputs))

    def training_step(self, batch: Batch, index: int) -> Tensor:
        inputs, *told = batch
        return told_loss(self(inputs), *told, label_smoothing=self.label_smoothing)

    def test_step(self, batch: Batch, index: int) -> None:
        inputs, labels = batch
        self.metrics.update(self(inputs).float(), labels)

    def on_test_epoch_end(self) -> None:
        self.log_dict(self.metrics)

    def predict_step(self, batch: Batch, index: int) -> Tensor:
        """Embeddings, the costly part of a prediction; see `Features` for the rest."""
        look = self.network.stages if self.show_stages else self.network.embed
        return look(self.preprocess(batch[0])).float()

    def configure_optimizers(self) -> Any:
        optimizer = OPTIMIZERS[self.optimizer](
            self.network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay
        )
        total = int(self.trainer.estimated_stepping_batches)
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, partial(self.learning_rate_factor, total=total)
        )
        return [optimizer], [{"scheduler": scheduler, "interval": "step"}]

    def learning_rate_factor(self, step: int, total: int) -> float:
        """Factor on the peak learning rate at this step out of `total`."""
        rise = math.ceil(round(self.warmup * total, 6))  # 0.07 x 100 is 7, not 8
        if step < rise:
            return (step + 1) / (rise + 1)
        if self.schedule == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, total - rise)))


@torch.no_grad()
def _shrink_and_perturb(old: Network, fresh: Network, shrink: float, perturb: float) -> None:
    """Mix the weights of `fresh` into `old`; weights that do not learn stay unchanged."""
    for weight, noise in zip(old.parameters(), fresh.parameters(), strict=True):
        if not weight.requires_grad:
            continue
        weight.mul_(shrink).add_(noise.to(weight), alpha=perturb)
