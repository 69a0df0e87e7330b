"""Stacked bars: the weights of candidates, and the time of each phase."""

from collections.abc import Mapping, Sequence

from autoal.palette import COLOURS, colour, places
from autoal.report.svg import Figure, Scale, box, drawing, line, name, text, width_of

WIDTH, HEIGHT = 580, 320
LEFT, TOP, BOTTOM = 60, 16, 44
ROW = 26  # height of a horizontal bar
LINE = 18  # height of a legend's line


def mixing_weights(title: str, weights: Mapping[str, Sequence[float]]) -> Figure:
    """The mean weight of each candidate in each query, stacked; names in the order of the stack."""
    inks = places(weights)
    rounds = len(next(iter(weights.values())))
    height = max(HEIGHT, LINE * len(weights) + 60)
    across, up = Scale(1, rounds, LEFT, WIDTH), Scale(0, 1, height - BOTTOM, TOP)
    slot = (across.end - across.start) / rounds
    parts = [_round_axes(across, up, slot, rounds)]
    for number in range(rounds):
        base = 0.0
        for own, by_round in weights.items():
            weight = by_round[number]
            told = f"round {number + 1}, {own}: {weight:.3f}"
            x, y = across.start + slot * (number + 0.08), up(base + weight)
            parts.append(box(x, y, slot * 0.84, up(base) - y, _filled(inks[own]), told))
            base += weight
    for place, own in enumerate([*weights][::-1]):  # the last one is on top
        y = TOP + LINE * place
        parts.append(box(WIDTH + 16, y, 12, 12, _filled(inks[own])) + name(own, WIDTH + 34, y + 10))
    return drawing(title, WIDTH + 44 + width_of(weights), height, parts)


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
    """When the colours are used up, paler ones."""
    return f"fill:{colour(place)};opacity:{1 - 0.3 * (place // COLOURS % 3):.1f}"


def phases(title: str, seconds: Mapping[str, Mapping[str, float]]) -> Figure:
    """Seconds of a round by phase, stacked; one bar per contender."""
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
    for row, own in enumerate(names):
        y, base = 36 + ROW * row, 0.0
        parts.append(name(own, left - 8, y + 14, "end"))
        for place, kind in enumerate(kinds):
            value = seconds[own][kind]
            wide = across(base + value) - across(base)
            told = f"{own}, {kind}: {value:.3g} s"
            parts.append(box(across(base), y, wide, ROW - 8, _filled(place), told))
            base += value
    parts.append(text("seconds a round", (across.start + across.end) / 2, bottom + 36, "middle"))
    return drawing(title, left + WIDTH - LEFT + 40, bottom + 46, parts)


def _phase_legend(kinds: Sequence[str], left: float) -> str:
    slots = [left + 90 * place for place in range(len(kinds))]
    return "".join(
        box(x, 6, 12, 12, _filled(place)) + text(kind, x + 18, 16)
        for place, (x, kind) in enumerate(zip(slots, kinds, strict=True))
    )
