"""Rows in memory: arrays, tensors, lists or torch Datasets, without files or folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from autoal.bounds import whole
from autoal.data.classes import class_names, class_numbers, named_by
from autoal.data.contract import LEAST, Data, Loaded, Standardise
from autoal.data.images import Preprocess, channel_statistics
from autoal.data.inputs import inputs_of
from autoal.data.reader import PictureReader, Reader, TextReader
from autoal.data.rows import UNKNOWN, Rows, Shown
from autoal.data.texts import columns_of, text_rows, texts_of
from autoal.errors import UserError

CHANNELS = (1, 3, 4)  # possible numbers of channels of pictures


class Arrays(Data):
    """A data set of rows in memory; a row's number is its place in the arrays.

    Rows come as an array of inputs, a pair (inputs, labels), or a Dataset of such pairs, whose
    transforms are applied once. Labels are numbers or names of classes; -1, NaN or None is unknown.
    Pictures may have their channels first or last; doubles become single precision. Inputs may be
    texts, or several texts a row, which `Encoded` turns into numbers.

    Args:
        train: the pool.
        test: rows with labels, used only for evaluation.
        validation: rows with labels, which strategies may use.
        classes: their names or their number; by default found from the labels.
        shown: what a person sees of the pool's rows; by default the rows themselves if they are
            pictures.
        names: what a person calls the pool's rows.
        batch_size: of the two dataloaders, for use with your own Trainer.
    """

    keeps_order = True

    def __init__(
        self,
        train: Any,
        test: Any = None,
        validation: Any = None,
        *,
        classes: Sequence[str] | int | None = None,
        shown: Shown | None = None,
        names: Sequence[str] | None = None,
        batch_size: int = 128,
    ) -> None:
        super().__init__(validation=None, batch_size=batch_size)
        parts = {"train": train, "test": test, "validation": validation}
        pairs = {part: _pair(part, rows) for part, rows in parts.items() if rows is not None}
        self._columns = columns_of(pairs["train"][0])
        rows = {part: self._rows(part, inputs) for part, (inputs, _) in pairs.items()}
        self.classes = _classes(classes, {part: labels for part, (_, labels) in pairs.items()})
        self._parts = {part: self._labelled(rows[part], pairs[part][1]) for part in pairs}
        pool = self._parts["train"]
        for what, given in (("shown", shown), ("names", names)):
            if given is not None and len(given) != len(pool):
                raise UserError(f"`{what}` has {len(given)} entries for {len(pool)} rows")
        self._parts["train"] = replace(
            pool, shown=pool.shown if shown is None else shown, names=names
        )
        self.setup()

    def load(self) -> Loaded:
        return Loaded(**self._parts)

    def preprocess(self) -> nn.Module:
        """Standardisation: of pictures by channel, of other rows by column."""
        inputs = self.train.inputs
        if inputs.ndim != 4:
            return super().preprocess()
        if inputs.dtype == torch.uint8:
            return Preprocess(*channel_statistics(inputs))
        pixels = inputs.float()
        deviation = pixels.std((0, 2, 3), correction=0, keepdim=True)[0]
        return Standardise(pixels.mean((0, 2, 3), keepdim=True)[0], deviation.clamp(min=LEAST))

    def reader(self) -> Reader:
        if self._columns:
            return TextReader(self._columns)
        return PictureReader(self.train.shape) if _pictures(self.train.inputs) else super().reader()

    def _rows(self, part: str, given: Any) -> Rows:
        """The rows of a part, without their labels."""
        rows = self._texts(given) if self._columns else _as_kept(given)
        if not len(rows):
            raise UserError(f"{part} has no rows")
        return replace(rows, part=part)

    def _texts(self, given: Any) -> Rows:
        return text_rows(texts_of(given, self._columns), self._columns)

    def _labelled(self, rows: Rows, labels: Any) -> Rows:
        known = rows.labels
        if labels is not None:
            known = class_numbers(labels, self.classes, f"{rows.part}_labels")
        if len(known) != len(rows):
            raise UserError(f"{rows.part} has {len(rows)} rows and {len(known)} labels")
        if rows.part != "train" and bool((known == UNKNOWN).any()):
            raise UserError(f"every row of {rows.part} needs a label to judge by")
        return replace(rows, labels=known)


def _pictures(inputs: Tensor) -> bool:
    return inputs.dtype == torch.uint8 and inputs.ndim == 4


def _pair(part: str, rows: Any) -> tuple[Any, Any]:
    """The inputs, and the labels or None."""
    labels = None
    if isinstance(rows, Dataset):
        rows, labels = _read(rows)
    elif isinstance(rows, tuple):
        if len(rows) != 2:
            raise UserError(f"{part}: give (inputs, labels), got a tuple of {len(rows)}")
        rows, labels = rows
    elif isinstance(rows, Integral):
        raise UserError(f"{part}: give rows, alone or as (inputs, labels), got {rows}")
    return rows, labels


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


def _as_kept(rows: Any) -> Rows:
    """Pictures in their final layout, which are shown, and other rows unchanged."""
    inputs = _laid_out(inputs_of(rows, single=True))
    return replace(Rows.of(inputs), shown=inputs if _pictures(inputs) else None)


def _laid_out(inputs: Tensor) -> Tensor:
    """Pictures as (n, channels, height, width), other rows unchanged."""
    if inputs.ndim == 3 and inputs.dtype == torch.uint8:
        return inputs[:, None]
    last = inputs.ndim == 4 and inputs.shape[3] in CHANNELS and inputs.shape[1] not in CHANNELS
    return inputs.permute(0, 3, 1, 2).contiguous() if last else inputs


def _classes(given: Sequence[str] | int | None, labels: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the classes."""
    if isinstance(given, Integral):
        whole("classes", given, least=2)
        return tuple(f"class {number}" for number in range(int(given)))
    if given is not None:
        return class_names(given)
    told = {f"{part}_labels": values for part, values in labels.items() if values is not None}
    return named_by(told)
