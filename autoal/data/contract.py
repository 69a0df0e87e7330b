"""The contract between data sets and the engine."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor

from autoal.data.batches import Batches
from autoal.data.images import Preprocess, Shape
from autoal.data.imbalance import KINDS, thin
from autoal.data.rows import Images
from autoal.errors import UserError, unknown
from autoal.seeding import generator


class ImageData(LightningDataModule, ABC):
    """A data set of small images: `train` is the pool, `test` is only ever evaluated on.

    `validation` has labelled images that are not trained on, if any are asked for: strategies may
    use them, and they count as labels that were bought.

    A subclass sets the class names and writes `load`. Batches are of the raw uint8 images:
    `preprocess()` is what turns them into a network's input.

    Args:
        crop: pixels of padding for the random crop in training; 0 is off.
        flip: random mirror images in training.
        imbalance: none, long_tail or step; thins the training images, the test set stays whole.
        imbalance_ratio: of the largest class to the smallest.
        validation: labelled images to hold out, drawn from the set's own validation part, or, where
            it has none, from the training images, which then leave the pool; None is all of the
            set's own.
        split_seed: which images are left out or held out; the same for all seeds of a comparison.
        batch_size: of the two dataloaders, for use with a Trainer of one's own.
    """

    classes: tuple[str, ...]
    train: Images
    test: Images
    validation: Images | None

    def __init__(
        self,
        crop: int = 0,
        flip: bool = False,
        imbalance: str = "none",
        imbalance_ratio: float = 10.0,
        validation: int | None = 0,
        split_seed: int = 0,
        batch_size: int = 128,
    ) -> None:
        super().__init__()
        if crop < 0:
            raise ValueError(f"`crop` must not be negative, got {crop}")
        self.crop = crop
        self.flip = flip
        if imbalance not in KINDS:
            raise unknown("imbalance", imbalance, KINDS)
        if imbalance_ratio < 1:
            raise ValueError(f"`imbalance_ratio` must be at least 1, got {imbalance_ratio}")
        self.imbalance = imbalance
        self.imbalance_ratio = imbalance_ratio
        if validation is not None and validation < 0:
            raise ValueError(f"`validation` must not be negative, got {validation}")
        self.held_out = validation
        self.split_seed = split_seed
        self.batch_size = batch_size

    @abstractmethod
    def load(self) -> tuple[Images, ...]:
        """The training and the test images, and the set's own validation images if it has some."""

    def setup(self, stage: str | None = None) -> None:
        if hasattr(self, "train"):
            return
        train, self.test, *own = self.load()
        if len(self.classes) < 2:
            raise UserError(f"the data have one class, {self.classes[0]!r}: nothing can be learnt")
        if self.imbalance != "none":
            how = (self.imbalance, self.imbalance_ratio, self.split_seed)
            train = train.take(thin(train.labels, *how))
        self.train, self.validation = self._hold_out(train, *own)

    def _hold_out(self, train: Images, own: Images | None = None) -> tuple[Images, Images | None]:
        """The training images that are left, and the validation images."""
        if self.held_out is None:
            return train, own
        if not self.held_out:
            return train, None
        source = train if own is None else own
        limit = len(source) if own is not None else len(source) - 1
        if self.held_out > limit:
            raise ValueError(
                f"data.validation={self.held_out}: there are only {limit} images to take it from"
            )
        order = torch.randperm(len(source), generator=generator(self.split_seed, "validation"))
        chosen, left = order[: self.held_out].sort().values, order[self.held_out :].sort().values
        return (train.take(left) if own is None else train), source.take(chosen)

    @property
    def pictures(self) -> Tensor | None:
        """What a person sees of the training images, (n, channels, height, width) uint8.

        None where there is nothing to look at.
        """
        return self.train.images

    @property
    def shape(self) -> Shape:
        """Channels, height and width of an image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    def preprocess(self) -> Preprocess:
        """Normalisation by the training images' own statistics, and augmentation."""
        mean, std = channel_statistics(self.train.images)
        return Preprocess(mean, std, crop=self.crop, flip=self.flip)

    def train_dataloader(self) -> Batches:
        return Batches(self.train.images, self.train.labels, size=self.batch_size, shuffle=True)

    def test_dataloader(self) -> Batches:
        return Batches(self.test.images, self.test.labels, size=self.batch_size)


def channel_statistics(images: Tensor) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel, of values scaled to [0, 1].

    Exact, from counts of the 256 values, without a float copy of the images.
    """
    values = torch.arange(256, dtype=torch.float64) / 255
    means, deviations = [], []
    for channel in images.unbind(1):
        share = torch.bincount(channel.flatten(), minlength=256).double() / channel.numel()
        mean = (share * values).sum()
        means.append(float(mean))
        deviations.append(float((share * (values - mean) ** 2).sum().sqrt().clamp(min=1e-6)))
    return means, deviations
