"""Columns of text as they stand in CSV files, and the numbers that they become."""

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import isinf, nan
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autoal.errors import UserError

DELIMITERS = ";\t,"  # between as many of two, the one that numbers do not have
MISSING = ("", "?", "na", "n/a", "nan", "null", "<na>")
MOST_CATEGORIES = 1000  # of one column; more are names or free text, and no categories

Column = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sheet:
    """The cells of a file, row by row."""

    path: Path
    names: tuple[str, ...]  # of the columns
    rows: list[list[str]]

    def place(self, column: str | int) -> int:
        """Where the column of this name, or else of this number from 0, stands."""
        if str(column) in self.names:
            return self.names.index(str(column))
        if isinstance(column, int) and -len(self.names) <= column < len(self.names):
            return column % len(self.names)
        raise UserError(f"{self.path} has no column {column!r}; it has {', '.join(self.names)}")


def read_sheet(path: Path, header: bool | None = None) -> Sheet:
    """A CSV file divided by commas, semicolons or tabs, whichever its first line has most of.

    Args:
        path: of the file.
        header: whether the first line has the names of the columns; None: if it has no number.
    """
    lines = _lines(path)
    if not lines:
        raise UserError(f"{path} is empty")
    first = lines[0][1]
    if not isinstance(header, bool):
        header = not any(_is_number(cell) for cell in first)
    body = lines[1:] if header else lines
    for number, cells in body:
        if len(cells) != len(first):
            raise UserError(
                f"{path}, line {number} has {len(cells)} cells, but the first has {len(first)}"
            )
    names = tuple(first) if header else tuple(f"column {place}" for place in range(len(first)))
    if len(set(names)) < len(names):
        raise UserError(f"{path} names two columns alike: {', '.join(names)}")
    return Sheet(path, names, [cells for _, cells in body])


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """The cells of every line that is not blank, with its number in the file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(DELIMITERS, key=first.count), strict=True)
            return [
                (reader.line_num, [cell.strip() for cell in cells]) for cells in reader if cells
            ]
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}; data.path= names one") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as CSV: {error}") from error


def is_missing(cell: str) -> bool:
    """Whether a cell says that its value is not known."""
    return cell.lower() in MISSING


def encode(name: str, cells: Sequence[str], categorical: bool = False) -> list[Column]:
    """One column of numbers, nan where missing; or, of texts, one of zeros and ones a category.

    A missing text is a category of its own, as whatever kept it from being known may matter.
    """
    known = [cell for cell in cells if not is_missing(cell)]
    odd = [cell for cell in known if not _is_number(cell)]
    if categorical or (odd and not _meant_as_numbers(known, odd)):
        return _one_hot(name, cells)
    if odd:
        raise UserError(
            f"the column {name!r} is of numbers, but {odd[0]!r} is none (a decimal point is a "
            f"point); data.categorical=[{name}] takes it as texts, data.drop=[{name}] leaves it out"
        )
    values = [nan if is_missing(cell) else float(cell) for cell in cells]
    if any(isinf(value) for value in values):
        raise UserError(f"the column {name!r} has a number that is infinite")
    return [np.array(values, dtype=np.float64)]


def _meant_as_numbers(known: Sequence[str], odd: Sequence[str]) -> bool:
    """Whether most cells are numbers, or would be with a point in place of a comma."""
    commas = sum(_is_number(cell.replace(",", ".", 1)) for cell in odd)
    return 2 * (len(known) - len(odd) + commas) > len(known)


def _one_hot(name: str, cells: Sequence[str]) -> list[Column]:
    known = ["" if is_missing(cell) else cell for cell in cells]
    categories = in_order(set(known))
    if len(categories) > MOST_CATEGORIES:
        raise UserError(
            f"the column {name!r} has {len(categories):,} different texts, more than the "
            f"{MOST_CATEGORIES:,} that can be categories; data.drop=[{name}] leaves it out"
        )
    array = np.array(known)
    return [(array == category).astype(np.float64) for category in categories]


def in_order(values: Collection[str]) -> list[str]:
    """Sorted, as numbers where all of them are."""
    if all(_is_number(value) for value in values):
        return sorted(values, key=lambda value: (float(value), value))
    return sorted(values)


def _is_number(cell: str) -> bool:
    try:
        return float(cell) == float(cell)  # nan is none, and missing
    except ValueError:
        return False
