"""A network of nobody's own, named by tests on the command line."""

import os
import signal
from typing import Any

import torchvision
from torch import Tensor, nn

from autoal import Task
from autoal.model.task import Batch


class Tiny(nn.Module):
    """Convolution, BatchNorm and dropout: each has a state or a stream that a resume could lose."""

    def __init__(self, shape: tuple[int, ...], classes: int, width: int = 4) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(shape[0], width, kernel_size=3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
        )
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(16 * width, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.dropout(self.features(images).flatten(1)))


class Frozen(Tiny):
    """A trunk that is costly to look through, and does not learn."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__(shape, classes)
        self.dropout.p = 0.0
        self.features.requires_grad_(False)


class Dying(Tiny):
    """A network whose second process ends in the middle of a training, as if it were killed."""

    def forward(self, images: Tensor) -> Tensor:
        if os.environ.get("LOCAL_RANK") == "1":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(images)


class Gentle(Task):
    """A task of somebody's own, whose losses are smaller."""

    def __init__(
        self,
        network: Any,
        shape: tuple[int, ...],
        classes: int,
        preprocess: nn.Module,
        gentleness: float = 1.0,
        steps: int = 60,
    ) -> None:
        super().__init__(network, shape, classes, preprocess, steps=steps)
        self.gentleness = gentleness

    def training_step(self, batch: Batch, index: int) -> Tensor:
        return self.gentleness * super().training_step(batch, index)


def grey_shufflenet(classes: int) -> nn.Module:
    """A network of torchvision, as it is but for its first layer."""
    network = torchvision.models.shufflenet_v2_x0_5(num_classes=classes)
    network.conv1[0] = nn.Conv2d(1, 24, kernel_size=3, padding=1, bias=False)
    return network
