"""One kind of table, written as HTML, CSV and Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from autoal.document import scrolling
from autoal.escape import delimited, escaped, marked
from autoal.report.measures import Spread

SIDE = 48  # pixels of a small picture in a cell
VISIBLE = 0.0005  # shown with three decimals
SENTENCE = 40  # letters from which a cell needs room
LARGEST = 3  # values in a sentence
HEAT = 50  # per cent of colour in the warmest cell, on which the ink of any theme is readable


class Crop(NamedTuple):
    """A part of the picture that the page has around the table, in pixels."""

    whole: tuple[int, int]
    place: tuple[int, int]
    size: tuple[int, int]

    def html(self) -> str:
        scale = SIDE / max(self.size)
        (width, height), (x, y), (wide, high) = (
            (scale * first, scale * second) for first, second in self
        )
        return (
            f'<span class="crop" role="img" aria-label="picture" '
            f'style="width:{wide:.0f}px;height:{high:.0f}px;'
            f"background-size:{width:.1f}px {height:.1f}px;"
            f'background-position:{-x:.1f}px {-y:.1f}px"></span>'
        )


class Fine(float):
    """A number that is meaningful however small it is."""


Cell = str | int | float | Spread | tuple[float, float] | Crop | None


@dataclass(frozen=True)
class Heat:
    """Marks cells to colour by their values: blue above zero, orange below."""

    first: int  # first column; all later ones are coloured as well
    full: float  # the absolute value at which a cell has its full colour


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; numbers are rounded only where people read them."""

    name: str  # name of its files
    title: str
    header: list[str]
    rows: list[list[Cell]]
    bold: list[int] = field(default_factory=list)  # indices of rows
    heat: Heat | None = None

    def html(self) -> str:
        """Without columns in which nobody has anything."""
        places = [place for place in range(len(self.header)) if self._told(place)]
        head = "".join(map(self._html_head, places))
        kinds = [' class="bold"' if place in self.bold else "" for place in range(len(self.rows))]
        body = "".join(
            f"<tr{kind}>{''.join(self._html_cell(place, row[place]) for place in places)}</tr>\n"
            for kind, row in zip(kinds, self.rows, strict=True)
        )
        return (
            f'<div class="wide table" {scrolling(self.title)}>'
            f"<table><caption>{escaped(self.title)}</caption>\n"
            f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n"
        )

    def _told(self, place: int) -> bool:
        return not self.rows or any(row[place] not in (None, "") for row in self.rows)

    def _html_head(self, place: int) -> str:
        """The name of a column, aligned like its cells; the names of rows have none."""
        if not (name := self.header[place]):
            return "<td></td>"
        cells = [row[place] for row in self.rows]
        kind = ' class="number"' if any(map(_is_number, cells)) else ""
        return f'<th scope="col"{kind}>{escaped(name)}</th>'

    def _html_cell(self, place: int, cell: Cell) -> str:
        if isinstance(cell, Crop):
            return f"<td>{cell.html()}</td>"
        colour = self._colour(place, cell)
        return f"<td{_kind(cell)}{colour}>{escaped(_shown(cell))}</td>"

    def _colour(self, place: int, cell: Cell) -> str:
        if self.heat is None or place < self.heat.first or not isinstance(cell, int | float):
            return ""
        share = HEAT * min(1.0, abs(cell) / (self.heat.full or 1.0))
        hue = "--c1" if cell < 0 else "--c0"
        return f' style="background:color-mix(in srgb,var({hue}) {share:.0f}%,transparent)"'

    def markdown(self) -> str:
        lines = [[marked(name) for name in self.header], ["---"] * len(self.header)]
        lines += [self._marked(place, row) for place, row in enumerate(self.rows)]
        rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{self.title}\n\n{rows}\n"

    def _marked(self, place: int, row: Sequence[Cell]) -> list[str]:
        stars = "**" if place in self.bold else ""
        return [f"{stars}{words}{stars}" if (words := marked(_shown(cell))) else "" for cell in row]

    def csv(self) -> str:
        """Unrounded; a cell with two numbers takes two columns."""
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
    """The cells of a row, some of which take two columns."""
    cells = zip(row, parts, strict=True)
    return [value for cell, own in cells for value in _split(cell, len(own))]


def _split(cell: Cell, count: int) -> list[object]:
    if isinstance(cell, Spread):
        return [cell.mean, cell.deviation]
    if isinstance(cell, tuple):
        return list(cell)
    return [cell, *[None] * (count - 1)]


def _shown(cell: Cell) -> str:
    if cell is None or isinstance(cell, Crop):
        return ""
    if isinstance(cell, Spread):
        return _spread(cell)
    if isinstance(cell, tuple):
        return f"{_number(cell[0])} to {_number(cell[1])}"
    if isinstance(cell, Fine) and 0 < abs(cell) < VISIBLE:
        return f"{cell:.2g}"
    return _number(cell) if isinstance(cell, float) else str(cell)


def _kind(cell: Cell) -> str:
    """The layout of a cell: numbers are aligned, sentences take few lines."""
    if _is_number(cell):
        return ' class="number"'
    return ' class="sentence"' if isinstance(cell, str) and len(cell) > SENTENCE else ""


def _is_number(cell: Cell) -> bool:
    """Whether it is a number, an interval, or a mean with its deviation."""
    return not isinstance(cell, str | Crop | None)


def _spread(cell: Spread) -> str:
    """A mean and its deviation, with the same number of decimals."""
    mean = _number(cell.mean)
    if cell.deviation is None:
        return mean
    places = len(mean.partition(".")[2]) or 1
    return f"{mean} ± {cell.deviation:.{places}f}"


def short(value: float) -> str:
    """Two decimals for a sentence, such as .85."""
    return f"{value:.2f}".replace("0.", ".", 1) if 0 <= value < 1 else f"{value:.2f}"


def largest(values: Mapping[str, float]) -> str:
    """For a sentence: the largest few of named values, and the number of the rest."""
    ordered = sorted(values, key=lambda name: -values[name])
    told = ", ".join(f"{name} {short(values[name])}" for name in ordered[:LARGEST])
    return f"{told} and {len(ordered) - LARGEST} more" if len(ordered) > LARGEST else told


def _number(value: float) -> str:
    """Three decimals; fewer for large numbers."""
    if abs(value) >= 10:
        return f"{value:.0f}" if value == int(value) else f"{value:.1f}"
    return f"{value:.3f}" if abs(value) >= VISIBLE else "0.000"
