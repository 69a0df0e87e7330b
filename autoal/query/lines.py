"""Given arrays, a line for every row, as features: a view without a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from autoal.data.classes import CLASS_LIMIT, is_number, is_unknown, values_of
from autoal.data.inputs import tensor_of
from autoal.data.rows import UNKNOWN, Rows
from autoal.data.texts import columns_of, text_rows, texts_of
from autoal.errors import UserError
from autoal.model.features import Features
from autoal.model.predictions import Given, Head, Predictions


@dataclass(frozen=True, eq=False)
class Lines:
    """The given arrays of all rows; see `View.of` for their meanings."""

    embeddings: Tensor | None
    stages: Tensor | None
    logits: Tensor | None
    drawn_logits: Tensor | None  # (draws, n, classes)
    inputs: Tensor | None
    texts: Rows | None
    head: nn.Module | None
    dropout: float
    seed: int

    @classmethod
    def of(
        cls,
        *,
        embeddings: Any,
        stages: Any,
        logits: Any,
        probs: Any,
        draws: Any,
        inputs: Any,
        texts: Any,
        head: nn.Module | None,
        dropout: float,
        seed: int,
    ) -> Lines:
        """Make lines from arrays of any kind."""
        if sum(given is not None for given in (logits, probs, head)) > 1:
            raise ValueError("give one of `logits`, `probs` and `head`, not several")
        return cls(
            embeddings=_numbers(embeddings, "embeddings"),
            stages=_numbers(stages, "stages"),
            logits=_logarithms(probs, "probs") if logits is None else _numbers(logits, "logits"),
            drawn_logits=_logarithms(draws, "draws"),
            inputs=None if inputs is None else tensor_of(inputs, "inputs"),
            texts=None if texts is None else text_rows(*_written(texts)),
            head=head,
            dropout=dropout,
            seed=seed,
        )

    def size(self, **others: Any) -> int:
        """The number of rows, on which these and other arrays must agree."""
        given = {
            "embeddings": self.embeddings,
            "stages": self.stages,
            "logits or probs": self.logits,
            "inputs": self.inputs,
            "texts": self.texts,
            **others,
        }
        sizes = {name: len(array) for name, array in given.items() if array is not None}
        if self.drawn_logits is not None:
            sizes["draws"] = self.drawn_logits.shape[1]
        if not sizes:
            raise ValueError("a view needs at least one array: embeddings, probs, labels, ...")
        if len(set(sizes.values())) > 1:
            raise ValueError(f"the arrays of a view must have a line for every row, got {sizes}")
        return next(iter(sizes.values()))

    def classes(self, labels: Tensor, given: int | None) -> int:
        """The number of classes: of the predictions, else by the labels, else as given."""
        widths = {
            array.shape[-1] for array in (self.logits, self.drawn_logits) if array is not None
        }
        if isinstance(self.head, nn.Linear):
            widths.add(self.head.out_features)
        widths |= set() if given is None else {given}
        if len(widths) > 1:
            raise ValueError(f"predictions and `classes` differ in the number of classes: {widths}")
        found = max([*widths, int(labels.max()) + 1 if len(labels) else 0])
        if widths and found > max(widths):
            raise ValueError(f"one of `labels` is {found - 1}, and there are {max(widths)} classes")
        return found if widths else max(found, 2)

    def features(self, rows: Tensor) -> Features:
        """The features of some rows."""
        embeddings = self.embeddings
        staged = self.stages is not None and self.embeddings is not None
        if self.stages is not None and self.embeddings is not None:
            embeddings = torch.cat([self.stages, self.embeddings], 1)
        return Features(
            self._source(),
            rows,
            lambda: _of(embeddings, rows, "embeddings"),
            self._predicted(rows),
            width=self.embeddings.shape[1] if staged and self.embeddings is not None else None,
        )

    def _source(self) -> Rows | None:
        """The rows themselves, as far as given."""
        if self.inputs is None:
            return self.texts
        rows = Rows.of(self.inputs)
        return rows if self.texts is None else replace(rows, shown=self.texts.shown)

    def _predicted(self, rows: Tensor) -> Predictions:
        if self.head is not None:
            return Head(self.head, self.dropout, self.seed)
        drawn = self.drawn_logits
        return Given(
            lambda: _of(self.logits, rows, "probs"),
            None if drawn is None else lambda: drawn[:, rows],
        )


def labels_of(values: Any) -> Tensor:
    """Whole numbers from 0, or UNKNOWN, which NaN and None are too."""
    given = values_of(values)
    for label in given:
        if not (is_unknown(label) or is_number(label, CLASS_LIMIT)):
            raise ValueError(
                f"`labels` must be a class for each row, or -1 if unknown, got {label!r}"
            )
    return torch.tensor([UNKNOWN if is_unknown(label) else int(label) for label in given])


def rows_of(values: Any, labels: Tensor) -> Tensor:
    """The labelled rows that these numbers, or a mask, name, as a mask."""
    given = tensor_of([] if values is None else values, "held_out")
    mask = torch.zeros(len(labels), dtype=torch.bool)
    if given.dtype == torch.bool and given.shape != mask.shape:
        raise ValueError(f"`held_out` is a mask of {len(given)} rows, and there are {len(mask)}")
    numbers = given.nonzero().flatten() if given.dtype == torch.bool else given.long()
    beyond = numbers[(numbers < 0) | (numbers >= len(mask))]
    if len(beyond):
        raise ValueError(f"`held_out` names row {beyond[0]}, and there are {len(mask)} rows")
    unknown = numbers[labels[numbers] == UNKNOWN]
    if len(unknown):
        raise ValueError(f"`held_out` names row {unknown[0]}, whose label is unknown")
    mask[numbers] = True
    return mask


def _written(texts: Any) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """The texts of each row, and their names."""
    columns = columns_of(texts) or ("text",)
    return texts_of(texts, columns), columns


def _numbers(values: Any, what: str) -> Tensor | None:
    """A tensor of floating-point numbers, converted from whole ones if necessary."""
    if values is None:
        return None
    tensor, listed = tensor_of(values, what), isinstance(values, list | tuple)
    # A list's numbers have no precision of their own: they get torch's.
    return tensor.float() if listed or not tensor.is_floating_point() else tensor


def _logarithms(probs: Any, what: str) -> Tensor | None:
    """The logarithms of probabilities, none of which may be below zero."""
    numbers = _numbers(probs, what)
    if numbers is not None and bool((numbers < 0).any()):
        raise ValueError(f"`{what}` must be probabilities, and {float(numbers.min()):g} is below 0")
    return None if numbers is None else numbers.log()


def _of(array: Tensor | None, rows: Tensor, name: str) -> Tensor:
    if array is None:
        raise UserError(f"this view was made without `{name}`, which the strategy reads")
    return array[rows]
