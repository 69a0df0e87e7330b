"""The classifier that learns from the labelled rows."""

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor
from torch.nn.functional import cross_entropy

from autoal.data.images import Preprocess, Shape
from autoal.errors import unknown
from autoal.model.metrics import evaluation_metrics
from autoal.model.networks import Network

Batch = tuple[Tensor, ...]

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
}


class Task(LightningModule):
    """A network, how it is trained, and how it is judged.

    Args:
        network: builds the classifier from the shape of an image and the number of classes.
        shape: of one image.
        classes: how many there are.
        preprocess: from uint8 images to the network's input.
        optimizer: sgd (Nesterov momentum 0.9), adam or adamw.
        learning_rate: at its peak.
        weight_decay: of the optimizer.
        schedule: cosine (after a linear warm-up) or constant.
        warmup: share of the steps over which the learning rate rises to its peak.
        steps: of the optimizer in each round.
        epochs: length of a round's training in place of `steps`, where it is given.
        batch_size: at most; labelled rows are spread evenly over the batches of an epoch.
        label_smoothing: of the cross-entropy.
        warm_start: go on from last round's weights, shrunk and perturbed (Ash and Adams, 2020),
            where the default is a fresh network every round.
        shrink: factor on last round's weights.
        perturb: factor on the fresh weights that are added to them.
    """

    def __init__(
        self,
        network: Callable[[Shape, int], Network],
        shape: Shape,
        classes: int,
        preprocess: Preprocess,
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
        warm_start: bool = False,
        shrink: float = 0.4,
        perturb: float = 0.1,
    ) -> None:
        super().__init__()
        _check_choice("optimizer", optimizer, OPTIMIZERS)
        _check_choice("schedule", schedule, ("cosine", "constant"))
        check_whole("steps", steps, least=1)
        check_whole("epochs", 1 if epochs is None else epochs, least=1)
        check_range("learning_rate", learning_rate, above=0)
        check_range("weight_decay", weight_decay, least=0)
        check_range("warmup", warmup, least=0, below=1)
        check_whole("batch_size", batch_size, least=2)
        check_range("label_smoothing", label_smoothing, least=0, below=1)
        check_range("shrink", shrink, least=0)
        check_range("perturb", perturb, least=0)
        self._build = partial(network, shape, classes)
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
        self.warm_start = warm_start
        self.shrink = shrink
        self.perturb = perturb
        self.show_stages = False  # set for the predictions of which all stages are wanted

    def renew(self, *, first: bool) -> None:
        """Set the weights that this round's training starts from."""
        fresh = self._build()
        if self.warm_start and not first:
            _shrink_and_perturb(self.network, fresh, self.shrink, self.perturb)
        else:
            # Copied in place, so that a compiled network stays compiled.
            self.network.load_state_dict(fresh.state_dict())

    def forward(self, images: Tensor) -> Tensor:  # uint8 images -> (n, classes) logits
        return self.network(self.preprocess(images))

    def training_step(self, batch: Batch, index: int) -> Tensor:
        images, labels = batch
        return cross_entropy(self(images), labels, label_smoothing=self.label_smoothing)

    def test_step(self, batch: Batch, index: int) -> None:
        images, labels = batch
        self.metrics.update(self(images).float(), labels)

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
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(self.rate, total=total))
        return [optimizer], [{"scheduler": scheduler, "interval": "step"}]

    def rate(self, step: int, total: int) -> float:
        """Factor on the peak learning rate at this step out of `total`."""
        rise = math.ceil(round(self.warmup * total, 6))  # 0.07 x 100 is 7, not 8
        if step < rise:
            return (step + 1) / (rise + 1)
        if self.schedule == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, total - rise)))


@torch.no_grad()
def _shrink_and_perturb(old: Network, fresh: Network, shrink: float, perturb: float) -> None:
    """Mix the weights of `fresh` into `old`; running statistics stay as they are."""
    for weight, noise in zip(old.parameters(), fresh.parameters(), strict=True):
        weight.mul_(shrink).add_(noise.to(weight), alpha=perturb)


def _check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    if value not in (known := list(choices)):
        raise unknown(name, value, known)


def check_whole(name: str, value: int, *, least: int) -> None:
    """Refuse what is no whole number or too small a one."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"`{name}` must be a whole number, got {value!r}")
    check_range(name, value, least=least)


def check_range(
    name: str,
    value: float,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
) -> None:
    """Refuse what is no number or outside of its bounds."""
    if not isinstance(value, (int, float)):
        raise ValueError(f"`{name}` must be a number, got {value!r}")
    if not (value >= least and above < value < below):
        bounds = [
            f"at least {least}" if least > -math.inf else "",
            f"above {above}" if above > -math.inf else "",
            f"below {below}" if below < math.inf else "",
        ]
        raise ValueError(f"`{name}` must be {' and '.join(filter(None, bounds))}, got {value}")
