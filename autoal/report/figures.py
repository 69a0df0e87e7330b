"""Curves over labels, or over their cost: the figures with lines."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple
from zlib import crc32

from autoal.costs.units import LABELS
from autoal.palette import colour, dash
from autoal.report.axis import AXES
from autoal.report.measures import Curve
from autoal.report.page import Charts
from autoal.report.runs import Floats
from autoal.report.svg import (
    Figure,
    LogScale,
    Scale,
    apart,
    area,
    drawing,
    element,
    group,
    line,
    name,
    path,
    text,
    width_of,
)

WIDTH, HEIGHT = 580, 340  # size of a chart, without the names beside it
SMALL = (220, 152)  # size of one of many charts
LEFT, TOP, BOTTOM = 60, 16, 44
ROW, REACH = 15, 14  # between two names, and between the axis and the names
GAP = 8  # least space between two numbers below an axis
FEW = 5  # most curves whose bands can still be told apart
ALONG = AXES[LABELS].title

Curves = Mapping[str, Curve]
Colours = Mapping[str, int]  # the place of each name in the palette, the same in every figure


class Axes(NamedTuple):
    """The positions of values in a chart."""

    across: Scale
    up: Scale

    def points(self, xs: Floats, ys: Floats) -> list[tuple[float, float]]:
        pairs = zip(xs.tolist(), ys.tolist(), strict=True)
        return [(self.across(x), self.up(y)) for x, y in pairs]


def drawn(title: str, curves: Curves, colours: Colours, beside: str, below: str = ALONG) -> Charts:
    """One chart of all curves; of many, each beside it as well."""
    whole = learning_curves(title, curves, colours, beside, below)
    return Charts(whole, one_by_one(title, curves, colours))


def learning_curves(
    title: str,
    curves: Curves,
    colours: Colours,
    beside: str = "test accuracy",
    below: str = ALONG,
) -> Figure:
    """Means over labels or their cost, with a band of one standard deviation if they are few."""
    return _charts(title, {beside: curves}, colours, Scale, below)


def side_by_side(
    title: str, charts: Mapping[str, Curves], colours: Colours, below: str = ALONG
) -> Figure:
    """Learning curves of settings that differ in more than the strategy, one below the other."""
    return _charts(title, charts, colours, Scale, below)


def settled(title: str, charts: Mapping[str, Curves], colours: Colours) -> Figure:
    """The choices of learners over labels: charts for each kind, one below the other."""
    return _charts(title, charts, colours, _wide_scale, ALONG)


def one_by_one(title: str, curves: Curves, colours: Colours) -> list[Figure]:
    """A small chart for each of many curves: with its band, and all others in grey behind it.

    All have the same axes. Few curves need none: one chart shows their bands.
    """
    if len(curves) <= FEW:
        return []
    width, height = SMALL
    across = _across(curves.values(), 40, width - 20)
    axes = Axes(across, _upwards(curves, partial(Scale, start=height - 24, end=28)))
    defined, again = _once(title, "".join(_mean(curve, axes, "") for curve in curves.values()))
    ticks = _ticks(axes, 3)
    charts = [
        [ticks, again, _highlighted(own, curve, axes, colours[own])]
        for own, curve in curves.items()
    ]
    charts[0].insert(0, defined)
    return [
        drawing(f"{title}: {own}", width, height, parts)
        for own, parts in zip(curves, charts, strict=True)
    ]


def _once(title: str, content: str) -> tuple[str, str]:
    """The shared content of several charts: defined in one of them, and used in each."""
    known = f"behind-{crc32(title.encode()):08x}"
    defined = element("defs", element("g", content, id=known, class_="behind"))
    return defined, element("use", href=f"#{known}")


def _highlighted(own: str, curve: Curve, axes: Axes, place: int) -> str:
    ink = colour(place)
    title = name(own, axes.across.start, 16, style=f"fill:{ink};font-weight:600")
    return title + _band(curve, axes, ink) + _mean(curve, axes, f"stroke:{ink}", dash(place))


def _wide_scale(low: float, high: float, start: float, end: float) -> Scale:
    """Logarithmic if the values are decades apart."""
    kind = LogScale if 0 < 10 * low <= high else Scale
    return kind(low, high, start, end)


def _charts(
    title: str,
    charts: Mapping[str, Curves],
    colours: Colours,
    scale: Callable[..., Scale],
    below: str,
) -> Figure:
    """One below the other, over the same axis, with a name at the end of each line."""
    names = list(dict.fromkeys(own for curves in charts.values() for own in curves))
    height = max(HEIGHT, ROW * len(names) + TOP + BOTTOM)
    across = _across((curve for found in charts.values() for curve in found.values()), LEFT, WIDTH)
    parts = []
    for place, (beside, curves) in enumerate(charts.items()):
        axes = Axes(across, _upwards(curves, partial(scale, start=height - BOTTOM, end=TOP)))
        chart = _named_axes(axes, below, beside) + _lines(curves, colours, axes)
        parts.append(group(chart, 0, height * place))
    return drawing(title, WIDTH + REACH + 8 + width_of(names), height * len(charts), parts)


def _across(curves: Iterable[Curve], start: float, end: float) -> Scale:
    """An axis that covers all of the curves."""
    ends = [(curve.along[0], curve.along[-1]) for curve in curves] or [(0, 1)]
    return Scale(min(low for low, _ in ends), max(high for _, high in ends), start, end)


def _upwards(curves: Curves, scale: Callable[[float, float], Scale]) -> Scale:
    """An axis that covers all of the curves and their bands."""
    below = (float(curve.low.min()) for curve in curves.values())
    above = (float(curve.high.max()) for curve in curves.values())
    low, high = min(below, default=0.0), max(above, default=1.0)
    room = 0.0 if low < high else abs(low) / 2 or 1.0  # around a line that would lie on the axis
    return scale(low - room, high + room).widened()


def _lines(curves: Curves, colours: Colours, axes: Axes) -> str:
    few = curves if len(curves) <= FEW else {}
    bands = [_band(curve, axes, colour(colours[own])) for own, curve in few.items()]
    means = [
        _mean(curve, axes, f"stroke:{colour(colours[own])}", dash(colours[own]))
        for own, curve in curves.items()
    ]
    dots = [_dots(curve, axes, colour(colours[own])) for own, curve in curves.items()]
    return "".join([*bands, *means, *dots, *_names(curves, colours, axes)])


def _dots(curve: Curve, axes: Axes, ink: str) -> str:
    spots = axes.points(curve.along, curve.mean)
    return "".join(element("circle", cx=x, cy=y, r=2.4, style=f"fill:{ink}") for x, y in spots)


def _names(curves: Curves, colours: Colours, axes: Axes) -> list[str]:
    """Names to the right of the chart, each near the end of its line, as far as there is room."""
    ends = {own: axes.points(curve.along[-1:], curve.mean[-1:])[0] for own, curve in curves.items()}
    ordered = sorted(ends, key=lambda own: ends[own][1])
    heights = apart([ends[own][1] for own in ordered], ROW, axes.up.end, axes.up.start)
    left = axes.across.end + REACH
    return [
        path([ends[own], (left - 3, y)], f"stroke:{ink};stroke-width:1;opacity:.5")
        + name(own, left, y + 4, style=f"fill:{ink}")
        for own, y in zip(ordered, heights, strict=True)
        for ink in [colour(colours[own])]
    ]


def _named_axes(axes: Axes, below: str, beside: str) -> str:
    across, up = axes
    words = text(below, (across.start + across.end) / 2, up.start + 38, "middle")
    middle = (up.start + up.end) / 2
    turned = element(
        "g", text(beside, 0, 0, "middle"), transform=f"translate(14 {middle}) rotate(-90)"
    )
    return _ticks(axes, 5) + words + turned


def _ticks(axes: Axes, count: int) -> str:
    """The axes, with about this many numbers at each."""
    across, up = axes
    parts = []
    for tick, words in up.told(count).items():
        parts.append(line(across.start, up(tick), across.end, up(tick)))
        parts.append(text(words, across.start - 6, up(tick) + 4, "end"))
    for tick, words in _separate(across, count):
        parts.append(line(across(tick), up.start, across(tick), up.start + 4, "axis"))
        parts.append(text(words, across(tick), up.start + 18, "middle"))
    return "".join([*parts, line(across.start, up.start, across.end, up.start, "axis")])


def _separate(across: Scale, count: int) -> list[tuple[float, str]]:
    """The numbers below an axis, of which every second is left out if they would touch."""
    told = [*across.told(count).items()]
    wide = width_of(words for _, words in told) + GAP
    while len(told) > 2 and across(told[1][0]) - across(told[0][0]) < wide:
        told = told[::2]
    return told


def _band(curve: Curve, axes: Axes, ink: str) -> str:
    if not (curve.high > curve.low).any():
        return ""
    above = axes.points(curve.along, curve.high)
    below = axes.points(curve.along, curve.low)
    return area([*above, *below[::-1]], f"fill:{ink};opacity:.14")


def _mean(curve: Curve, axes: Axes, style: str, dashes: str = "") -> str:
    return path(axes.points(curve.along, curve.mean), style, dashes)
