"""Your own images in one npz file with MedMNIST's layout."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from autoal import ImageData
from autoal.bounds import choice, demand_file, number, text
from autoal.data.cache import NamedArrays
from autoal.data.classes import class_names, named_by
from autoal.data.contract import Loaded
from autoal.data.memory import MEMORY
from autoal.data.rows import Rows
from autoal.errors import UserError, about
from autoal.seeding import generator

from .npz_arrays import npz_arrays
from .published import demand_labelled, images

PARTS = ("train", "test", "val")
NEEDED = ("train_images", "train_labels")
ALSO = ("test_images", "test_labels", "val_images", "val_labels", "classes")


class Npz(ImageData):
    """`train_images`, `train_labels` and, if there are any, `test_images`, `val_images`, ...

    Images are bytes of the shape (n, height, width) or (n, height, width, channels); labels are
    whole numbers from 0, or names, (n,) or (n, 1). `classes` may hold the names in order.

    Args:
        path: of the npz file.
        test_share: share of the training images that becomes the test set if the file has none.
        memory: where the images are, ram or disk; auto is disk if they would take more than a
            quarter of the free memory.
        options: of every `ImageData`.
    """

    def __init__(
        self, path: str, test_share: float = 0.2, memory: str = "auto", **options: Any
    ) -> None:
        super().__init__(**options)
        choice("memory", memory, MEMORY)
        text("path", path)
        number("test_share", test_share, above=0, below=1)
        self.path = Path(path).expanduser()
        self.test_share = test_share
        self.memory = memory

    def load(self) -> Loaded:
        demand_file(self.path, "data.path= names one")
        arrays = npz_arrays(self.path, self.memory, NEEDED, ALSO)
        with about(self.path):
            return self._parts(arrays)

    def _parts(self, arrays: NamedArrays) -> Loaded:
        there = [part for part in PARTS if f"{part}_images" in arrays]
        for part in there:
            demand_labelled(arrays, part)
        self.classes = names_of(arrays, there)
        rows = {part: images(arrays, part, self.classes) for part in there}
        return with_test(rows, self.test_share)


def with_test(parts: Mapping[str, Rows], share: float) -> Loaded:
    """The parts `train`, `test` and `val`; without test rows, a share of the first becomes test.

    Args:
        parts: the existing ones.
        share: of every class.
    """
    train, test = parts["train"], parts.get("test")
    if test is None:
        train, test = split(train, share)
    return Loaded(train, test, parts.get("val"))


def split(whole: Rows, share: float, seed: int = 0) -> tuple[Rows, Rows]:
    """Two parts, the second with this share of every class; independent of a run's seed."""
    stream = generator(seed, "split")
    test = torch.zeros(len(whole), dtype=torch.bool)
    for label in whole.labels.unique():
        rows = (whole.labels == label).nonzero().flatten()
        drawn = torch.randperm(len(rows), generator=stream)[: round(share * len(rows))]
        test[rows[drawn]] = True
    return whole.take(~test), whole.take(test)


def names_of(arrays: NamedArrays, parts: list[str]) -> tuple[str, ...]:
    """The names of the classes: those in the file, or those found in its labels."""
    if "classes" not in arrays:
        labels = {name: arrays[name] for name in (f"{part}_labels" for part in parts)}
        return named_by(labels, gaps=True)
    if arrays["classes"].ndim != 1:
        raise UserError(f"classes must be one name for each, got {arrays['classes'].shape}")
    return class_names(arrays["classes"])
