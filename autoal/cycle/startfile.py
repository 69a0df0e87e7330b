"""A given start: a file lists its rows."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from autoal.bounds import demand_file
from autoal.errors import UserError

NAME = "file"  # in start=


def read(path: Path) -> list[str]:
    """The names in the lines of a file, skipping blank lines and those that begin with #."""
    demand_file(path, "start.path= names one")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not valid UTF-8; it must name a row on each line") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    stripped = [line.strip() for line in text.splitlines()]
    lines = [line for line in stripped if line and not line.startswith("#")]
    if not lines or "\0" in text:
        raise UserError(f"{path} names no rows: give a row's number or name on each line")
    _demand_once(path, lines)
    return lines


def rows_of(path: Path, lines: Sequence[str], names: Sequence[str]) -> list[int]:
    """The numbers of the rows listed in a file.

    Args:
        path: of the file, for messages.
        lines: of it, each a row's name or, if no row has that name, its number.
        names: of all rows.
    """
    numbers = {name: row for row, name in enumerate(names)}
    alike = Counter(names)
    rows = []
    for line in lines:
        if alike[line] > 1:
            raise UserError(f"{path} names {line!r}, and {alike[line]} rows have that name")
        row = numbers.get(line, int(line) if line.isdecimal() else len(names))
        if row >= len(names):
            raise UserError(
                f"{path} names {line!r}, but the pool has no such row: its numbers go from 0 to "
                f"{len(names) - 1}, and names are like {names[0]!r}"
            )
        rows.append(row)
    _demand_once(path, rows)
    return rows


def _demand_once(path: Path, rows: Sequence[str | int]) -> None:
    row, count = Counter(rows).most_common(1)[0]
    if count > 1:
        raise UserError(f"{path} names the row {row} {count} times")
