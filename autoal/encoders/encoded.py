"""A data set seen through a backbone that is not trained."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from autoal.data.cache import Arrays, kept
from autoal.data.contract import ImageData
from autoal.data.images import Preprocess
from autoal.data.rows import Images

Parts = Mapping[str, Images]  # train, which is the pool, test, and perhaps validation


class Backbone(ABC):
    """Turns images into features; whatever it learns, it learns from the pool without labels."""

    @abstractmethod
    def key(self) -> str:
        """What the features depend on beside the images."""

    @abstractmethod
    def features(self, parts: Parts, device: torch.device) -> dict[str, Tensor]:
        """The features of each part's images, (n, width) float32."""


class FrozenData(ImageData):
    """Features of a data set in the place of its images, computed once and kept on disk.

    Args:
        data: whose images are looked at.
        backbone: looks at them.
        device: on which it does.
    """

    def __init__(self, data: ImageData, backbone: Backbone, device: torch.device) -> None:
        super().__init__(batch_size=data.batch_size)
        self.data = data
        self.backbone = backbone
        self.device = device

    def load(self) -> tuple[Images, ...]:
        self.data.setup()
        self.classes = self.data.classes
        parts = {"train": self.data.train, "test": self.data.test}
        if self.data.validation is not None:
            parts["validation"] = self.data.validation
        arrays = kept("features", _key(self.backbone, parts), lambda: self._look(parts))
        return tuple(
            replace(part, images=torch.from_numpy(arrays[name])[:, :, None, None])
            for name, part in parts.items()
        )

    def setup(self, stage: str | None = None) -> None:
        if not hasattr(self, "train"):
            self.train, self.test, *held_out = self.load()
            self.validation = held_out[0] if held_out else None

    @property
    def pictures(self) -> Tensor | None:
        return self.data.pictures

    def preprocess(self) -> Preprocess:
        """Centred, and divided by one number, so that the features keep their proportions."""
        features = self.train.images.flatten(1)
        deviation = float(features.var(0).mean().sqrt())
        return Preprocess(features.mean(0).tolist(), [max(deviation, 1e-6)], scale=1.0)

    def _look(self, parts: Parts) -> Arrays:
        begin, name = perf_counter(), type(self.backbone).__name__
        count = sum(map(len, parts.values()))
        print(f"{name} looks at {count:,} images, once; kept for next time", file=sys.stderr)
        features = self.backbone.features(parts, self.device)
        print(f"{name} took {perf_counter() - begin:.0f} s", file=sys.stderr)
        return {part: np.asarray(found.cpu()) for part, found in features.items()}


def _key(backbone: Backbone, parts: Parts) -> str:
    """Of the images themselves, so that another file, split or imbalance is another key."""
    digest = sha256(repr((type(backbone).__name__, backbone.key())).encode())
    for name, part in parts.items():
        digest.update(repr((name, part.part, tuple(part.images.shape))).encode())
        for block in part.images.split(4096):
            digest.update(block.contiguous().numpy().tobytes())
        if part.rows is not None:
            digest.update(part.rows.numpy().tobytes())
    return digest.hexdigest()[:24]
