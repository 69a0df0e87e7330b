"""Mean ranks as a figure."""

from math import inf

from autoal.palette import colour, places
from autoal.report.comparisons import Ranking
from autoal.report.statistics import cliques
from autoal.report.svg import Figure, Scale, drawing, line, name, path, text, width_of

RANK = 40  # from one side of a mean rank to the name beside it


def critical_difference(title: str, found: Ranking) -> Figure:
    """Mean ranks on a line; a bar joins those that are not shown to differ (Demsar, 2006).

    There is no bar if there are too few ranks to show anything.
    """
    side = width_of(found.names) + 70
    across = Scale(1, len(found.names), side, side + 420)
    apart = found.critical if found.decided else inf
    groups = cliques(found.means, apart) if found.enough else []
    top = 60
    first_name = top + 16 + 9 * len(groups)
    half = (len(found.names) + 1) // 2
    parts = [_rank_axis(across, top)]
    parts += [_critical_bar(across, found.critical)] if found.decided else []
    for row, (first, last) in enumerate(groups):
        y = top + 12 + 9 * row
        x1, x2 = across(found.means[first]) - 4, across(found.means[last]) + 4
        parts.append(line(x1, y, x2, y, "clique"))
    inks = places(found.names)
    for place, (own, mean) in enumerate(found.by_name.items()):
        row = place if place < half else len(found.names) - 1 - place
        end = across.start - 12 if place < half else across.end + 12
        y = first_name + 20 * (row + 1)
        stem = [(across(mean), top), (across(mean), y), (end, y)]
        parts.append(path(stem, "stroke:currentColor;stroke-width:1"))
        parts.append(_label(own, mean, end, y, colour(inks[own]), place < half))
    return drawing(title, 2 * side + 420, first_name + 20 * half + 20, parts)


def _rank_axis(across: Scale, y: float) -> str:
    ticks = [tick for tick in across.ticks(8) if tick == int(tick)]
    return line(across.start, y, across.end, y, "axis") + "".join(
        line(across(tick), y - 5, across(tick), y, "axis")
        + text(f"{tick:g}", across(tick), y - 9, "middle")
        for tick in ticks
    )


def _critical_bar(across: Scale, difference: float) -> str:
    """The length of the critical difference, cut to the line of ranks."""
    end = min(across(across.low + difference), across.end)
    return line(across.start, 24, end, 24, "clique") + text(
        f"critical difference {difference:.2f}", across.start, 16
    )


def _label(own: str, mean: float, x: float, y: float, ink: str, left: bool) -> str:
    """A name and its mean rank, to the left or right of a stem's end."""
    away, anchor = (-1, "end") if left else (1, "start")
    style = f"fill:{ink}"
    rank = text(f"{mean:.2f}", x + 4 * away, y + 4, anchor, style)
    return rank + name(own, x + (4 + RANK) * away, y + 4, anchor, style)
