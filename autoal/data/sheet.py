"""Tables from CSV files, as cells of text."""

import csv
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

from autoal.bounds import demand_file
from autoal.errors import UserError

DELIMITERS = ";\t|,"  # in a tie, the one that numbers do not contain
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.I)
SHOWN = 60  # characters of a column's name in a message, as a first line may be texts
MISSING = ("", "?", "na", "n/a", "nan", "null", "<na>")

csv.field_size_limit(2**31 - 1)  # texts may be longer than Python's limit for cells


@dataclass(frozen=True)
class Sheet:
    """The cells of a file, row by row."""

    path: Path
    header: bool  # whether a line of the file names the columns
    names: tuple[str, ...]  # of the columns
    rows: list[list[str]]
    lines: list[int]  # of the file, on which each row ends

    def place(self, column: str | int) -> int:
        """The place of the column with this name, or else this number from 0."""
        if str(column) in self.names:
            return self.names.index(str(column))
        if isinstance(column, int) and -len(self.names) <= column < len(self.names):
            return column % len(self.names)
        known = ", ".join(shorten(name, SHOWN, placeholder="...") for name in self.names)
        raise UserError(f"{self.path} has no column {column!r}; it has {known}")

    def column(self, name: str) -> list[str]:
        """The cells below this name."""
        place = self.place(name)
        return [row[place] for row in self.rows]

    def known(self, place: int | None) -> list[str | None]:
        """The cells of a column, with None for missing ones; all None without a column."""
        if place is None:
            return [None] * len(self.rows)
        return [None if is_missing(row[place]) else row[place] for row in self.rows]

    def beside(self, place: int | None) -> list[dict[str, str]]:
        """The cells of each row by column name, except one column."""
        return [
            {name: cell for other, (name, cell) in enumerate(pairs) if other != place}
            for pairs in (zip(self.names, row, strict=True) for row in self.rows)
        ]


def read_sheet(path: Path, header: bool | None = None) -> Sheet:
    """Read a CSV file divided by the most frequent of , ; tab and | in its first line.

    Args:
        path: of the file.
        header: whether the first line has the names of the columns; None: if it has no number.
    """
    lines = _lines(path)
    if not lines:
        raise UserError(f"{path} is empty")
    first = lines[0][1]
    if not isinstance(header, bool):
        header = not any(is_number(cell) for cell in first)
    body = lines[1:] if header else lines
    for number, cells in body:
        if len(cells) != len(first):
            raise UserError(
                f"{path}, line {number} has {len(cells)} cells, but the first has {len(first)}"
            )
    names = tuple(first) if header else tuple(f"column {place}" for place in range(len(first)))
    if len(set(names)) < len(names):
        raise UserError(f"{path} has two columns of the same name: {', '.join(names)}")
    return Sheet(path, header, names, [cells for _, cells in body], [number for number, _ in body])


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """The cells of every line that is not blank, with its number in the file."""
    demand_file(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = max(DELIMITERS, key=file.readline().count)
            file.seek(0)
            reader = csv.reader(_of_text(file), delimiter=delimiter, strict=True)
            return [
                (reader.line_num, [cell.strip() for cell in cells]) for cells in reader if cells
            ]
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not valid UTF-8: save it as CSV in UTF-8") from error
    except (csv.Error, OSError) as error:
        raise UserError(f"{path} cannot be read as CSV: {error}") from error


def _of_text(lines: Iterable[str]) -> Iterator[str]:
    """The same lines, none of which may contain a NUL byte."""
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise csv.Error(f"line {number} has a NUL byte")
        yield line


def is_missing(cell: str) -> bool:
    """Whether a cell marks a missing value."""
    return cell.lower() in MISSING


def is_number(cell: str) -> bool:
    """Whether a cell is a number in CSV notation; nan is not, but missing."""
    return NUMBER.fullmatch(cell) is not None


def in_order(values: Collection[str]) -> list[str]:
    """Sorted, numerically if all are numbers."""
    if all(is_number(value) for value in values):
        return sorted(values, key=lambda value: (float(value), value))
    return sorted(values)
