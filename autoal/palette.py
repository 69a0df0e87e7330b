"""The colour and dashes of a strategy, which are the same everywhere."""

from collections.abc import Iterable
from itertools import chain, count
from zlib import crc32

COLOURS = 8  # colours in the style sheets
DASHES = ("", "7 3", "2 3", "9 3 2 3")  # distinguish strategies of one colour
GREY = 6  # the colour of references

# Strategies that often meet have their own colours; random and the upper reference are grey.
_OWN = {
    **{"autoal": 0, "margin": 1, "uherding": 2, "badge": 3, "entropy": 4, "typiclust": 5},
    **{"random": GREY, "coreset": 7, "cheating_oracle": GREY + COLOURS},
}
_OTHERS = tuple(place for place in range(COLOURS) if place != GREY)


def places(names: Iterable[str]) -> dict[str, int]:
    """A distinct place for each name, which determines its colour and dashes.

    A strategy gets its own place if that is free, or else the next one of its colour, as its
    variants with other options do.
    """
    found: dict[str, int] = {}
    for name in sorted(set(names), key=lambda name: (name not in _OWN, name)):
        own, every = _own(name), COLOURS * len(DASHES)
        wanted = chain(range(own, every, COLOURS), range(every), count(every))
        found[name] = next(place for place in wanted if place not in found.values())
    return found


def _own(name: str) -> int:
    """The place of a strategy, whatever its options; the letters of an unknown one determine it."""
    strategy = name.partition(" (")[0].partition(", ")[0]
    return _OWN.get(strategy, _OTHERS[crc32(strategy.encode()) % len(_OTHERS)])


def dash(place: int) -> str:
    """The dashes of a place; places of one colour differ."""
    return DASHES[place // COLOURS % len(DASHES)]


def colour(place: int) -> str:
    """The colour of a place, by its name in style sheets."""
    return f"var(--c{place % COLOURS})"
