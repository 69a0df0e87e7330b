"""How the people who labelled a row divided among the classes, read from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autoal.data.inside import has_arrays
from autoal.data.npz import Array, read_npz
from autoal.data.rows import Rows
from autoal.data.sheet import is_number, read_sheet
from autoal.errors import UserError


def shares_of(place: str, rows: Rows, classes: Sequence[str]) -> Tensor:
    """The share of the votes on each row that each class got, (n, classes).

    Args:
        place: `file.npz:member`, with a line for each row and a column for each class, or
            `file.csv` with columns named after the classes; votes or shares of them, in the order
            of the rows' part of the data set.
        rows: the rows in use, perhaps only some of that part.
        classes: their names.
    """
    given = torch.from_numpy(_columns(place, classes).astype(np.float64))
    wanted = (rows.whole, len(classes))
    if given.shape != wanted:
        raise UserError(
            f"data.test_votes={place} must have a number for each of {wanted[0]:,} rows and "
            f"{wanted[1]} classes, got {tuple(given.shape)}"
        )
    sums = given.sum(1, keepdim=True)
    sound = (given >= 0).all(1) & (sums[:, 0] > 0) & sums[:, 0].isfinite()  # NaN is not, either
    if not sound.all():
        row = int((~sound).nonzero()[0])
        raise UserError(
            f"data.test_votes={place}, row {row}: {given[row].tolist()} are not votes, which are "
            "numbers from 0 on, one of them above it"
        )
    shares = given / sums
    return shares if rows.places is None else shares[rows.places]


def _columns(place: str, classes: Sequence[str]) -> Array:
    """The numbers in the file."""
    if Path(place).suffix.lower() == ".csv":
        return _cells(Path(place).expanduser(), classes)
    file, _, name = place.rpartition(":")
    path = Path(file).expanduser()
    if not has_arrays(path):
        raise UserError(f"data.test_votes={place}: give file.npz:member, or a whole file.csv")
    found = read_npz(path, [name])[name]
    if found.dtype.kind not in "biuf":
        raise UserError(f"data.test_votes={place} must be numbers, got {found.dtype}")
    return found


def _cells(path: Path, classes: Sequence[str]) -> Array:
    sheet = read_sheet(path, header=True)
    columns = [sheet.column(name) for name in classes]
    for name, cells in zip(classes, columns, strict=True):
        for line, cell in zip(sheet.lines, cells, strict=True):
            if not is_number(cell):
                raise UserError(f"{path}, line {line}: {name} must be a number, got {cell!r}")
    return np.array(columns, dtype=np.float64).T
