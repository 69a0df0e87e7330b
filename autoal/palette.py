"""Which colour and dashes a strategy is drawn with: the same ones everywhere."""

from collections.abc import Iterable
from itertools import count
from zlib import crc32

COLOURS = 8  # that the style sheets have
DASHES = ("", "7 3", "2 3", "9 3 2 3", "14 4", "9 3 2 3 2 3")  # tell apart what shares a colour
GREY = 6  # the colour of what others are held against

# Those that meet most often have a colour of their own, and the upper reference is grey as random.
_OWN = {
    **{"autoal": 0, "margin": 1, "uherding": 2, "badge": 3, "entropy": 4, "typiclust": 5},
    **{"random": GREY, "coreset": 7, "cheating_oracle": GREY + COLOURS},
}
_OTHERS = tuple(place for place in range(COLOURS) if place != GREY)


def places(names: Iterable[str]) -> dict[str, int]:
    """A place for each name, of which a colour and dashes follow; no two have the same.

    A strategy always has its own colour, whoever is beside it; what shares one, as variants with
    other options do, gets other dashes.
    """
    found: dict[str, int] = {}
    for name in sorted(set(names), key=lambda name: (name not in _OWN, name)):
        taken = set(found.values())
        found[name] = next(place for place in count(_own(name), COLOURS) if place not in taken)
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
