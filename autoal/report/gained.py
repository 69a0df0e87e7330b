"""The gains of contenders over one of them, by setting and over all, as a figure."""

from collections.abc import Sequence

from autoal.palette import colour, places
from autoal.report.across import Overall
from autoal.report.statistics import Interval
from autoal.report.svg import (
    Figure,
    Scale,
    drawing,
    element,
    hint,
    line,
    name,
    path,
    text,
    width_of,
)

ROW = 24
WIDTH = 580
TOP = 30  # position of the first row


def gained(title: str, found: Sequence[Overall], what: str) -> Figure | None:
    """One row per contender: a ring for each setting, and the mean with its intervals; or nothing.

    The thick line is the 95 % interval for further seeds of these settings, the thin one that for
    further settings.

    Args:
        title: of the figure.
        found: contenders minus the same other one, in their order.
        what: stands along the axis.
    """
    if not found:
        return None
    left = width_of(overall.first for overall in found) + 16
    values = [value for overall in found for value in _shown(overall)]
    across = Scale(min(0.0, *values), max(0.0, *values), left, left + WIDTH)
    bottom = TOP + ROW * len(found)
    parts = [
        line(across(tick), TOP - 12, across(tick), bottom, "axis" if tick == 0 else "grid")
        + text(f"{tick:g}", across(tick), bottom + 16, "middle")
        for tick in across.ticks()
    ]
    inks = places(overall.first for overall in found)
    parts += [
        _row(overall, across, TOP + ROW * place, colour(inks[overall.first]))
        for place, overall in enumerate(found)
    ]
    parts.append(text(what, left + WIDTH / 2, bottom + 36, "middle"))
    return drawing(title, left + WIDTH + 20, bottom + 46, parts)


def _shown(overall: Overall) -> list[float]:
    """All values that the axis must cover."""
    gains = overall.gains
    intervals = (gains.over_further_settings, gains.over_further_seeds)
    return [*gains.means.tolist(), *(end for interval in intervals for end in interval or ())]


def _row(overall: Overall, across: Scale, y: float, ink: str) -> str:
    gains, mean = overall.gains, overall.gains.mean
    assert mean is not None  # contenders without a pair are not compared
    rings = [
        _spot(across(gain.mean), y, "fill:none;stroke:var(--quiet);opacity:.5", 3, own, gain.mean)
        for own, gain in gains.by_setting.items()
    ]
    return "".join(
        [
            name(overall.first, across.start - 12, y + 4, "end"),
            *rings,
            _reach(gains.over_further_settings, across, y, f"stroke:{ink};stroke-width:1.5"),
            _reach(gains.over_further_seeds, across, y, f"stroke:{ink};stroke-width:5"),
            _spot(across(mean), y, f"fill:{ink};stroke:var(--paper)", 5, overall.first, mean),
        ]
    )


def _spot(x: float, y: float, style: str, radius: float, own: str, value: float) -> str:
    return element("circle", hint(f"{own}: {value:+.4f}"), cx=x, cy=y, r=radius, style=style)


def _reach(interval: Interval | None, across: Scale, y: float, style: str) -> str:
    return path([(across(end), y) for end in interval], style) if interval else ""
