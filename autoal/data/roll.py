"""A roll that preserves the numbers of rows when files are added or renamed."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from autoal.data.order import fixed_order
from autoal.errors import UserError

SHOWN = 15  # characters of a key that identify it in a message


class Line(NamedTuple):
    """A row: the key of its content, and its earlier name."""

    key: str
    name: str


@dataclass(frozen=True)
class Roll:
    """The rows of a pool in the order of their numbers."""

    lines: list[Line]

    @classmethod
    def read(cls, content: bytes) -> Roll:
        """Read a written roll; an invalid line is refused by its number."""
        lines: dict[str, Line] = {}
        for number, text in enumerate(content.splitlines(), start=1):
            try:
                line = Line(**json.loads(text))
                if line.key in lines:
                    raise ValueError(f"its key is also that of {lines[line.key].name!r}")
            except (ValueError, TypeError) as error:
                raise UserError(f"line {number} of the pool is damaged: {error}") from error
            lines[line.key] = line
        return cls(list(lines.values()))

    def written(self) -> bytes:
        """A line of JSON for each row."""
        return b"".join(json.dumps(line._asdict()).encode() + b"\n" for line in self.lines)

    def order(self, names: Sequence[str]) -> list[int]:
        """The places of names: first those on the roll, in its order, then the others, shuffled."""
        place = {name: number for number, name in enumerate(names)}
        known = [place.pop(line.name) for line in self.lines if line.name in place]
        others = sorted(set(range(len(names))) - set(known))
        return [*known, *(others[number] for number in fixed_order(len(others)).tolist())]

    def called(self, keys: Sequence[str], names: Sequence[str]) -> list[int]:
        """The place of each row by its number: rows on the roll first, then new ones.

        Args:
            keys: of rows in any order, all different.
            names: of the same rows.
        """
        place = {key: number for number, key in enumerate(keys)}
        self._demand_all(place.keys(), names)
        known = [place.pop(line.key) for line in self.lines]
        new = list(place.values())
        if known and new:
            print(
                f"{len(new):,} rows are new, such as {names[new[0]]}: they join the pool",
                file=sys.stderr,
            )
        return [*known, *new]

    def _demand_all(self, keys: Collection[str], names: Sequence[str]) -> None:
        """Refuse to go on without a row of the roll."""
        lacking = [line for line in self.lines if line.key not in keys]
        if lacking:
            first, more = lacking[0], len(lacking) - 1
            what = "has changed" if first.name in names else "is gone"
            raise UserError(
                f"{first.name} {what}{f', and so have {more:,} more' if more else ''}, since the "
                f"run began (its content was {first.key[:SHOWN]}...)\n"
                "  put the content back: under any name it is the same row; a row that nobody "
                "should be asked about is left out with X on the page\n"
                "  or begin another run with another name="
            )
