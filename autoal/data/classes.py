"""Labels of any kind as numbers of classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from autoal.data.inputs import is_absent
from autoal.data.rows import UNKNOWN
from autoal.errors import UserError

CLASS_LIMIT = 2**31  # upper bound of class numbers


def values_of(labels: Any) -> list[Any]:
    """Labels as Python numbers, texts or None, one for each row."""
    labels = labels.to_numpy() if hasattr(labels, "to_numpy") else labels
    if tuple(getattr(labels, "shape", ()))[1:] not in ((), (1,)):  # a list could be endless
        raise _several()
    values = labels.tolist() if hasattr(labels, "tolist") else labels
    if not isinstance(values, Iterable) or isinstance(values, str | bytes):
        raise UserError(f"labels must be a list, one for each row, got {values!r}")
    values = [value.item() if hasattr(value, "item") else value for value in values]
    if any(isinstance(value, list | tuple) for value in values):
        if not all(isinstance(value, list | tuple) and len(value) == 1 for value in values):
            raise _several()
        values = [value[0] for value in values]
    return [_text(value) if isinstance(value, bytes) else value for value in values]


def _several() -> UserError:
    return UserError("several labels a row are not supported: a query here buys one class")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise UserError(f"the label {value!r} is not valid UTF-8") from error


def is_unknown(label: Any) -> bool:
    """Whether it marks an unknown class: -1, NaN, None, or a missing value of pandas."""
    return is_absent(label) or bool(label == UNKNOWN)


def is_number(label: Any, below: float) -> bool:
    """Whether it is a whole number of any type, from 0 to below this one."""
    return isinstance(label, int | float) and 0 <= label < below and label % 1 == 0


def class_numbers(labels: Any, classes: Sequence[str], what: str = "labels") -> Tensor:
    """The class numbers of all rows, (n,) long, from numbers or names.

    Args:
        labels: one for each row.
        classes: their names.
        what: the labels' name in a message.
    """
    given = _whole_numbers(labels)
    if given is not None:
        return _demand_classes(given, len(classes), what)
    places = {name: place for place, name in enumerate(classes)}
    numbers = [
        _class_number(label, places, f"{what}[{row}]")
        for row, label in enumerate(values_of(labels))
    ]
    return torch.tensor(numbers, dtype=torch.long)


def _whole_numbers(labels: Any) -> npt.NDArray[np.integer[Any]] | None:
    """Labels as an array of whole numbers, (n,); None if they are anything else."""
    array = labels.numpy(force=True) if _is_whole(labels) else labels
    array = array.to_numpy() if hasattr(array, "to_numpy") else array
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iu":
        return None
    return array.reshape(-1) if array.shape[1:] in ((), (1,)) and array.ndim else None


def _is_whole(labels: Any) -> bool:
    """Whether they are a tensor of whole numbers."""
    return isinstance(labels, Tensor) and not (labels.is_floating_point() or labels.is_complex())


def _demand_classes(numbers: npt.NDArray[np.integer[Any]], count: int, what: str) -> Tensor:
    """Class numbers, (n,) long; the first invalid one is refused."""
    wrong = (numbers < UNKNOWN) | (numbers >= count)
    if wrong.any():
        row = int(wrong.argmax())
        raise _no_class(f"{what}[{row}]", int(numbers[row]), count)
    return torch.from_numpy(numbers.astype(np.int64))


def _class_number(label: Any, places: Mapping[str, int], what: str) -> int:
    label = label.item() if hasattr(label, "item") else label
    if is_unknown(label):
        return UNKNOWN
    if isinstance(label, str):
        if label not in places:
            raise UserError(f"{what}: {label!r} is not one of the classes {', '.join(places)}")
        return places[label]
    if not is_number(label, len(places)):
        raise _no_class(what, label, len(places))
    return int(label)


def _no_class(what: str, label: Any, count: int) -> UserError:
    return UserError(f"{what}: {label!r} is not a class: they go from 0 to {count - 1}")


def class_names(names: Any) -> tuple[str, ...]:
    """The given names of the classes."""
    classes = tuple(map(str, values_of(names)))
    if len(set(classes)) < len(classes):
        raise UserError(f"a class is named twice: {', '.join(classes)}")
    return classes


def named_by(labels: Mapping[str, Any], *, gaps: bool = False) -> tuple[str, ...]:
    """The names of the classes found in labels: the texts, or one for each number.

    Args:
        labels: of some parts, by their names in a message.
        gaps: whether numbers below the highest may be missing; there must be more rows than that.
    """
    told = {what: _first_rows(values) for what, values in labels.items()}
    found = {label for firsts in told.values() for label in firsts}
    if not found:
        raise UserError("no label says what classes there are: give classes=")
    if all(isinstance(label, str) for label in found):
        return tuple(sorted(found))
    rows = sum(map(len, labels.values()))
    for what, firsts in told.items():
        for label, row in firsts.items():
            _demand_number(f"{what}[{row}]", label, rows if gaps else inf)
    count = int(max(found)) + 1
    if len(found) < count and not gaps:
        lacking = next(number for number in range(count) if number not in found)
        raise UserError(
            f"labels go to {count - 1}, and {lacking} is not among them: if these are classes, "
            "give classes=, their names or their number"
        )
    return tuple(f"class {number}" for number in range(count))


def _first_rows(labels: Any) -> dict[Any, int]:
    """The first row of each known label, in the order of these rows."""
    numbers = _whole_numbers(labels)
    if numbers is not None:
        different, rows = np.unique(numbers, return_index=True)
        pairs = sorted(zip(rows.tolist(), different.tolist(), strict=True))
        return {label: row for row, label in pairs if label != UNKNOWN}
    first: dict[Any, int] = {}
    for row, label in enumerate(values_of(labels)):
        if not is_unknown(label):
            first.setdefault(label, row)
    return first


def _demand_number(what: str, label: Any, below: float) -> None:
    """Refuse invalid class numbers, and numbers too large for so few rows."""
    if is_number(label, below):
        return
    if not isinstance(label, int | float):
        raise UserError(f"labels are numbers or names, not both: {label!r} among numbers")
    if is_number(label, inf):
        raise UserError(
            f"{what} is {label}: {below:,} rows cannot have so many classes; name them in `classes`"
        )
    raise UserError(f"{what}: {label!r} is not a class; AutoAL predicts classes, not numbers")
