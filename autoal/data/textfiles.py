"""Texts in files: cells of a table, or values of a JSON object per line."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from zipfile import Path as PathInZip

from autoal.data.sheet import Sheet, is_number
from autoal.data.textobjects import Row, object_of, row_of
from autoal.errors import UserError

OBJECTS = ".jsonl"
ENDINGS = (".csv", ".tsv", ".txt", OBJECTS)  # a .txt is divided by tabs, like a .tsv
QUOTINGS = ("auto", "csv", "none")
DIVIDERS = ",;\t|"  # in a tie, the one more common in tables of texts
IN_QUOTES = re.compile(r'"[^"]*"')

TextPath = Path | PathInZip


@dataclass(frozen=True)
class TextColumns:
    """Where a file has its texts and labels, and how its cells are divided."""

    text: tuple[str | int, ...]  # by names or by numbers from 0
    label: str | int | None = None  # None: there are no labels
    header: bool | None = None  # a line names the columns; None: if one of these is a name
    quoting: str = "auto"  # csv, or none (quotes are characters); auto: csv only in a .csv file

    @property
    def named(self) -> bool:
        """Whether the first line of a table names its columns."""
        by_name = any(isinstance(column, str) for column in self._all)
        return by_name if self.header is None else self.header

    @property
    def _all(self) -> tuple[str | int, ...]:
        """The columns of the texts and, if there is one, of the labels."""
        return self.text if self.label is None else (*self.text, self.label)

    def fits(self, names: Sequence[str]) -> bool:
        """Whether a file with these cells in its first line may have this layout."""
        return not self.named or set(map(str, self._all)) <= set(names)


def columns_given(text: Any) -> tuple[str | int, ...]:
    """The columns of texts, given by names or numbers."""
    listed = isinstance(text, Sequence) and not isinstance(text, str)
    if not listed or not text or not all(type(column) in (str, int) for column in text):
        raise ValueError(
            f"`text` must be a list of columns, by names or numbers, such as [body], got {text!r}"
        )
    return tuple(text)


@dataclass(frozen=True, eq=False)
class TextFile:
    """The texts of a file with their labels, row by row."""

    path: TextPath
    layout: TextColumns  # with which it was read
    columns: tuple[str, ...]  # the names of the texts
    texts: list[tuple[str, ...]]  # one for each column
    labels: list[str | None]  # None: an empty cell, or no label
    lines: list[int]  # of the file, on which each row ends

    @property
    def names(self) -> list[str]:
        """The names of the rows for people."""
        return [f"{self.path.name}:{line}" for line in self.lines]


def read_texts(path: TextPath, columns: TextColumns) -> TextFile:
    """The texts and labels of a file; a row without a text is refused by its line."""
    reader, rows = (_objects if _kind_of(path) == OBJECTS else _table)(path, columns)
    return gathered(TextFile(path, columns, reader.columns, [], [], []), reader.read, rows)


def gathered(
    found: TextFile, read: Callable[[Any], Row], rows: Iterable[tuple[int, Any]]
) -> TextFile:
    """The file with these numbered rows; one without a text is refused by its number."""
    for line, row in rows:
        try:
            texts, label = read(row)
            found.texts.append(_written(found.columns, texts))
        except UserError as error:
            raise UserError(f"{found.path}, line {line}: {error}") from error
        found.labels.append(label or None)
        found.lines.append(line)
    return found


def read_lines(path: Path) -> TextFile:
    """A text for each line that is not blank."""
    found = TextFile(path, TextColumns((0,)), ("text",), [], [], [])
    for number, line in enumerate(_lines(path), start=1):
        if text := line.strip():
            found.texts.append((text,))
            found.labels.append(None)
            found.lines.append(number)
    return found


def names_in(path: TextPath, quoting: str = "auto") -> tuple[str, ...]:
    """The names in the first line of a file: of columns, or keys of an object."""
    if _kind_of(path) == OBJECTS:
        return tuple(object_of(_first(path, _numbered(path))[1]))
    return tuple(cell.strip() for cell in _first(path, _cells(path, quoting))[1])


def _kind_of(path: TextPath) -> str:
    """The extension of an existing file."""
    if not path.is_file():
        what = f"{path} is a folder" if path.is_dir() else f"there is no file {path}"
        raise UserError(f"{what}: texts are read from files {', '.join(ENDINGS)}")
    kind = path.suffix.lower()
    if kind not in ENDINGS:
        raise UserError(f"{path}: texts are read from files {', '.join(ENDINGS)}, not {kind!r}")
    return kind


def _lines(path: TextPath) -> Iterator[str]:
    """The lines of a file in UTF-8; nothing but a newline ends one."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield _decoded(line, "utf-8-sig" if number == 1 else "utf-8", path, number)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error


def _decoded(line: bytes, encoding: str, path: TextPath, number: int) -> str:
    try:
        text = line.decode(encoding)
    except UnicodeDecodeError as error:
        why = "is not valid UTF-8: save the file in UTF-8"
        raise UserError(f"{path}, line {number} {why}") from error
    if "\0" in text:
        raise UserError(f"{path}, line {number} has a NUL byte")
    return text.rstrip("\r\n")


def _numbered(path: TextPath) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    return ((number, line) for number, line in enumerate(_lines(path), start=1) if line)


def _first(path: TextPath, rows: Iterator[tuple[int, Any]]) -> tuple[int, Any]:
    for row in rows:
        return row
    raise UserError(f"{path} is empty")


def _cells(path: TextPath, quoting: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of every line that is not blank, with its number."""
    is_csv = path.suffix.lower() == ".csv"
    quoted = quoting == "csv" or (quoting == "auto" and is_csv)
    by = _divider(_header(path, quoted)) if is_csv else "\t"
    if quoted:
        return _quoted(path, by)
    return ((number, line.split(by)) for number, line in _numbered(path))


def _header(path: TextPath, quoted: bool) -> str:
    """The first line that is not blank, extended until all quotes are closed."""
    lines: list[str] = []
    is_open = False
    for _, line in _numbered(path):
        lines.append(line)
        is_open ^= quoted and line.count('"') % 2 == 1
        if not is_open:
            break
    return "\n".join(lines)


def _divider(header: str) -> str:
    """The most frequent divider outside quotes in a header; a comma if it has none."""
    return max(DIVIDERS, key=IN_QUOTES.sub("", header).count)


def _quoted(path: TextPath, by: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader((f"{line}\n" for line in _lines(path)), delimiter=by, strict=True)
    begin = 1  # the line of a stray quote, which may swallow all lines after it
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
            begin = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{path}, line {begin} cannot be read as CSV: {error}; with data.quoting=none quotes "
            "are characters"
        ) from error


@dataclass(frozen=True)
class _CellReader:
    """Splits a row of a table into texts and label."""

    columns: tuple[str, ...]  # the names of the texts' columns
    places: tuple[int, ...]  # their places
    label: int | None
    width: int

    def read(self, cells: Sequence[str]) -> Row:
        if len(cells) != self.width:
            raise UserError(f"it has {len(cells)} cells, but the first has {self.width}")
        label = None if self.label is None else cells[self.label].strip()
        return [cells[place] for place in self.places], label


def _table(path: TextPath, columns: TextColumns) -> tuple[_CellReader, Iterator[tuple[int, Any]]]:
    """A reader for the rows, and the rows with their lines."""
    rows = _cells(path, columns.quoting)
    first = _first(path, rows)
    width = len(first[1])
    if columns.named:
        names = tuple(cell.strip() for cell in first[1])
    else:
        names, rows = tuple(f"column {place}" for place in range(width)), chain([first], rows)
    sheet = Sheet(Path(str(path)), columns.named, _apart(names), [], [])
    places = tuple(sheet.place(column) for column in columns.text)
    label = None if columns.label is None else sheet.place(columns.label)
    _demand_distinct(path, places, label)
    return _CellReader(tuple(sheet.names[place] for place in places), places, label, width), rows


def _apart(names: Sequence[str]) -> tuple[str, ...]:
    """The names of columns; duplicate names get their places appended."""
    count = Counter(names)
    return tuple(
        f"{name} ({place})" if count[name] > 1 else name for place, name in enumerate(names)
    )


def _demand_distinct(path: TextPath, text: Sequence[str | int], label: str | int | None) -> None:
    """Refuse a column given twice: a label among the texts would give itself away."""
    if len({*text, label}) <= len(text):
        raise UserError(f"{path}: a column is named twice among data.text= and data.label=")


def keys_of(path: TextPath, columns: TextColumns) -> tuple[tuple[str, ...], str | None]:
    """The keys of the texts and of the label in objects."""
    text = tuple(map(str, columns.text))
    label = None if columns.label is None else str(columns.label)
    _demand_distinct(path, text, label)
    return text, label


@dataclass(frozen=True)
class _ObjectReader:
    """Splits a line of JSON into texts and label."""

    columns: tuple[str, ...]  # the keys of the texts
    label: str | None  # the key of the labels

    def read(self, line: str) -> Row:
        return row_of(object_of(line), self.columns, self.label)


def _objects(
    path: TextPath, columns: TextColumns
) -> tuple[_ObjectReader, Iterator[tuple[int, Any]]]:
    """A reader for the lines, and the lines with their numbers."""
    rows = _numbered(path)
    return _ObjectReader(*keys_of(path, columns)), chain([_first(path, rows)], rows)


def _written(columns: Sequence[str], texts: Sequence[str]) -> tuple[str, ...]:
    """The stripped texts, none of which may be empty."""
    written = tuple(text.strip() for text in texts)
    for name, text in zip(columns, written, strict=True):
        if not text:
            raise UserError(f"it has no text in {name!r}")
    return written


def demand_words(file: TextFile) -> None:
    """Refuse a file without rows, and a column of numbers instead of texts."""
    if not file.texts:
        raise UserError(f"{file.path} has no rows")
    for place, name in enumerate(file.columns):
        if all(is_number(row[place]) for row in file.texts):
            raise UserError(
                f"{file.path} has only numbers in {name!r}: data.text= names the columns of texts"
            )
