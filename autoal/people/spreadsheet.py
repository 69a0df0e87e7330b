"""Rows as a CSV file, written for spreadsheets and read back however they save it."""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from autoal.data.seen import beside, seen, visible
from autoal.data.sheet import DELIMITERS
from autoal.errors import UserError
from autoal.escape import delimited
from autoal.people.asked import AskedRow

NAME_COLUMN, LABEL_COLUMN = "name", "label"
OURS = (NAME_COLUMN, LABEL_COLUMN, "guess", "margin", "why")  # columns, before the data's
LONGEST = 32_000  # characters of a cell: spreadsheets hold 767 more
_FORMULA = re.compile(r"'*[=+\-@\t]")  # formulas for a spreadsheet, escaped or not


class Line(NamedTuple):
    """A line of a file about a row."""

    number: int  # in the file
    name: str
    label: str  # "" where there is none


def cell(text: str) -> str:
    """A text for a cell: without formulas and invisible characters."""
    escaped = visible(text)
    return f"'{escaped}" if _FORMULA.match(escaped) else escaped


def written(rows: Sequence[AskedRow]) -> bytes:
    """The content of a file that asks for the classes of these rows.

    It begins with a byte order mark only if spreadsheets would otherwise misread its letters.
    """
    theirs = [_theirs(row) for row in rows]
    more = list(dict.fromkeys(column for cells in theirs for column in cells))
    lines = [[*_ours(row), *_cells(cells, more)] for row, cells in zip(rows, theirs, strict=True)]
    content = delimited([[*OURS, *map(cell, more)], *lines])
    return content.encode("utf-8" if content.isascii() else "utf-8-sig")


def _ours(row: AskedRow) -> list[str]:
    guess = cell(row.guess[0][0]) if row.guess else ""
    margin = "" if row.margin is None else f"{row.margin:.4f}"
    return [cell(row.name), "", guess, margin, cell(row.why)]


def _cells(cells: dict[str, str], columns: Sequence[str]) -> list[str]:
    return [cell(cells.get(column, "")) for column in columns]


def _theirs(row: AskedRow) -> dict[str, str]:
    """The readable parts of a row, by column names that do not clash with ours."""
    found = seen(row.shown)
    cells = beside(OURS, found.cells | found.texts)
    return {name: text[:LONGEST] for name, text in cells.items()}


def read(path: Path) -> list[Line]:
    """Read a file with any divider, columns in any order, in UTF-8 or UTF-16."""
    text = _text(path)
    said = re.match(r'"?sep=(.)"?[\r\n]+', text, re.IGNORECASE)
    start = 1 if said else 0
    try:
        for delimiter in said[1] if said else DELIMITERS:
            _, names = next(_lines(text, delimiter, start, strict=False), (0, []))
            header = [name.strip().lower() for name in names]
            if {NAME_COLUMN, LABEL_COLUMN} <= {*header}:
                return list(_told(path, header, [*_lines(text, delimiter, start)][1:]))
    except csv.Error as error:
        raise UserError(f"{path} cannot be read as CSV: {error}") from error
    first = text.strip().partition("\n")[0].strip()
    raise UserError(
        f"{path} must have the columns `{NAME_COLUMN}` and `{LABEL_COLUMN}` in its first "
        f"line, which is {first!r}"
    )


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        marked = content.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
        text = content.decode("utf-16" if marked else "utf-8-sig")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UserError(f"{path} is not valid UTF-8: save it as CSV in UTF-8")
    return text


def _lines(
    text: str, delimiter: str, start: int, *, strict: bool = True
) -> Iterator[tuple[int, list[str]]]:
    """The cells of the lines that are not blank, with the numbers of these in the file."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=strict)
    begin = 1
    for place, cells in enumerate(reader):
        if place >= start and any(map(str.strip, cells)):
            yield begin, cells
        begin = reader.line_num + 1


def _told(
    path: Path, header: Sequence[str], lines: Sequence[tuple[int, list[str]]]
) -> Iterator[Line]:
    """The lines below a header, as answers about rows."""
    for column in (NAME_COLUMN, LABEL_COLUMN):
        if header.count(column) > 1:
            raise UserError(f"{path} has {header.count(column)} columns `{column}`: leave one")
    name, label = header.index(NAME_COLUMN), header.index(LABEL_COLUMN)
    for number, cells in lines:
        whole = [*cells, *[""] * (len(header) - len(cells))]  # some programs drop trailing blanks
        yield Line(number, whole[name], whole[label].strip())
