"""The rows of a data set of any kind: pictures, texts, tables, features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from autoal.data.lazy import blocks, each_ahead, held

LOOKED_AT = 1000  # rows, evenly spread, whose inputs go into a fingerprint
NAMED = 1 << 16  # rows whose names are in memory at a time
UNKNOWN = -1  # the label of a row of unknown class

Shape = tuple[int, ...]  # of one row; of an image: channels, height, width

# What a person sees of rows: pictures (n, channels, height, width) uint8, or, for each row, the
# Path of its picture, a mapping from columns to cells, or a text.
Shown = Tensor | Sequence[Any]


@dataclass(frozen=True, eq=False)
class Rows:
    """Each row's input for a model, its class, and what a person sees of it."""

    inputs: Tensor  # (n, ...) of any type, in RAM, on a device, mapped from a file or lazy
    labels: Tensor  # (n,) long; or UNKNOWN
    shown: Shown | None = None  # (n, ...); None: there is nothing to look at
    names: Sequence[str] | None = None  # file names, or other names for people
    keys: Sequence[str] | None = None  # of their contents: identify rows permanently
    part: str = "train"  # of the data set as it was loaded
    places: Tensor | None = None  # in that part; None: all of it, in order
    whole: int = -1  # rows of that part; -1: as many as there are here
    # (n, classes): for a labelled row the probability of each class; for an unlabelled one its
    # weight (1 in a pool) for each class it may still have, all 0 if nothing is known. None: only
    # labels are known.
    beliefs: Tensor | None = None

    def __post_init__(self) -> None:
        if self.whole < 0:
            object.__setattr__(self, "whole", len(self))  # as frozen data classes do it

    @classmethod
    def of(cls, inputs: Tensor) -> Rows:
        """Rows with only their inputs known."""
        return cls(inputs, torch.full((len(inputs),), UNKNOWN))

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def shape(self) -> Shape:
        """The shape of one row's input."""
        return tuple(self.inputs.shape[1:])

    def take(self, rows: Tensor) -> Rows:
        """Some of them, by row numbers or by a mask."""
        numbers = rows.nonzero().flatten() if rows.dtype == torch.bool else rows
        inputs = self.inputs[numbers.to(self.inputs.device)]
        return replace(
            self,
            inputs=inputs,
            labels=self.labels[numbers],
            shown=inputs if self.shown is self.inputs else chosen(self.shown, numbers),
            names=chosen(self.names, numbers),
            keys=chosen(self.keys, numbers),
            places=self._places()[numbers],
            beliefs=chosen(self.beliefs, numbers),
        )

    def blocks(self, rows: Tensor, size: int) -> Iterator[Tensor]:
        """The inputs of these row numbers, this many at a time."""
        return blocks(self.inputs, rows.split(size))

    def pieces(self, size: int) -> Iterator[Rows]:
        """All rows in order, this many at a time, with inputs in memory."""
        return each_ahead(self._piece, torch.arange(len(self)).split(size), self.inputs)

    def joined(self, more: Rows) -> Rows:
        """These rows and, after them, others of the same kind."""
        if (self.shape, self.inputs.dtype) != (more.shape, more.inputs.dtype):
            raise ValueError(
                f"rows of {more.inputs.dtype} {more.shape} cannot join rows of "
                f"{self.inputs.dtype} {self.shape}"
            )
        beyond = torch.arange(self.whole, self.whole + len(more))  # beyond that part
        more = replace(more, part=self.part, places=beyond)
        return replace(
            self,
            inputs=torch.cat([self.inputs, more.inputs.to(self.inputs.device)]),
            labels=torch.cat([self.labels, more.labels]),
            shown=_joined(self.shown, more.shown),
            names=self._names_with(more),
            keys=_joined(self.keys, more.keys),
            places=torch.cat([self._places(), beyond]),
            whole=self.whole + len(more),
            beliefs=self._beliefs_with(more),
        )

    def named(self, rows: Tensor) -> list[str]:
        """The names of these rows for people, or else their places in the part."""
        if self.names is not None:
            return [str(name) for name in chosen(self.names, rows)]
        places = rows if self.places is None else self.places[rows]
        return [f"{self.part}[{place}]" for place in places.tolist()]

    def fingerprint(self) -> str:
        """A fingerprint of these rows: their number, their names, the inputs of some."""
        count = len(self)
        some = torch.linspace(0, max(0, count - 1), min(count, LOOKED_AT)).long().unique()
        digest = sha256(repr((count, self.shape, self.inputs.dtype)).encode())
        for part in torch.arange(count).split(NAMED):
            digest.update(b"\n" * bool(part[0]))  # between the parts as between their names
            digest.update("\n".join(self.named(part)).encode(errors="replace"))
        read = self.inputs[some.to(self.inputs.device)].cpu().contiguous()
        digest.update(read.flatten().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def with_labels(self, rows: Tensor, labels: Tensor) -> Rows:
        """The same rows, with some labels added."""
        known = self.labels.clone()
        known[rows] = labels
        beliefs = self.beliefs
        if beliefs is not None:
            beliefs = beliefs.index_copy(0, rows, _sure(labels, beliefs.shape[1]))
        return replace(self, labels=known, beliefs=beliefs)

    def without_labels(self) -> Rows:
        """The same rows without labels."""
        return replace(self, labels=torch.full_like(self.labels, UNKNOWN), beliefs=None)

    def believed(self, classes: int) -> Tensor:
        """The beliefs, (n, classes); by default those implied by the labels."""
        return _sure(self.labels, classes) if self.beliefs is None else self.beliefs

    def possible(self, rows: Tensor) -> Tensor | None:
        """True for the classes that these rows may still have, (rows, classes); None: any.

        Beliefs of a row with a label say how likely each class is, and rule none out.
        """
        if self.beliefs is None:
            return None
        beliefs = self.beliefs[rows]
        told = beliefs.any(1) & (self.labels[rows] == UNKNOWN)
        return (beliefs > 0) | ~told[:, None]

    def _piece(self, rows: Tensor) -> Rows:
        piece = self.take(rows)
        return replace(piece, inputs=held(piece.inputs))

    def _names_with(self, more: Rows) -> Sequence[str] | None:
        if self.names is None and more.names is None:
            return None
        both = (self, more)
        return [name for rows in both for name in rows.named(torch.arange(len(rows)))]

    def _beliefs_with(self, more: Rows) -> Tensor | None:
        if self.beliefs is None:
            return None
        return torch.cat([self.beliefs, more.believed(self.beliefs.shape[1])])

    def _places(self) -> Tensor:
        return torch.arange(len(self)) if self.places is None else self.places


def chosen(sequence: Any, rows: Tensor) -> Any:
    """The items at these places of a tensor or other sequence; None stays None."""
    if sequence is None:
        return None
    if isinstance(sequence, Tensor):
        return sequence[rows.to(sequence.device)]
    return [sequence[row] for row in rows.tolist()]


def _sure(labels: Tensor, classes: int) -> Tensor:
    """The beliefs implied by labels, (n, classes); all 0 without a label."""
    known = labels != UNKNOWN
    return one_hot(labels.clamp(min=0), classes).double() * known[:, None]


def _joined(first: Any, second: Any) -> Any:
    """Both joined; None if one of them is missing."""
    if first is None or second is None:
        return None
    if isinstance(first, Tensor):
        return torch.cat([first, second])
    return [*first, *second]
