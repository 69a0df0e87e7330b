"""The common base of data sets that are fetched from their authors."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from autoal import ImageData
from autoal.bounds import switch, text
from autoal.data.cache import NamedArrays
from autoal.data.classes import class_numbers
from autoal.data.contract import Loaded
from autoal.data.lazy import LazyTensor
from autoal.data.order import in_fixed_order
from autoal.data.rows import UNKNOWN, Rows, chosen
from autoal.errors import UserError

from .files import DataFolder


class PublishedData(ImageData):
    """A data set whose files have a published name, address and checksum.

    Args:
        root: folder of the data files; null is $AUTOAL_DATA, or a cache folder.
        download: fetch missing files.
        check: refuse files with a wrong checksum and sets of a wrong size.
        options: of every `ImageData`.
    """

    counts: tuple[int, int]  # training and test images, as published

    def __init__(
        self, root: str | None = None, download: bool = True, check: bool = True, **options: Any
    ) -> None:
        super().__init__(**options)
        text("root", root, optional=True)
        switch("download", download)
        switch("check", check)
        self.folder = DataFolder(root, download, check)

    def parts(self, arrays: NamedArrays) -> Loaded:
        """Training and test images, and validation images if any, of the published counts."""
        loaded = parts(arrays, self.classes)
        found = len(loaded.train), len(loaded.test or ())
        if self.folder.check and found != self.counts:
            raise UserError(
                f"{type(self).__name__} in {self.folder.path} has {found[0]:,} + {found[1]:,} "
                f"images, expected {self.counts[0]:,} + {self.counts[1]:,}\n"
                "  give data.check=false if it is your own part"
            )
        return loaded


def parts(arrays: NamedArrays, classes: Sequence[str]) -> Loaded:
    """Training and test images from their arrays, and the validation images if there are some."""
    names = ("train", "test", *(["val"] if "val_images" in arrays else []))
    return Loaded(*(images(arrays, name, classes) for name in names))


def images(
    arrays: NamedArrays,
    part: str,
    classes: Sequence[str],
    names: Sequence[str] | None = None,
    keys: Sequence[str] | None = None,
) -> Rows:
    """The arrays `<part>_images` (n, height, width[, channels]) and `<part>_labels` as tensors.

    If the images are not in the order of labels, names and keys, `<part>_places` says where each of
    them stood.
    """
    demand_labelled(arrays, part)
    pixels, labels = arrays[f"{part}_images"], _labels(arrays, part, classes)
    tensor = channels_first(pixels)
    rows = Rows(tensor, labels, shown=tensor, names=names, keys=keys, part=part)
    if f"{part}_places" not in arrays:
        return _in_fixed_order(rows) if part == "train" else rows
    places = torch.from_numpy(arrays[f"{part}_places"])
    return replace(
        rows,
        labels=labels[places],
        names=chosen(names, places),
        keys=chosen(keys, places),
        places=places,
    )


def _in_fixed_order(rows: Rows) -> Rows:
    """Keep the training rows of already shuffled files; shuffle those in file order."""
    inputs = LazyTensor.of(rows.inputs)
    return in_fixed_order(replace(rows, inputs=inputs, shown=inputs))


def channels_first(pixels: npt.NDArray[np.generic]) -> Tensor:
    """Pictures (n, height, width[, channels]) as (n, channels, height, width), without a copy."""
    tensor = torch.from_numpy(pixels if pixels.ndim == 4 else pixels[..., None])
    return tensor.permute(0, 3, 1, 2)


def demand_labelled(arrays: NamedArrays, part: str) -> None:
    """Refuse anything but images with a label for each, before looking at the labels."""
    absent = [name for name in (f"{part}_images", f"{part}_labels") if name not in arrays]
    if absent:
        raise UserError(f"there is no {absent[0]} among {', '.join(sorted(arrays)) or 'nothing'}")
    pixels, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or 0 in pixels.shape[1:]:
        raise UserError(
            f"{part}_images must be bytes of the shape (images, height, width[, channels]), "
            f"got {pixels.dtype} {pixels.shape}"
        )
    if labels.shape[:1] != pixels.shape[:1]:
        raise UserError(
            f"{part}_labels must be one for each of {len(pixels)} images, got {labels.shape}"
        )


def _labels(arrays: NamedArrays, part: str, classes: Sequence[str]) -> Tensor:
    """The class of each image, in the order of the file."""
    name = f"{part}_labels"
    known = class_numbers(arrays[name], classes, name)
    for row in (known == UNKNOWN).nonzero().flatten().tolist():
        raise UserError(f"{name}[{row}]: every image needs a class, got {arrays[name].flat[row]}")
    return known
