"""Labels, whatever they come in, as numbers of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from autoal.data.rows import UNKNOWN
from autoal.errors import UserError

CLASS_LIMIT = 2**31  # below which the number of a class is


def values_of(labels: Any) -> list[Any]:
    """Labels as Python's numbers, texts or None, one for each row."""
    labels = labels.to_numpy() if hasattr(labels, "to_numpy") else labels
    values = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    values = [value.item() if hasattr(value, "item") else value for value in values]
    if any(isinstance(value, list | tuple) for value in values):
        if all(isinstance(value, list | tuple) and len(value) == 1 for value in values):
            return [value[0] for value in values]
        raise UserError("several labels a row are not supported: a query here buys one class")
    return values


def is_unknown(label: Any) -> bool:
    """Whether it says that nobody knows the class: -1, NaN, None, or what pandas has for them."""
    if label is None or type(label).__name__ in ("NAType", "NaTType"):
        return True
    return bool(label != label or label == UNKNOWN)


def is_number(label: Any, below: int) -> bool:
    """Whether it is a whole number from 0, of whatever type, below this one."""
    return isinstance(label, int | float) and 0 <= label < below and label == int(label)


def class_numbers(labels: Any, classes: Sequence[str]) -> Tensor:
    """The numbers of the classes of all rows, (n,) long; given by numbers or by names."""
    places = {name: place for place, name in enumerate(classes)}
    numbers = [_class_number(label, places) for label in values_of(labels)]
    return torch.tensor(numbers, dtype=torch.long)


def _class_number(label: Any, places: Mapping[str, int]) -> int:
    label = label.item() if hasattr(label, "item") else label
    if is_unknown(label):
        return UNKNOWN
    if isinstance(label, str):
        if label not in places:
            raise UserError(f"{label!r} is none of the classes {', '.join(places)}")
        return places[label]
    if not is_number(label, len(places)):
        raise UserError(f"{label!r} is no class: they go from 0 to {len(places) - 1}")
    return int(label)


def named_by(labels: Sequence[Any]) -> tuple[str, ...]:
    """The names of the classes that these labels tell of: the texts, or one for each number."""
    found = {label for label in labels if not is_unknown(label)}
    if not found:
        raise UserError("no label tells what classes there are: give classes=")
    if all(isinstance(label, str) for label in found):
        return tuple(sorted(found))
    for label in found:
        if not isinstance(label, int | float):
            raise UserError(f"labels are numbers or names, not both: {label!r} among numbers")
        if not is_number(label, CLASS_LIMIT):
            raise UserError(
                f"{label!r} is no class; what is predicted here are classes, not numbers"
            )
    count = int(max(found)) + 1
    if len(found) < count:
        lacking = next(number for number in range(count) if number not in found)
        raise UserError(
            f"labels go to {count - 1}, and {lacking} is not among them: if these are classes, "
            "give classes=, their names or how many there are"
        )
    return tuple(f"class {number}" for number in range(count))
