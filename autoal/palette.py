"""The colour and dashes of a strategy, which are the same everywhere."""

from collections.abc import Iterable
from itertools import count
from zlib import crc32

# By place: on light and, in style sheets, on dark.
LIGHT = ("#0b6bb0", "#c2520c", "#147d54", "#8741a8", "#8a6a00", "#c22260", "#566170", "#0f7f8c")
DARK = ("#5cb2f2", "#ff9650", "#45c992", "#cf9cf0", "#e0c04a", "#ff86ad", "#b3bec9", "#52cfdb")
COLOURS = len(LIGHT)
DASHES = ("", "7 3", "2 3", "9 3 2 3", "14 4", "9 3 2 3 2 3")  # for one colour
GREY = 6  # the colour of references

# Strategies that often meet have their own colours; random and the upper reference are grey.
_OWN = {
    **{"autoal": 0, "margin": 1, "uherding": 2, "badge": 3, "entropy": 4, "typiclust": 5},
    **{"random": GREY, "coreset": 7, "cheating_oracle": GREY + COLOURS},
}
_OTHERS = tuple(place for place in range(COLOURS) if place != GREY)


def places(names: Iterable[str]) -> dict[str, int]:
    """A distinct place for each name, which determines its colour and dashes.

    A strategy always has its own colour, whatever else is drawn. Strategies that share a colour,
    such as variants with other options, differ in their dashes.
    """
    found: dict[str, int] = {}
    for name in sorted(set(names), key=lambda name: (name not in _OWN, name)):
        taken = set(found.values())
        found[name] = next(place for place in count(_own(name), COLOURS) if place not in taken)
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


def ink(name: str) -> str:
    """The colour of a strategy on light, for drawings without style sheets."""
    return LIGHT[_own(name) % COLOURS]


def variables(colours: Iterable[str]) -> str:
    """The definitions of these colours for a style sheet."""
    return " ".join(f"--c{place}: {colour};" for place, colour in enumerate(colours))
