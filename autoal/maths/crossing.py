"""Where a number that rises with another is nothing, in as few looks as can be."""

from __future__ import annotations

from collections.abc import Callable

STRIDE = 2.0  # at most, in one step
CLOSE = 0.05  # what a place has to itself: two that are nearer are one
LOOKS = 30  # at most, as each may cost much


def look_for_crossing(
    function: Callable[[float], float],
    start: float,
    limits: tuple[float, float],
    *,
    near: float,
    rise: float,
) -> None:
    """Look at ever better places, by secants that stay between what is too low and too high.

    Ends at what is near nothing, or at a limit beyond which a crossing would be.

    Args:
        function: of a place; negative where a crossing is higher up.
        start: the first place, within the limits.
        limits: of places.
        near: how far from 0 is near enough.
        rise: for each unit of a place, as long as looks do not tell.
    """
    low, high = limits
    seen: dict[float, float] = {}
    place, steep = start, rise
    for _ in range(LOOKS):
        value = function(place)
        low, high = (place, high) if value < 0 else (low, place)
        if not abs(value) >= near or high - low < CLOSE:  # or no number
            return
        if seen:
            where, other = list(seen.items())[-1]
            steep = max((value - other) / (place - where), 0.0)
        seen[place] = value
        stride = min(abs(value) / steep, STRIDE) if steep else STRIDE
        place = min(place + stride, high) if value < 0 else max(place - stride, low)
        if place in seen:
            place = (low + high) / 2
