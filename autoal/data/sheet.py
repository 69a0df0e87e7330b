"""Tables as they stand in CSV files: cells of text."""

import csv
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

from autoal.bounds import demand_file
from autoal.errors import UserError

DELIMITERS = ";\t|,"  # between as many of two, the one that numbers do not have
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.I)
SHOWN = 60  # characters of a column's name in a message, as a first line may have texts
MISSING = ("", "?", "na", "n/a", "nan", "null", "<na>")

csv.field_size_limit(2**31 - 1)  # a text may be longer than the cells that Python expects


@dataclass(frozen=True)
class Sheet:
    """The cells of a file, row by row."""

    path: Path
    header: bool  # whether a line of the file names the columns
    names: tuple[str, ...]  # of the columns
    rows: list[list[str]]
    lines: list[int]  # of the file, on which each row ends

    def place(self, column: str | int) -> int:
        """Where the column of this name, or else of this number from 0, stands."""
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
        """The cells of a column, None where they are missing or there is no column."""
        if place is None:
            return [None] * len(self.rows)
        return [None if is_missing(row[place]) else row[place] for row in self.rows]

    def beside(self, place: int | None) -> list[dict[str, str]]:
        """The cells of each row by the names of their columns, but for one column."""
        return [
            {name: cell for other, (name, cell) in enumerate(pairs) if other != place}
            for pairs in (zip(self.names, row, strict=True) for row in self.rows)
        ]


def read_sheet(path: Path, header: bool | None = None) -> Sheet:
    """A CSV file divided by commas, semicolons, tabs or bars, whichever its first line has most of.

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
        raise UserError(f"{path} names two columns alike: {', '.join(names)}")
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
        raise UserError(f"{path} is no text in UTF-8: save it as CSV in UTF-8") from error
    except (csv.Error, OSError) as error:
        raise UserError(f"{path} cannot be read as CSV: {error}") from error


def _of_text(lines: Iterable[str]) -> Iterator[str]:
    """The same lines, none of which may have a byte that no text has."""
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise csv.Error(f"line {number} has a NUL byte")
        yield line


def is_missing(cell: str) -> bool:
    """Whether a cell says that its value is not known."""
    return cell.lower() in MISSING


def is_number(cell: str) -> bool:
    """Whether a cell has a number as CSV files have them; nan is none, and missing."""
    return NUMBER.fullmatch(cell) is not None


def in_order(values: Collection[str]) -> list[str]:
    """Sorted, as numbers where all of them are."""
    if all(is_number(value) for value in values):
        return sorted(values, key=lambda value: (float(value), value))
    return sorted(values)
