"""The zero of a rising function, in as few evaluations as possible."""

from __future__ import annotations

from collections.abc import Callable

STRIDE = 2.0  # longest step
CLOSE = 0.05  # distance below which two places count as one
LOOKS = 30  # most evaluations, as each may be expensive


def look_for_crossing(
    function: Callable[[float], float],
    start: float,
    limits: tuple[float, float],
    *,
    near: float,
    rise: float,
) -> None:
    """Evaluate ever better places, by secants kept between too low and too high ones.

    Ends near zero, or at a limit beyond which the crossing would be.

    Args:
        function: of a place; negative where a crossing is higher up.
        start: the first place, within the limits.
        limits: of places.
        near: how far from 0 is near enough.
        rise: assumed slope, as long as evaluations do not show it.
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
