"""Checks that every data set must pass before use."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from autoal.data.inputs import all_finite
from autoal.data.rows import UNKNOWN, Rows
from autoal.errors import UserError


def demand_sound(parts: Mapping[str, Rows], classes: Sequence[str]) -> None:
    """Refuse parts that cannot teach or judge a model."""
    _demand_classes(classes)
    given: dict[str, Any] = {"train": None, **parts}  # whose types are unchecked so far
    for part, rows in given.items():
        _demand_rows(part, rows)
        _demand_labels(part, rows, classes)
        _demand_alike(part, rows, parts["train"])


def demand_finite_rows(parts: Mapping[str, Rows]) -> None:
    """Refuse rows with a number that is NaN or infinite."""
    for rows in parts.values():
        if rows.inputs.is_floating_point() and not all_finite(rows.inputs):
            wrong = ~rows.inputs.isfinite().flatten(1).all(1)
            if bool(wrong.any()):
                raise UserError(f"{_named(rows, wrong)} has a number that is NaN or infinite")


def _demand_classes(classes: Any) -> None:
    texts = isinstance(classes, tuple | list) and all(isinstance(name, str) for name in classes)
    if not texts:
        raise UserError(f"`classes` must be texts, got {classes!r}")
    if len(classes) < 2:
        found = f"one class, {classes[0]!r}" if classes else "no class"
        raise UserError(f"the data has {found}: nothing can be learnt")
    if len(set(classes)) < len(classes):
        raise UserError(f"a class is named twice: {', '.join(classes)}")


def _demand_rows(part: str, rows: Any) -> None:
    if not isinstance(rows, Rows) or not isinstance(rows.inputs, Tensor):
        raise UserError(f"{part} must be Rows of tensors, got {type(rows).__name__}")
    if not len(rows):
        raise UserError(f"{part} has no rows")
    if not prod(rows.shape):
        raise UserError(f"the rows of {part} are empty: they have the shape {rows.shape}")
    for what in ("shown", "names", "keys"):
        given = getattr(rows, what)
        if given is not None and len(given) != len(rows):
            raise UserError(f"`{what}` of {part} has {len(given)} entries for {len(rows)} rows")


def _demand_labels(part: str, rows: Rows, classes: Sequence[str]) -> None:
    """Refuse labels that are not one class for each row; only the pool may have unknown ones."""
    labels = rows.labels
    if not isinstance(labels, Tensor) or labels.dtype != torch.long:
        found = labels.dtype if isinstance(labels, Tensor) else type(labels).__name__
        raise UserError(f"the labels of {part} must be whole numbers (long), got {found}")
    if labels.shape != (len(rows),):
        raise UserError(f"{part} has {len(rows)} rows, and labels of {tuple(labels.shape)}")
    least = UNKNOWN if part == "train" else 0
    wrong = (labels < least) | (labels >= len(classes))
    if bool(wrong.any()):
        raise UserError(
            f"the label of {_named(rows, wrong)} is {int(labels[wrong][0])}, but the classes "
            f"go from 0 to {len(classes) - 1}"
        )


def _demand_alike(part: str, rows: Rows, train: Rows) -> None:
    """Refuse rows that a model of the training rows cannot read."""
    kinds = [f"{each.inputs.dtype} {each.shape}" for each in (rows, train)]
    if kinds[0] != kinds[1]:
        raise UserError(f"{part} has rows of {kinds[0]}, but those of train are of {kinds[1]}")


def _named(rows: Rows, wrong: Tensor) -> str:
    """The name of the first of these rows."""
    return rows.named(wrong.nonzero()[0].cpu())[0]
