"""Images in one npz file, few or none of them labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from autoal.data.cache import NamedArrays
from autoal.data.classes import class_numbers
from autoal.data.images import Preprocess, channel_statistics
from autoal.data.lazy import LazyTensor
from autoal.data.reader import PictureReader, Reader
from autoal.data.rows import UNKNOWN, Rows

from .npz import ALSO, NEEDED, PARTS, names_of
from .npz_arrays import npz_arrays
from .published import channels_first, demand_labelled, images
from .source import Items, Labels, Source, numbers_of

IMAGES, LABELS = NEEDED


class NpzSource(Source):
    """`train_images`, some of which `train_labels` may label, and the parts that `Npz` has.

    Args:
        path: of the file.
        memory: auto, ram or disk.
        classes: their names; empty: from the file, or its labels.
    """

    def __init__(self, path: Path, memory: str, classes: tuple[str, ...] = ()) -> None:
        arrays = npz_arrays(path, memory, (IMAGES,), (LABELS, *ALSO))
        unknown = np.full(len(arrays[IMAGES]), UNKNOWN)
        self.arrays: NamedArrays = {LABELS: unknown, **arrays}
        there = [part for part in PARTS if f"{part}_images" in arrays]
        for part in there:
            demand_labelled(self.arrays, part)
        given = {"classes": np.array(classes)} if classes else {}
        self.numbered = names_of({**given, **self.arrays}, there)  # which number the labels
        self.classes = classes or self.numbered
        self.labels = self._labels(class_numbers(self.arrays[LABELS], self.numbered, LABELS))
        self.names = [f"train[{number}]" for number in range(len(arrays[IMAGES]))]

    def read(self, order: Sequence[int]) -> Items:
        pixels, lazy = self.arrays[IMAGES], "train_places" not in self.arrays
        kept = np.arange(len(pixels)) if lazy else self.arrays["train_places"].argsort()
        stands = kept[list(order)]  # places in the stored array
        keys = [f"sha256:{sha256(pixels[place].tobytes()).hexdigest()}" for place in stands]

        def inputs(places: Sequence[int]) -> Tensor:
            wanted = stands[list(places)]
            if lazy:
                return LazyTensor.of(channels_first(pixels))[torch.from_numpy(wanted)]
            as_kept = np.array_equal(wanted, np.arange(len(pixels)))
            return channels_first(pixels if as_kept else pixels[wanted])

        return Items(
            [self.names[number] for number in order],
            keys,
            [self.labels[number] for number in order],
            None,
            inputs,
        )

    def part(self, name: str) -> Rows | None:
        if f"{name}_images" not in self.arrays:
            return None
        rows = images(self.arrays, name, self.numbered)
        names = rows.named(torch.arange(len(rows)))
        labels = numbers_of(self._labels(rows.labels), names, self.classes)
        return replace(rows, labels=labels)

    def reader(self) -> Reader:
        return PictureReader(tuple(channels_first(self.arrays[IMAGES]).shape[1:]))

    def preprocess(self, inputs: Tensor) -> nn.Module:
        return Preprocess(*channel_statistics(inputs))

    def _labels(self, numbers: Tensor) -> Labels:
        return [None if number == UNKNOWN else self.numbered[number] for number in numbers.tolist()]
