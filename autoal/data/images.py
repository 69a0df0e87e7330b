"""Pictures: a data set of them, and their preprocessing on any device."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from autoal.bounds import switch, whole
from autoal.data.contract import LEAST, Data
from autoal.data.lazy import pieces
from autoal.data.reader import PictureReader, Reader
from autoal.errors import UserError


class ImageData(Data):
    """A data set of small images: bytes of the shape (n, channels, height, width).

    Args:
        crop: pixels of padding for the random crop in training; 0 is off.
        flip: random mirror images in training.
        options: of every `Data`.
    """

    def __init__(self, crop: int = 0, flip: bool = False, **options: Any) -> None:
        super().__init__(**options)
        whole("crop", crop, least=0)
        switch("flip", flip)
        self.crop = crop
        self.flip = flip

    def setup(self, stage: str | None = None) -> None:
        super().setup(stage)
        side = min(self.train.shape[1:])
        if self.crop >= side:
            raise UserError(
                f"data.crop={self.crop} is too much for images of "
                f"{' x '.join(map(str, self.train.shape[1:]))}: give less than {side}"
            )

    def preprocess(self) -> nn.Module:
        """Normalisation by the training images' own statistics, and augmentation."""
        mean, std = channel_statistics(self.train.inputs)
        return Preprocess(mean, std, crop=self.crop, flip=self.flip)

    def reader(self) -> Reader:
        return PictureReader(self.train.shape)


def channel_statistics(images: Tensor) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel of bytes, as values scaled to [0, 1].

    Exact, from counts of the 256 values, without a copy of the images.
    """
    values = torch.arange(256, dtype=torch.float64) / 255
    means, deviations = [], []
    for counts in _counts(images):
        share = counts.double() / counts.sum()
        mean = (share * values).sum()
        means.append(float(mean))
        deviations.append(float((share * (values - mean) ** 2).sum().sqrt().clamp(min=LEAST)))
    return means, deviations


def _counts(images: Tensor) -> Tensor:
    """How often each channel has each of the 256 values, (channels, 256)."""
    counts = torch.zeros(images.shape[1], 256, dtype=torch.long)
    for block in pieces(images):
        for own, channel in zip(counts, block.unbind(1), strict=True):
            own += torch.bincount(channel.flatten(), minlength=256)
    return counts


class Preprocess(nn.Module):
    """Normalise a batch; in training mode also crop and flip, with a draw for every image.

    Args:
        mean: of each channel, after the division by `scale`.
        std: of each channel, or one for all.
        crop: pixels of zero padding from which a window of the image's size is cut; 0 is off.
        flip: mirror half of the images left to right.
        scale: divisor of an image's numbers.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        mean: Sequence[float],
        std: Sequence[float],
        crop: int = 0,
        flip: bool = False,
        scale: float = 255.0,
    ) -> None:
        super().__init__()
        whole("crop", crop, least=0)
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)
        self.crop = crop
        self.flip = flip
        self.scale = scale

    def forward(self, images: Tensor) -> Tensor:  # (n, channels, height, width) uint8 -> float
        images = images.contiguous()  # the same sums in the same order for any layout on disk
        if self.training and self.crop:
            images = random_crop(images, self.crop)
        if self.training and self.flip:
            images = random_flip(images)
        # The buffers follow the module's precision, and so does the network.
        return ((images.float() / self.scale - self.mean) / self.std).to(self.mean.dtype)


def random_crop(images: Tensor, padding: int) -> Tensor:
    """Cut a window of the image's own size out of each padded image, each at its own place."""
    count, _, height, width = images.shape
    padded = nn.functional.pad(images, (padding,) * 4)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view: no copy of the windows
    top, left = torch.randint(2 * padding + 1, (2, count), device=images.device)
    return windows[torch.arange(count, device=images.device), :, top, left]


def random_flip(images: Tensor) -> Tensor:
    """Mirror each image left to right with probability one half."""
    heads = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(heads, images.flip(3), images)
