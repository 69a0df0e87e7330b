"""One kind of table, written as HTML, CSV and Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from autoal.document import scrolling
from autoal.escape import delimited, escaped, marked
from autoal.report.measures import Spread

Cell = str | int | float | Spread | tuple[float, float] | None


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; numbers are rounded where people read them only."""

    name: str  # of its files
    title: str
    header: list[str]
    rows: list[list[Cell]]
    bold: list[int] = field(default_factory=list)  # places of rows

    def html(self) -> str:
        head = "".join(map(_html_head, self.header))
        kinds = [' class="bold"' if place in self.bold else "" for place in range(len(self.rows))]
        body = "".join(
            f"<tr{kind}>{''.join(map(_html_cell, row))}</tr>\n"
            for kind, row in zip(kinds, self.rows, strict=True)
        )
        return (
            f'<div class="wide" {scrolling(self.title)}>'
            f"<table><caption>{escaped(self.title)}</caption>\n"
            f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n"
        )

    def markdown(self) -> str:
        lines = [[marked(name) for name in self.header], ["---"] * len(self.header)]
        lines += [self._marked(place, row) for place, row in enumerate(self.rows)]
        rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{self.title}\n\n{rows}\n"

    def _marked(self, place: int, row: Sequence[Cell]) -> list[str]:
        stars = "**" if place in self.bold else ""
        return [f"{stars}{words}{stars}" if (words := marked(_shown(cell))) else "" for cell in row]

    def csv(self) -> str:
        """Unrounded; what a cell holds two numbers of takes two columns."""
        parts = [self._parts(place) for place in range(len(self.header))]
        names = [
            f"{name} {part}".strip()
            for name, own in zip(self.header, parts, strict=True)
            for part in own
        ]
        return delimited([names, *(_split_row(row, parts) for row in self.rows)])

    def _parts(self, place: int) -> Sequence[str]:
        cells = [row[place] for row in self.rows]
        if any(isinstance(cell, Spread) for cell in cells):
            return ("mean", "deviation")
        if any(isinstance(cell, tuple) for cell in cells):
            return ("low", "high")
        return ("",)


def _split_row(row: Sequence[Cell], parts: Sequence[Sequence[str]]) -> list[object]:
    """The cells of a row, of which some take two columns."""
    cells = zip(row, parts, strict=True)
    return [value for cell, own in cells for value in _split(cell, len(own))]


def _split(cell: Cell, count: int) -> list[object]:
    if isinstance(cell, Spread):
        return [cell.mean, cell.deviation]
    if isinstance(cell, tuple):
        return list(cell)
    return [cell, *[None] * (count - 1)]


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Spread):
        return _spread(cell)
    if isinstance(cell, tuple):
        return f"{_number(cell[0])} to {_number(cell[1])}"
    return _number(cell) if isinstance(cell, float) else str(cell)


def _spread(cell: Spread) -> str:
    """A mean, and its deviation with as many digits after the point."""
    mean = _number(cell.mean)
    if cell.deviation is None:
        return mean
    places = 1 if "." not in mean else len(mean.partition(".")[2])
    return f"{mean} ± {_number(cell.deviation) if 'e' in mean else f'{cell.deviation:.{places}f}'}"


def _number(value: float) -> str:
    """Three digits after the point; fewer where it is large, two that count where it is tiny."""
    if value == int(value) and abs(value) >= 2:
        return f"{value:.0f}"  # a count
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.001 else f"{value:.2g}"


def _html_head(name: str) -> str:
    """The name of a column; over names of rows there is none."""
    return f'<th scope="col">{escaped(name)}</th>' if name else "<td></td>"


def _html_cell(cell: Cell) -> str:
    kind = "" if isinstance(cell, str) else ' class="number"'
    return f"<td{kind}>{escaped(_shown(cell))}</td>"
