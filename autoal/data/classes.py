"""Labels, whatever they come in, as numbers of classes."""

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

CLASS_LIMIT = 2**31  # below which the number of a class is


def values_of(labels: Any) -> list[Any]:
    """Labels as Python's numbers, texts or None, one for each row."""
    labels = labels.to_numpy() if hasattr(labels, "to_numpy") else labels
    if tuple(getattr(labels, "shape", ()))[1:] not in ((), (1,)):  # which may have no end
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
        raise UserError(f"the label {value!r} is no text in utf-8") from error


def is_unknown(label: Any) -> bool:
    """Whether it says that nobody knows the class: -1, NaN, None, or what pandas has for them."""
    return is_absent(label) or bool(label == UNKNOWN)


def is_number(label: Any, below: float) -> bool:
    """Whether it is a whole number from 0, of whatever type, below this one."""
    return isinstance(label, int | float) and 0 <= label < below and label % 1 == 0


def class_numbers(labels: Any, classes: Sequence[str], what: str = "labels") -> Tensor:
    """The numbers of the classes of all rows, (n,) long; given by numbers or by names.

    Args:
        labels: one for each row.
        classes: their names.
        what: the labels are called in a message.
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
    """Labels that are an array of whole numbers, as (n,); None: they are anything else."""
    array = labels.numpy(force=True) if _is_whole(labels) else labels
    array = array.to_numpy() if hasattr(array, "to_numpy") else array
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iu":
        return None
    return array.reshape(-1) if array.shape[1:] in ((), (1,)) and array.ndim else None


def _is_whole(labels: Any) -> bool:
    """Whether they are a tensor of whole numbers."""
    return isinstance(labels, Tensor) and not (labels.is_floating_point() or labels.is_complex())


def _demand_classes(numbers: npt.NDArray[np.integer[Any]], count: int, what: str) -> Tensor:
    """Numbers of classes, (n,) long; the first that is none is refused."""
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
            raise UserError(f"{what}: {label!r} is none of the classes {', '.join(places)}")
        return places[label]
    if not is_number(label, len(places)):
        raise _no_class(what, label, len(places))
    return int(label)


def _no_class(what: str, label: Any, count: int) -> UserError:
    return UserError(f"{what}: {label!r} is no class: they go from 0 to {count - 1}")


def class_names(names: Any) -> tuple[str, ...]:
    """Classes by the names that somebody gave them."""
    classes = tuple(map(str, values_of(names)))
    if len(set(classes)) < len(classes):
        raise UserError(f"a class is named twice: {', '.join(classes)}")
    return classes


def named_by(labels: Mapping[str, Any], *, gaps: bool = False) -> tuple[str, ...]:
    """The names of the classes that labels tell of: the texts, or one for each number.

    Args:
        labels: of some parts, by what they are called in a message.
        gaps: whether numbers below the highest may be missing; there must be more rows than that.
    """
    told = {what: _first_rows(values) for what, values in labels.items()}
    found = {label for firsts in told.values() for label in firsts}
    if not found:
        raise UserError("no label tells what classes there are: give classes=")
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
            "give classes=, their names or how many there are"
        )
    return tuple(f"class {number}" for number in range(count))


def _first_rows(labels: Any) -> dict[Any, int]:
    """The first row of each label that is known, in the order of these rows."""
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
    """Refuse what is no number of a class, or one that so few rows cannot need."""
    if is_number(label, below):
        return
    if not isinstance(label, int | float):
        raise UserError(f"labels are numbers or names, not both: {label!r} among numbers")
    if is_number(label, inf):
        raise UserError(
            f"{what} is {label}: so many classes are not in {below:,} rows; name them in `classes`"
        )
    raise UserError(
        f"{what}: {label!r} is no class; what is predicted here are classes, not numbers"
    )
