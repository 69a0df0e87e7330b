"""The few parts that figures are drawn from, as text; the style sheet has their colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoal.document import PALETTE
from autoal.escape import escaped

COLOURS = 8
STROKES = """
svg { font: 12px system-ui, sans-serif; fill: var(--ink); color: var(--ink); max-width: none; }
.grid { stroke: var(--line); } .axis { stroke: var(--quiet); }
.clique { stroke: var(--ink); stroke-width: 4; }
"""
DASHES = ("", "7 3", "2 3", "9 3 2 3")  # tell apart what shares a colour
FONT = 12
TICKS = 5  # of an axis, about


@dataclass(frozen=True)
class Figure:
    """A drawing with its title."""

    title: str
    svg: str


@dataclass(frozen=True)
class Scale:
    """From values to places in the drawing."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(self.start + share * (self.end - self.start), 2)

    def widened(self) -> Scale:
        """The same from one round number to another."""
        step = self._step(TICKS)
        low, high = np.floor(self.low / step + 1e-9), np.ceil(self.high / step - 1e-9)
        return replace(self, low=round(low * step, 10), high=round(high * step, 10))

    def told(self) -> dict[float, str]:
        """What stands at each tick: all with as many digits behind the point."""
        ticks = self.ticks()
        digits = max((len(f"{tick:.10g}".partition(".")[2]) for tick in ticks), default=0)
        return {tick: f"{tick:,.{digits}f}" for tick in ticks}

    def _step(self, count: int) -> float:
        rough = ((self.high - self.low) or 1.0) / count
        power = 10.0 ** np.floor(np.log10(rough))
        return float(power * min((1, 2, 5, 10), key=lambda factor: abs(factor * power - rough)))

    def ticks(self, count: int = TICKS) -> list[float]:
        """Round numbers within, about so many."""
        step = self._step(count)
        first, last = np.ceil(self.low / step - 1e-9), np.floor(self.high / step + 1e-9)
        return [float(round(place * step, 10)) + 0.0 for place in np.arange(first, last + 1)]


class LogScale(Scale):
    """Of values above zero: a decade is as long as any other."""

    def __call__(self, value: float) -> float:
        return self._exponents(float(np.log10(value)))

    def widened(self) -> Scale:
        return self

    def told(self) -> dict[float, str]:
        return {tick: f"{tick:g}" for tick in self.ticks()}

    def ticks(self, count: int = TICKS) -> list[float]:
        return [float(f"{10**tick:.2g}") for tick in self._exponents.ticks(count)]

    @property
    def _exponents(self) -> Scale:
        low, high = np.log10([self.low, self.high]).tolist()
        return Scale(low, high, self.start, self.end)


def colour(place: int) -> str:
    """The colour of the n-th of several."""
    return f"var(--c{place % COLOURS})"


def dash(place: int) -> str:
    """The dashes of the n-th of several: those of one colour differ."""
    return DASHES[place // COLOURS % len(DASHES)]


def element(tag: str, content: str = "", **attributes: object) -> str:
    """One element; underscores in the names of attributes stand for hyphens."""
    pairs = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escaped(str(value))}"'
        for name, value in attributes.items()
        if value != ""
    )
    return f"<{tag}{pairs}>{content}</{tag}>"


def text(words: str, x: float, y: float, anchor: str = "start") -> str:
    """Words whose line of writing starts, ends or has its middle here."""
    return element("text", escaped(words), x=round(x, 2), y=round(y, 2), text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> str:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def path(points: Iterable[tuple[float, float]], style: str, dashes: str = "") -> str:
    """A line through these points."""
    where = " ".join(f"{x},{y}" for x, y in points)
    return element("polyline", points=where, style=f"fill:none;{style}", stroke_dasharray=dashes)


def area(points: Iterable[tuple[float, float]], style: str) -> str:
    """What these points enclose."""
    where = " ".join(f"{x},{y}" for x, y in points)
    return element("polygon", points=where, style=style)


def box(x: float, y: float, width: float, height: float, style: str, hint: str = "") -> str:
    """A rectangle, and what is told of it where the pointer rests on it."""
    title = element("title", escaped(hint)) if hint else ""
    sizes = {"width": round(width, 2), "height": round(height, 2)}
    return element("rect", title, x=round(x, 2), y=round(y, 2), **sizes, style=style)


def legend(names: Sequence[str], places: Sequence[int], x: float, y: float) -> str:
    """Names beside their colours, one below the other."""
    return "".join(
        path([(x, y + 18 * row), (x + 24, y + 18 * row)], _stroke(place), dash(place))
        + text(name, x + 30, y + 18 * row + 4)
        for row, (name, place) in enumerate(zip(names, places, strict=True))
    )


def _stroke(place: int) -> str:
    return f"stroke:{colour(place)};stroke-width:3"


def width_of(names: Iterable[str]) -> float:
    """About what the longest of these takes."""
    return 0.58 * FONT * max(map(len, names), default=0)


def drawing(title: str, width: float, height: float, parts: Iterable[str]) -> Figure:
    """The parts as a figure, which a screen reader tells by its title."""
    svg = element(
        "svg",
        "".join(parts),
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        role="img",
        aria_label=title,
    )
    return Figure(title, svg)


def standalone(figure: Figure) -> str:
    """A figure as a file of its own."""
    start, _, rest = figure.svg.partition(">")
    paper = element("rect", width="100%", height="100%", style="fill:var(--paper)")
    return (
        f'{start} xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escaped(figure.title)}</title><style>{PALETTE}{STROKES}</style>{paper}{rest}\n"
    )
