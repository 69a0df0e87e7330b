"""Labelled rows as examples for a model that answers in people's place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from autoal.oracles.question import Answers


def examples_among(known: Answers, count: int, turn: int = 0) -> list[int]:
    """The places of labelled rows to use as this many examples, in order.

    Classes take turns, people's labels come first, and of these the earliest: so the examples stay
    the same while more is labelled, and a server rereads the same beginning faster. Labels of a
    single class tell nothing, and give no examples.

    Args:
        known: the labels, in the order in which they came.
        count: how many examples, if there are that many.
        turn: another number gives other examples, if there are others.
    """
    by_class = _by_class(known)
    classes = sorted(by_class)
    if len(classes) < 2:
        return []
    each = -(-count // len(classes))
    return list(_in_turns([_from(by_class[name], turn * each) for name in classes], each))[:count]


def _by_class(known: Answers) -> dict[int, list[int]]:
    """The places of the labels of each class, people's first."""
    found: dict[int, list[int]] = defaultdict(list)
    order = known.by_machine.long().argsort(stable=True)
    for place, label in zip(order.tolist(), known.labels[order].tolist(), strict=True):
        found[label].append(place)
    return found


def _from(places: list[int], first: int) -> list[int]:
    """All of them, rotated to begin further on."""
    first %= len(places)
    return places[first:] + places[:first]


def _in_turns(by_class: list[list[int]], each: int) -> Iterator[int]:
    """This many, from the classes in turn."""
    for number in range(each):
        for places in by_class:
            yield from places[number : number + 1]
