"""People's labels from files: for each row, or as rates of confusion."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from autoal.data.classes import class_numbers, values_of
from autoal.data.inside import has_arrays, parted
from autoal.data.npz import read_npz
from autoal.data.rows import Rows
from autoal.data.sheet import is_missing, is_number, read_sheet
from autoal.errors import UserError

TOLERANCE = 1e-4  # by which rounded shares may miss a sum of 1


def labels_of(place: str, rows: Rows, classes: Sequence[str], option: str = "labels") -> Tensor:
    """Somebody's label for each row, (n,) long; UNKNOWN where there is none.

    Args:
        place: `file.npz:member`, or `file.csv:column`, with a label for each training row of the
            data set, in its order.
        rows: the training rows in use, perhaps only some.
        classes: their names.
        option: the setting that names the place, for messages.
    """
    path, name = parted(place, option)
    given = _members(path, name) if has_arrays(path) else _cells(path, name, classes)
    labels = class_numbers(given, classes, f"{place}: labels")
    if len(labels) != rows.whole:
        raise UserError(f"{place} has {len(labels):,} labels, but the data set {rows.whole:,} rows")
    return labels if rows.places is None else labels[rows.places]


def disagreement_of(places: Sequence[str], rows: Rows, classes: Sequence[str]) -> Tensor:
    """The entropy of several people's labels for each row, (n,) in bits.

    Args:
        places: of each person's labels, as for `labels_of`.
        rows: the training rows that are used.
        classes: their names.
    """
    said = [labels_of(place, rows, classes, "ambiguity") for place in places]
    return disagreements(torch.stack(said, 1), len(classes))


def disagreements(said: Tensor, classes: int) -> Tensor:
    """The entropy of several people's labels for each row, (n,) in bits.

    Args:
        said: labels, (n, people); UNKNOWN where there is none.
        classes: how many there are.
    """
    votes = one_hot(said + 1, classes + 1)[..., 1:].double()  # UNKNOWN votes for none
    shares = votes.sum(1) / votes.sum((1, 2)).clamp(min=1)[:, None]
    # Rounded, since equal votes for other classes may be summed in a different order.
    return (torch.special.entr(shares).sum(1) / log(2)).round(decimals=9)


def _members(path: Path, name: str) -> Any:
    """The array of this name; whole numbers as a signed type, which can hold UNKNOWN."""
    array = read_npz(path, [name])[name]
    return array.astype(np.int64) if array.dtype.kind in "iu" else values_of(array)


def _cells(path: Path, name: str, classes: Sequence[str]) -> list[Any]:
    """The cells of this column: names of classes, or else their numbers."""
    return [_label(cell, classes) for cell in read_sheet(path, header=True).column(name)]


def _label(cell: str, classes: Sequence[str]) -> Any:
    if cell in classes:
        return cell
    if is_missing(cell):
        return None
    return float(cell) if is_number(cell) else cell


def matrix_of(path: str) -> Tensor:
    """How often each class is taken for each, (classes, classes), from a CSV file."""
    sheet = read_sheet(Path(path).expanduser(), header=False)
    if len(sheet.rows) != len(sheet.names):
        raise UserError(
            f"{path} has {len(sheet.rows)} lines of {len(sheet.names)} shares: give a line for "
            "each class, with a share for each class"
        )
    shares = [[_share(cell, path) for cell in row] for row in sheet.rows]
    matrix = torch.tensor(shares, dtype=torch.float64)
    sums = matrix.sum(1)
    for line, total in zip(sheet.lines, sums.tolist(), strict=True):
        if abs(total - 1) > TOLERANCE:
            raise UserError(f"{path}, line {line}: its shares sum to {total:.6g}, not to 1")
    return matrix / sums[:, None]


def _share(cell: str, path: str) -> float:
    share = float(cell) if is_number(cell) else -1.0
    if not 0 <= share <= 1:
        raise UserError(f"{path}: {cell!r} is not a share, a number from 0 to 1")
    return share
