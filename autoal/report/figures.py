"""The figures of the report."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from autoal.report.measures import Curve
from autoal.report.runs import Floats
from autoal.report.svg import (
    COLOURS,
    Figure,
    LogScale,
    Scale,
    area,
    box,
    colour,
    dash,
    drawing,
    element,
    legend,
    line,
    path,
    text,
    width_of,
)

WIDTH, HEIGHT = 520, 320  # of a chart, its legend apart
LEFT, TOP, BOTTOM = 60, 16, 44
ROW = 26
LABELS, MONEY, TIME = "labelled rows", "money", "seconds of people"  # along which curves are drawn

Curves = Mapping[str, Curve]
Colours = Mapping[str, int]  # the place of each name, the same in every figure


def learning_curves(
    title: str,
    curves: Curves,
    colours: Colours,
    beside: str = "test accuracy",
    below: str = LABELS,
) -> Figure:
    """Means over labels or what they cost, and a band of one standard deviation over the seeds."""
    return _charts(title, {beside: curves}, colours, Scale, below)


def side_by_side(
    title: str, charts: Mapping[str, Curves], colours: Colours, below: str = LABELS
) -> Figure:
    """Learning curves of several learners: one chart below the other for each strategy."""
    return _charts(title, charts, colours, Scale, below)


def settled(title: str, charts: Mapping[str, Curves], colours: Colours) -> Figure:
    """What learners chose by themselves over labels: one chart below the other for each kind."""
    return _charts(title, charts, colours, _wide_scale, LABELS)


def _wide_scale(low: float, high: float, start: float, end: float) -> Scale:
    """Logarithmic where the values are decades apart."""
    kind = LogScale if 0 < 10 * low <= high else Scale
    return kind(low, high, start, end)


def _charts(
    title: str,
    charts: Mapping[str, Curves],
    colours: Colours,
    scale: Callable[..., Scale],
    below: str,
) -> Figure:
    """One below the other, over the same axis; the legend of all stands beside the first."""
    names = list(dict.fromkeys(name for curves in charts.values() for name in curves))
    found = [curve for curves in charts.values() for curve in curves.values()]
    across = Scale(
        min((curve.along[0] for curve in found), default=0),
        max((curve.along[-1] for curve in found), default=1),
        LEFT,
        WIDTH,
    )
    height = max(HEIGHT, (18 * len(names) + 60) / len(charts))
    parts = [legend(names, [colours[name] for name in names], WIDTH + 16, TOP + 8)]
    for place, (beside, curves) in enumerate(charts.items()):
        up = _upwards(curves, partial(scale, start=height - BOTTOM, end=TOP))
        chart = _axes(across, up, below, beside) + _drawn(curves, colours, across, up)
        parts.append(element("g", chart, transform=f"translate(0 {height * place:g})"))
    return drawing(title, WIDTH + 56 + width_of(names), height * len(charts), parts)


def _upwards(curves: Curves, scale: Callable[[float, float], Scale]) -> Scale:
    """On which all of the curves and their bands are."""
    below = (float(curve.low.min()) for curve in curves.values())
    above = (float(curve.high.max()) for curve in curves.values())
    low, high = min(below, default=0.0), max(above, default=1.0)
    room = 0.0 if low < high else abs(low) / 2 or 1.0  # around a line that would lie on the axis
    return scale(low - room, high + room).widened()


def _drawn(curves: Curves, colours: Colours, across: Scale, up: Scale) -> str:
    bands = [_band(curve, across, up, colour(colours[name])) for name, curve in curves.items()]
    lines = [_mean(curve, across, up, colours[name]) for name, curve in curves.items()]
    return "".join([*bands, *lines])


def _axes(across: Scale, up: Scale, below: str, beside: str) -> str:
    parts = []
    for tick, words in up.told().items():
        parts.append(line(across.start, up(tick), across.end, up(tick)))
        parts.append(text(words, across.start - 6, up(tick) + 4, "end"))
    for tick, words in across.told().items():
        parts.append(line(across(tick), up.start, across(tick), up.start + 4, "axis"))
        parts.append(text(words, across(tick), up.start + 18, "middle"))
    parts.append(line(across.start, up.start, across.end, up.start, "axis"))
    parts.append(text(below, (across.start + across.end) / 2, up.start + 38, "middle"))
    middle = (up.start + up.end) / 2
    parts.append(
        element("g", text(beside, 0, 0, "middle"), transform=f"translate(14 {middle}) rotate(-90)")
    )
    return "".join(parts)


def _band(curve: Curve, across: Scale, up: Scale, ink: str) -> str:
    if not (curve.high > curve.low).any():
        return ""
    above = _points(curve.along, curve.high, across, up)
    below = _points(curve.along, curve.low, across, up)
    return area([*above, *below[::-1]], f"fill:{ink};opacity:.14")


def _mean(curve: Curve, across: Scale, up: Scale, place: int) -> str:
    points = _points(curve.along, curve.mean, across, up)
    ink = colour(place)
    dots = "".join(element("circle", cx=x, cy=y, r=2.6, style=f"fill:{ink}") for x, y in points)
    return path(points, f"stroke:{ink};stroke-width:1.8", dash(place)) + dots


def _points(xs: Floats, ys: Floats, across: Scale, up: Scale) -> list[tuple[float, float]]:
    return [(across(x), up(y)) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]


def mixing_weights(title: str, weights: Mapping[str, Sequence[float]]) -> Figure:
    """The mean weight of each candidate in each query, stacked."""
    names = list(weights)
    rounds = len(weights[names[0]])
    height = max(HEIGHT, 18 * len(names) + 60)
    across, up = Scale(1, rounds, LEFT, WIDTH), Scale(0, 1, height - BOTTOM, TOP)
    slot = (across.end - across.start) / rounds
    parts = [_round_axes(across, up, slot, rounds)]
    for number in range(rounds):
        base = 0.0
        for place, name in enumerate(names):
            weight = weights[name][number]
            hint = f"round {number + 1}, {name}: {weight:.3f}"
            x, y = across.start + slot * (number + 0.08), up(base + weight)
            parts.append(box(x, y, slot * 0.84, up(base) - y, _filled(place), hint))
            base += weight
    parts += [
        box(WIDTH + 16, TOP + 18 * place, 12, 12, _filled(place))
        + text(name, WIDTH + 34, TOP + 18 * place + 10)
        for place, name in enumerate(names)
    ]
    return drawing(title, WIDTH + 56 + width_of(names), height, parts)


def _round_axes(across: Scale, up: Scale, slot: float, rounds: int) -> str:
    every = -(-rounds // 12)
    parts = [line(across.start, up(tick), across.end, up(tick)) for tick in up.ticks()]
    parts += [text(f"{tick:g}", across.start - 6, up(tick) + 4, "end") for tick in up.ticks()]
    parts += [
        text(str(number + 1), across.start + slot * (number + 0.5), up.start + 18, "middle")
        for number in range(0, rounds, every)
    ]
    middle = (across.start + across.end) / 2
    return "".join([*parts, text("round", middle, up.start + 38, "middle")])


def _filled(place: int) -> str:
    """Beyond the colours there are, the same ones paler."""
    return f"fill:{colour(place)};opacity:{1 - 0.3 * (place // COLOURS % 3):.1f}"


def class_balance(title: str, shares: Mapping[str, Floats]) -> Figure:
    """One row a contender, one field a class: the darker, the more was queried of it."""
    names = list(shares)
    classes = len(shares[names[0]])
    left = width_of(names) + 16
    field = (WIDTH - LEFT) / classes
    highest = max(float(by_class.max()) for by_class in shares.values()) or 1.0
    parts = []
    for row, name in enumerate(names):
        y = TOP + ROW * row
        parts.append(text(name, left - 8, y + 16, "end"))
        for label, share in enumerate(shares[name].tolist()):
            style = f"fill:var(--c0);fill-opacity:{share / highest:.3f};stroke:var(--line)"
            hint = f"{name}, class {label}: {share:.3f}"
            parts.append(box(left + field * label, y, field, ROW - 4, style, hint))
    bottom = TOP + ROW * len(names) + 12
    every = -(-classes // 20)
    parts += [
        text(str(label), left + field * (label + 0.5), bottom, "middle")
        for label in range(0, classes, every)
    ]
    parts.append(text("class", left + (WIDTH - LEFT) / 2, bottom + 20, "middle"))
    return drawing(title, left + WIDTH - LEFT + 16, bottom + 30, parts)


def phases(title: str, seconds: Mapping[str, Mapping[str, float]]) -> Figure:
    """Seconds of a round by phase, stacked; one bar a contender."""
    names = list(seconds)
    kinds = list(seconds[names[0]])
    left = width_of(names) + 16
    longest = max(sum(by_phase.values()) for by_phase in seconds.values())
    across = Scale(0, longest or 1.0, left, left + WIDTH - LEFT)
    bottom = 40 + ROW * len(names)
    parts = [_phase_legend(kinds, left)]
    for tick in across.ticks():
        parts.append(line(across(tick), 30, across(tick), bottom))
        parts.append(text(f"{tick:g}", across(tick), bottom + 16, "middle"))
    for row, name in enumerate(names):
        y, base = 36 + ROW * row, 0.0
        parts.append(text(name, left - 8, y + 14, "end"))
        for place, kind in enumerate(kinds):
            value = seconds[name][kind]
            wide = across(base + value) - across(base)
            hint = f"{name}, {kind}: {value:.3g} s"
            parts.append(box(across(base), y, wide, ROW - 8, _filled(place), hint))
            base += value
    parts.append(text("seconds a round", (across.start + across.end) / 2, bottom + 36, "middle"))
    return drawing(title, left + WIDTH - LEFT + 40, bottom + 46, parts)


def _phase_legend(kinds: Sequence[str], left: float) -> str:
    slots = [left + 90 * place for place in range(len(kinds))]
    return "".join(
        box(x, 6, 12, 12, _filled(place)) + text(kind, x + 18, 16)
        for place, (x, kind) in enumerate(zip(slots, kinds, strict=True))
    )
