"""What every data set must be before anything is made of it."""

from collections.abc import Mapping, Sequence
from math import prod

import torch
from torch import Tensor

from autoal.data.rows import UNKNOWN, Rows
from autoal.errors import UserError


def demand_sound(parts: Mapping[str, Rows], classes: Sequence[str]) -> None:
    """Refuse parts that no model could learn from, or be judged by."""
    _demand_classes(classes)
    for part, rows in parts.items():
        _demand_rows(part, rows)
        _demand_labels(part, rows, classes)
        _demand_alike(part, rows, parts["train"])


def demand_finite(rows: Rows) -> None:
    """Refuse rows with a number that is NaN or infinite."""
    if not rows.inputs.is_floating_point():
        return
    wrong = ~rows.inputs.isfinite().flatten(1).all(1)
    if bool(wrong.any()):
        raise UserError(f"{_named(rows, wrong)} has a number that is NaN or infinite")


def _demand_classes(classes: Sequence[str]) -> None:
    if len(classes) < 2:
        found = f"one class, {classes[0]!r}" if classes else "no class"
        raise UserError(f"the data have {found}: nothing can be learnt")
    if len(set(classes)) < len(classes):
        raise UserError(f"a class is named twice: {', '.join(classes)}")


def _demand_rows(part: str, rows: Rows) -> None:
    if not isinstance(rows, Rows):
        raise UserError(f"{part} must be Rows, got {type(rows).__name__}")
    if not len(rows):
        raise UserError(f"{part} has no rows")
    if not prod(rows.shape):
        raise UserError(f"the rows of {part} are empty: they have the shape {rows.shape}")
    for what in ("shown", "names"):
        given = getattr(rows, what)
        if given is not None and len(given) != len(rows):
            raise UserError(f"`{what}` of {part} has {len(given)} entries for {len(rows)} rows")


def _demand_labels(part: str, rows: Rows, classes: Sequence[str]) -> None:
    """Refuse labels that are not one class for each row; only the pool may have unknown ones."""
    if rows.labels.dtype != torch.long or rows.labels.shape != (len(rows),):
        raise UserError(
            f"{part} has {len(rows)} rows, and labels of {rows.labels.dtype} "
            f"{tuple(rows.labels.shape)}"
        )
    least = UNKNOWN if part == "train" else 0
    wrong = (rows.labels < least) | (rows.labels >= len(classes))
    if bool(wrong.any()):
        raise UserError(
            f"the label of {_named(rows, wrong)} is {int(rows.labels[wrong][0])}, but the classes "
            f"go from 0 to {len(classes) - 1}"
        )


def _demand_alike(part: str, rows: Rows, train: Rows) -> None:
    """Refuse rows that a model of the training rows cannot read."""
    kinds = [f"{each.inputs.dtype} {each.shape}" for each in (rows, train)]
    if kinds[0] != kinds[1]:
        raise UserError(f"{part} has rows of {kinds[0]}, but those of train are of {kinds[1]}")


def _named(rows: Rows, wrong: Tensor) -> str:
    """What the first of these rows is called."""
    return rows.named(wrong.nonzero()[0].cpu())[0]
