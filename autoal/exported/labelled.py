"""All labels of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from autoal.data.contract import Data
from autoal.data.pictures import is_picture
from autoal.data.rows import Rows, Shown
from autoal.data.seen import Seen, seen, texts_in
from autoal.errors import UserError
from autoal.people.events import Event
from autoal.record.round import Round

VALIDATION, TRAIN, CHECK = "validation", "train", "check"  # the uses of labels
DATA = "data"  # the source of labels that came with the data


@dataclass(frozen=True)
class Label:
    """The label of one row."""

    row: int | None  # number in the pool; None for a held-out row
    name: str
    label: str
    round: int
    source: str  # who answered
    use: str = TRAIN
    at: str = ""  # when people answered
    seconds: float | None = None  # how long it took them
    probability: float | None = None  # of the label, by the final model
    made: bool = False  # by the computer; the row is not from the data set
    texts: Mapping[str, str] = field(default_factory=dict)  # of the row, by column


class Labelled:
    """The labelled rows: held-out ones first, then in the order of labelling.

    Args:
        data: the data set.
        history: the finished rounds.
        said: the event that gave each row its label, if people labelled.
        real: how many training rows are the data set's own; None: all.
    """

    def __init__(
        self,
        data: Data,
        history: Sequence[Round],
        said: Mapping[int, Event] | None = None,
        real: int | None = None,
    ) -> None:
        told = _final(history, _numbered(said or {}, data.classes))
        _demand_among(data, told)
        held_out = data.validation
        given = torch.tensor([each.label for each in told], dtype=torch.long)
        self.classes = data.classes
        self.numbers = torch.tensor([each.row for each in told], dtype=torch.long)
        self.numbered = given if held_out is None else torch.cat([held_out.labels, given])
        self.rows = self.of(data)
        self.real = len(data.train) if real is None else real
        labels = [*_held_out(held_out, data.classes), *_told_of(data, told, said or {})]
        shown = [each for rows in self.rows for each in _shown(rows)]
        self.labels = [
            replace(label, texts=texts_in(each), made=self.is_made(label.row))
            for label, each in zip(labels, shown, strict=True)
        ]

    def is_made(self, row: int | None) -> bool:
        """Whether a row is not from the data set."""
        return row is not None and row >= self.real

    def of(self, data: Data) -> list[Rows]:
        """The same rows from another form of the data set."""
        asked = data.train.take(self.numbers)
        return [asked] if data.validation is None else [data.validation, asked]

    def seen(self) -> list[Seen]:
        """The visible parts of each row."""
        return [each for rows in self.rows for each in seen_of(rows)]

    def files(self, folder: Path | None) -> list[Path | None]:
        """The picture file of each row, if the data set names one inside its folder."""
        names = [name for rows in self.rows for name in rows.named(torch.arange(len(rows)))]
        if folder is None:
            return [None] * len(names)
        return [_picture(folder.resolve(), name) for name in names]

    def with_probabilities(self, probs: Sequence[Tensor]) -> list[Label]:
        """The labels, each with its probability from these, (n, classes) for each part."""
        own = torch.cat([*probs]).gather(1, self.numbered[:, None])[:, 0].tolist()
        pairs = zip(self.labels, own, strict=True)
        return [replace(label, probability=each) for label, each in pairs]


def seen_of(rows: Rows) -> list[Seen]:
    """The visible parts of each of these rows."""
    return [*map(seen, _shown(rows))]


def _shown(rows: Rows) -> Shown | list[None]:
    return [None] * len(rows) if rows.shown is None else rows.shown


def _picture(folder: Path, name: str) -> Path | None:
    """The picture of this name, unless it lies outside the folder, as through `..` or a link."""
    path = (folder / name).resolve()
    inside = path.is_relative_to(folder)
    return path if inside and is_picture(path.name) and path.is_file() else None


class _Told(NamedTuple):
    """The final label of a row."""

    row: int
    label: int
    round: int
    source: str
    use: str = TRAIN


def _numbered(said: Mapping[int, Event], classes: Sequence[str]) -> dict[int, int]:
    """The classes that people gave rows, as numbers."""
    number = {name: place for place, name in enumerate(classes)}
    return {row: number[event.label] for row, event in said.items() if event.label in number}


def _final(history: Sequence[Round], said: dict[int, int]) -> list[_Told]:
    """All labelled rows of the pool, with corrections applied.

    People may have corrected some after the last question, which no round has learnt.
    """
    told = [each for done in history for each in _of_round(done)]
    last = {row: label for done in history for row, label in done.amended.items()} | said
    return [each._replace(label=last.get(each.row, each.label)) for each in told]


def _of_round(done: Round) -> Iterator[_Told]:
    for row, label in done.given.items():
        yield _Told(row, label, done.number, DATA)
    sources = done.sources
    for row, label in zip(done.checked, done.checked_labels, strict=True):
        yield _Told(row, label, done.number, sources[row], CHECK)
    for row, label in zip(done.queried, done.labels, strict=True):
        yield _Told(row, label, done.number, sources[row])


def _demand_among(data: Data, told: Sequence[_Told]) -> None:
    """Refuse rows and classes that the data set does not have."""
    for each in told:
        if each.row >= len(data.train):
            raise UserError(
                f"row {each.row} was labelled, and the data set has only {len(data.train)}: it is "
                "not that of the run"
            )
        if each.label >= len(data.classes):
            raise UserError(
                f"a row was labelled {each.label}, and the data set has only {len(data.classes)} "
                "classes: it is not that of the run"
            )


def _held_out(rows: Rows | None, classes: Sequence[str]) -> Iterator[Label]:
    if rows is not None:
        names = rows.named(torch.arange(len(rows)))
        for name, label in zip(names, rows.labels.tolist(), strict=True):
            yield Label(None, name, classes[label], 0, DATA, VALIDATION)


def _told_of(data: Data, told: Sequence[_Told], said: Mapping[int, Event]) -> Iterator[Label]:
    names = data.train.named(torch.tensor([each.row for each in told], dtype=torch.long))
    for each, name in zip(told, names, strict=True):
        known = Label(each.row, name, data.classes[each.label], each.round, each.source, each.use)
        event = said.get(each.row)
        if event is not None and event.label == known.label:
            known = replace(known, source=event.by, at=event.at, seconds=event.seconds)
        yield known
