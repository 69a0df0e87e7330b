"""Sources of rows, few of them labelled, from any kind of files."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from autoal.data.contract import Loaded
from autoal.data.reader import Reader
from autoal.data.rows import UNKNOWN, Rows
from autoal.data.sheet import in_order
from autoal.errors import UserError

Labels = Sequence[str | None]  # the class of each; None: unknown


@dataclass(frozen=True, eq=False)
class Items:
    """The items of a source in order; two of them may have the same content."""

    names: Sequence[str]
    keys: Sequence[str]  # of their contents
    labels: Labels
    shown: Sequence[Any] | None  # what a person sees of each; None: the inputs themselves
    inputs: Callable[[Sequence[int]], Tensor]  # of the items at some places

    def distinct(self) -> list[int]:
        """The place of one item for each content: of copies, the first with a label."""
        place: dict[str, int] = {}
        copies = []
        for item, key in enumerate(self.keys):
            first = place.setdefault(key, item)
            if first != item:
                copies.append((item, first))
                self._demand_agreement(first, item)
                if self.labels[first] is None and self.labels[item] is not None:
                    place[key] = item
        if copies:
            copy, other = (self.names[item] for item in copies[0])
            print(
                f"the same content twice, {len(copies):,} times, such as {other} and {copy}: "
                "each is asked about once",
                file=sys.stderr,
            )
        return list(place.values())

    def rows(self, places: Sequence[int], classes: Sequence[str], part: str = "train") -> Rows:
        """The items at these places."""
        names = [self.names[place] for place in places]
        inputs = self.inputs(places)
        return Rows(
            inputs,
            numbers_of([self.labels[place] for place in places], names, classes),
            shown=inputs if self.shown is None else [self.shown[place] for place in places],
            names=names,
            keys=[self.keys[place] for place in places],
            part=part,
        )

    def _demand_agreement(self, first: int, second: int) -> None:
        """Refuse two labels of one content."""
        labels = self.labels[first], self.labels[second]
        if None not in labels and labels[0] != labels[1]:
            raise UserError(
                f"{self.names[first]} and {self.names[second]} have the same content, but the "
                f"labels {labels[0]!r} and {labels[1]!r}: correct one of them, or remove it"
            )


class Source(ABC):
    """Rows to label, from files of one kind."""

    classes: tuple[str, ...]  # the given ones, or those found in labels
    names: Sequence[str]  # of all items, in file order

    @abstractmethod
    def read(self, order: Sequence[int]) -> Items:
        """The items in this order of their names, without unreadable ones."""

    def part(self, name: str) -> Rows | None:
        """The part `test` or `val`, all of whose rows are labelled, if there is one."""
        return None

    def ready(self, parts: Loaded) -> Loaded:
        """The parts in the engine's form."""
        return parts

    @abstractmethod
    def reader(self) -> Reader:
        """A reader of new rows like these, once they are ready."""

    @abstractmethod
    def preprocess(self, inputs: Tensor) -> nn.Module:
        """The module from stored rows to a network's input."""


def told(labels: Labels) -> tuple[str, ...]:
    """The classes found in labels, in order."""
    return tuple(in_order({label for label in labels if label is not None}))


def numbers_of(labels: Labels, names: Sequence[str], classes: Sequence[str]) -> Tensor:
    """The numbers of the classes, (n,) long."""
    place = {name: number for number, name in enumerate(classes)}
    for name, label in zip(names, labels, strict=True):
        if label is not None and label not in place:
            raise UserError(
                f"{name} has the label {label!r}, not one of the classes {', '.join(classes)}"
            )
    return torch.tensor([UNKNOWN if label is None else place[label] for label in labels]).long()
