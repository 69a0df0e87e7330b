"""Rows at hand: arrays, tensors, lists or torch's Datasets, without a file or a folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from autoal.data.contract import LEAST, Data, Loaded, Standardise
from autoal.data.images import Preprocess, channel_statistics
from autoal.data.rows import UNKNOWN, Rows, Shown
from autoal.errors import UserError

CHANNELS = (1, 3, 4)  # that pictures may have


class Arrays(Data):
    """A data set of rows that are there already.

    Rows come as an array of inputs, a pair (inputs, labels), or a Dataset of such pairs, whose
    transforms are applied once. Labels are numbers or names of classes; -1, NaN or None is unknown.
    Pictures may have their channels first or last; doubles become single precision.

    Args:
        train: the pool.
        test: rows with labels, which are only ever evaluated on.
        validation: rows with labels, or how many of the pool to hold out.
        classes: their names, or how many there are; by default what the labels tell.
        shown: what a person sees of the pool's rows; by default the pictures, if they are some.
        names: what a person calls the pool's rows.
        options: of every `Data`.
    """

    def __init__(
        self,
        train: Any,
        test: Any = None,
        validation: Any = 0,
        *,
        classes: Sequence[str] | int | None = None,
        shown: Shown | None = None,
        names: Sequence[str] | None = None,
        **options: Any,
    ) -> None:
        counted = isinstance(validation, int)
        super().__init__(validation=validation if counted else None, **options)
        parts = {"train": train, "test": test, "validation": None if counted else validation}
        pairs = {part: _pair(part, rows) for part, rows in parts.items() if rows is not None}
        self.classes = _classes(classes, [labels for _, labels in pairs.values()])
        self._parts = {part: self._rows(part, *pair) for part, pair in pairs.items()}
        for given, what in ((shown, "shown"), (names, "names")):
            if given is not None:
                if len(given) != len(self._parts["train"]):
                    raise UserError(
                        f"`{what}` has {len(given)} entries for {len(self._parts['train'])} rows"
                    )
                object.__setattr__(self._parts["train"], what, given)
        self.setup()

    def load(self) -> Loaded:
        return Loaded(**self._parts)

    def preprocess(self) -> nn.Module:
        """Standardised: pictures by channel, other rows by column."""
        inputs = self.train.inputs
        if inputs.ndim != 4:
            return super().preprocess()
        if inputs.dtype == torch.uint8:
            return Preprocess(*channel_statistics(inputs))
        pixels = inputs.float()
        deviation = pixels.std((0, 2, 3), correction=0, keepdim=True)[0]
        return Standardise(pixels.mean((0, 2, 3), keepdim=True)[0], deviation.clamp(min=LEAST))

    def _rows(self, part: str, inputs: Tensor, labels: Any) -> Rows:
        known = _numbers(labels, self.classes, part) if labels is not None else None
        if known is None:
            known = torch.full((len(inputs),), UNKNOWN)
        if len(known) != len(inputs):
            raise UserError(f"{part} has {len(inputs)} rows and {len(known)} labels")
        if part != "train" and bool((known == UNKNOWN).any()):
            raise UserError(f"every row of {part} needs a label, or it cannot judge")
        pictures = inputs.dtype == torch.uint8 and inputs.ndim == 4
        return Rows(inputs, known, shown=inputs if pictures else None, part=part)


def _pair(part: str, rows: Any) -> tuple[Tensor, Any]:
    """The inputs and the labels, if there are some."""
    labels = None
    if isinstance(rows, Dataset):
        rows, labels = _read(rows)
    elif isinstance(rows, tuple):
        if len(rows) != 2:
            raise UserError(f"{part}: give (inputs, labels), got a tuple of {len(rows)}")
        rows, labels = rows
    inputs = inputs_of(rows)
    if not len(inputs):
        raise UserError(f"{part} has no rows")
    return inputs, labels


def _read(dataset: Dataset[Any]) -> tuple[list[Any], list[Any] | None]:
    """All items of a map-style Dataset, read once."""
    if not hasattr(dataset, "__len__"):
        raise UserError("a Dataset must have a length: one that is only iterated cannot be queried")
    items = [dataset[place] for place in range(len(dataset))]
    pairs = [isinstance(item, tuple) and len(item) == 2 for item in items]
    if all(pairs):
        return [item[0] for item in items], [item[1] for item in items]
    if any(pairs):
        raise UserError("some items of the Dataset are (input, label) and others are not")
    return items, None


def inputs_of(rows: Any) -> Tensor:
    """One tensor of all rows; what does not fit into one is refused."""
    # A copy of an array, so that what the caller does with it later changes nothing here.
    tensor = rows.detach() if isinstance(rows, Tensor) else torch.from_numpy(_array(rows).copy())
    if tensor.ndim < 2:
        raise UserError(
            f"inputs must have a line for each row, (rows, ...), got {tuple(tensor.shape)}"
        )
    if tensor.dtype == torch.float64:
        tensor = tensor.float()
    if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
        raise UserError("some inputs are NaN or infinite")
    return _channels_first(tensor)


def _array(rows: Any) -> np.ndarray[Any, Any]:
    """An array of numbers."""
    items = list(rows) if not isinstance(rows, np.ndarray) else rows
    shapes = sorted({np.shape(item) for item in items})
    if len(shapes) > 1:
        raise UserError(
            f"the rows have different shapes, such as {shapes[0]} and {shapes[-1]}: pad or resize "
            "them, or give features that an encoder of yours made"
        )
    array = np.asarray([np.asarray(item) for item in items] if isinstance(items, list) else items)
    if array.dtype.kind not in "biuf":
        raise UserError(f"inputs must be numbers, got {array.dtype}: texts need an encoder first")
    return array.astype(np.int64) if array.dtype.kind == "u" and array.itemsize > 1 else array


def _channels_first(inputs: Tensor) -> Tensor:
    """Pictures as (n, channels, height, width); other rows as they are."""
    if inputs.ndim == 3 and inputs.dtype == torch.uint8:
        return inputs[:, None]
    last = inputs.ndim == 4 and inputs.shape[3] in CHANNELS and inputs.shape[1] not in CHANNELS
    return inputs.permute(0, 3, 1, 2).contiguous() if last else inputs


def _classes(given: Sequence[str] | int | None, labels: list[Any]) -> tuple[str, ...]:
    """The names of the classes."""
    if isinstance(given, int):
        return tuple(f"class {number}" for number in range(given))
    if given is not None:
        if len(set(given)) < len(given):
            raise UserError(f"a class is named twice: {', '.join(map(str, given))}")
        return tuple(map(str, given))
    known = [label for part in labels if part is not None for label in _plain(part)]
    found = {label for label in known if not _unknown(label)}
    if not found:
        raise UserError("no label tells what classes there are: give classes=")
    if all(isinstance(label, str) for label in found):
        return tuple(sorted(found))
    return tuple(f"class {number}" for number in range(int(max(found)) + 1))


def _numbers(labels: Any, classes: tuple[str, ...], part: str) -> Tensor:
    """The labels as numbers of classes."""
    numbers = []
    for label in _plain(labels):
        if _unknown(label):
            numbers.append(UNKNOWN)
        elif isinstance(label, str):
            if label not in classes:
                raise UserError(f"{part}: {label!r} is none of the classes {', '.join(classes)}")
            numbers.append(classes.index(label))
        elif not isinstance(label, bool | int | float) or label != int(label):
            raise UserError(
                f"{part}: {label!r} is no class; what is predicted here are classes, not numbers"
            )
        elif not 0 <= label < len(classes):
            raise UserError(f"{part}: class {label} is not among {len(classes)}, 0 to the last")
        else:
            numbers.append(int(label))
    return torch.tensor(numbers, dtype=torch.long)


def _plain(labels: Any) -> list[Any]:
    """The labels as Python's numbers, texts or None, one for each row."""
    values = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    plain = [value.item() if hasattr(value, "item") else value for value in values]
    if any(isinstance(value, list | tuple) for value in plain):
        if all(isinstance(value, list | tuple) and len(value) == 1 for value in plain):
            return [value[0] for value in plain]
        raise UserError("several labels a row are not supported: a query here buys one class")
    return plain


def _unknown(label: Any) -> bool:
    return label is None or label != label or label == UNKNOWN
