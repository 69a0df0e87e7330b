"""Which colour and dashes a strategy is drawn with: the same ones everywhere."""

from collections.abc import Iterable
from itertools import chain, count
from zlib import crc32

# By place: on light and, in style sheets, on dark.
LIGHT = ("#0b6bb0", "#c2520c", "#147d54", "#8741a8", "#8a6a00", "#c22260", "#566170", "#0f7f8c")
DARK = ("#5cb2f2", "#ff9650", "#45c992", "#cf9cf0", "#e0c04a", "#ff86ad", "#b3bec9", "#52cfdb")
COLOURS = len(LIGHT)
DASHES = ("", "7 3", "2 3", "9 3 2 3")  # tell apart what shares a colour
GREY = 6  # the colour of what others are held against

# Those that meet most often have a colour of their own, and the upper reference is grey as random.
_OWN = {
    **{"autoal": 0, "margin": 1, "uherding": 2, "badge": 3, "entropy": 4, "typiclust": 5},
    **{"random": GREY, "coreset": 7, "cheating_oracle": GREY + COLOURS},
}
_OTHERS = tuple(place for place in range(COLOURS) if place != GREY)


def places(names: Iterable[str]) -> dict[str, int]:
    """A place for each name, of which a colour and dashes follow; no two have the same.

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
    """The place of a strategy, whatever its options; of an unknown one, by its letters."""
    strategy = name.partition(" (")[0].partition(", ")[0]
    return _OWN.get(strategy, _OTHERS[crc32(strategy.encode()) % len(_OTHERS)])


def dash(place: int) -> str:
    """The dashes of a place; those of one colour differ."""
    return DASHES[place // COLOURS % len(DASHES)]


def colour(place: int) -> str:
    """The colour of a place, as style sheets call it."""
    return f"var(--c{place % COLOURS})"


def ink(name: str) -> str:
    """The colour of a strategy on light, for what has neither style sheets nor dashes."""
    return LIGHT[_own(name) % COLOURS]


def variables(colours: Iterable[str]) -> str:
    """These colours, one a place, as style sheets define them."""
    return " ".join(f"--c{place}: {colour};" for place, colour in enumerate(colours))
