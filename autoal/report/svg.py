"""The few parts of figures, as text; the style sheet has their colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from autoal.document import PALETTE
from autoal.escape import escaped

STROKES = """
svg { font: 12px system-ui, sans-serif; fill: var(--ink); color: var(--ink); max-width: none; }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
.grid { stroke: var(--line); } .axis { stroke: var(--quiet); }
.behind polyline { stroke: var(--line); stroke-width: 1; }
.clique { stroke: var(--ink); stroke-width: 4; }
"""
FONT = 12
LETTERS = 32  # of a name
TICKS = 5  # of an axis, about


@dataclass(frozen=True)
class Figure:
    """A drawing with its title and, if given, a sentence that describes it."""

    title: str
    svg: str
    note: str = ""


@dataclass(frozen=True)
class Scale:
    """Maps values to positions in the drawing."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(self.start + share * (self.end - self.start), 2)

    def widened(self) -> Scale:
        """The same axis between round numbers."""
        step = self._step(TICKS)
        low, high = np.floor(self.low / step + 1e-9), np.ceil(self.high / step - 1e-9)
        return replace(self, low=round(low * step, 10), high=round(high * step, 10))

    def told(self, count: int = TICKS) -> dict[float, str]:
        """The label of each tick, all with the same number of decimals."""
        ticks = self.ticks(count)
        behind = (f"{tick:.10f}".rstrip("0").partition(".")[2] for tick in ticks)
        digits = max(map(len, behind), default=0)
        return {tick: f"{tick:,.{digits}f}" for tick in ticks}

    def _step(self, count: int) -> float:
        rough = ((self.high - self.low) or 1.0) / count
        power = 10.0 ** np.floor(np.log10(rough))
        return float(power * min((1, 2, 5, 10), key=lambda factor: abs(factor * power - rough)))

    def ticks(self, count: int = TICKS) -> list[float]:
        """Round numbers within the axis, about this many."""
        step = self._step(count)
        first, last = np.ceil(self.low / step - 1e-9), np.floor(self.high / step + 1e-9)
        return [float(round(place * step, 10)) + 0.0 for place in np.arange(first, last + 1)]


class LogScale(Scale):
    """For positive values: every decade is equally long."""

    def __call__(self, value: float) -> float:
        return self._exponents(float(np.log10(value)))

    def widened(self) -> Scale:
        return self

    def told(self, count: int = TICKS) -> dict[float, str]:
        return {tick: f"{tick:g}" for tick in self.ticks(count)}

    def ticks(self, count: int = TICKS) -> list[float]:
        return [float(f"{10**tick:.2g}") for tick in self._exponents.ticks(count)]

    @property
    def _exponents(self) -> Scale:
        low, high = np.log10([self.low, self.high]).tolist()
        return Scale(low, high, self.start, self.end)


def element(tag: str, content: str = "", **attributes: object) -> str:
    """One element; underscores in the names of attributes stand for hyphens."""
    pairs = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escaped(str(value))}"'
        for name, value in attributes.items()
        if value != ""
    )
    return f"<{tag}{pairs}>{content}</{tag}>"


def text(words: str, x: float, y: float, anchor: str = "start", style: str = "") -> str:
    """Words that start, end or are centred at this point."""
    return _written(escaped(words), x, y, anchor, style)


def name(words: str, x: float, y: float, anchor: str = "start", style: str = "") -> str:
    """A name in the same way; a long one is cut, and the pointer shows it whole."""
    whole = hint(words) if clipped(words) != words else ""
    return _written(escaped(clipped(words)) + whole, x, y, anchor, style)


def _written(content: str, x: float, y: float, anchor: str, style: str) -> str:
    where = {"x": round(x, 2), "y": round(y, 2), "text_anchor": anchor}
    return element("text", content, **where, style=style)


def clipped(words: str) -> str:
    """The beginning of a long name."""
    return words if len(words) <= LETTERS else f"{words[: LETTERS - 1]}…"


def hint(words: str) -> str:
    """The text that the pointer shows for an element."""
    return element("title", escaped(words)) if words else ""


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> str:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def path(points: Iterable[tuple[float, float]], style: str, dashes: str = "") -> str:
    """A line through these points."""
    where = " ".join(f"{x},{y}" for x, y in points)
    return element("polyline", points=where, style=style, stroke_dasharray=dashes)


def area(points: Iterable[tuple[float, float]], style: str) -> str:
    """The area enclosed by these points."""
    where = " ".join(f"{x},{y}" for x, y in points)
    return element("polygon", points=where, style=style)


def box(x: float, y: float, width: float, height: float, style: str, told: str = "") -> str:
    """A rectangle, and the text that the pointer shows for it."""
    sizes = {"width": round(width, 2), "height": round(height, 2)}
    return element("rect", hint(told), x=round(x, 2), y=round(y, 2), **sizes, style=style)


def group(content: str, x: float, y: float) -> str:
    """Parts together, moved by this much."""
    return element("g", content, transform=f"translate({x:g} {y:g})")


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions at least a gap apart, as near to the given ascending ones as possible.

    What would overlap is moved together, by as much in sum to one side as to the other.
    """
    blocks: list[list[float]] = []  # of positions less the gaps before them, with rising means
    for place, value in enumerate(wanted):
        block = [value - gap * place]
        while blocks and fmean(blocks[-1]) >= fmean(block):
            block = blocks.pop() + block
        blocks.append(block)
    free = [fmean(block) for block in blocks for _ in block]
    last = max(low, high - gap * (len(free) - 1))
    return [min(max(value, low), last) + gap * place for place, value in enumerate(free)]


def width_of(names: Iterable[str]) -> float:
    """The approximate width of the longest of these."""
    return 0.58 * FONT * max((len(clipped(name)) for name in names), default=0)


def drawing(title: str, width: float, height: float, parts: Iterable[str]) -> Figure:
    """The parts as a figure, which a screen reader announces by its title."""
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
    """A figure as a standalone file."""
    start, _, rest = figure.svg.partition(">")
    paper = element("rect", width="100%", height="100%", style="fill:var(--paper)")
    return (
        f'{start} xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escaped(figure.title)}</title><style>{PALETTE}{STROKES}</style>{paper}{rest}\n"
    )
