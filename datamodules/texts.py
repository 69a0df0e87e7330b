"""Texts of one's own: files with a column of texts, or several, and one of labels."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from autoal import Data
from autoal.bounds import choice, number, switch
from autoal.bounds import text as demand_text
from autoal.data.classes import class_names
from autoal.data.contract import Loaded
from autoal.data.imbalance import stratified
from autoal.data.reader import Reader, TextReader
from autoal.data.rows import Rows
from autoal.data.sheet import in_order, is_number
from autoal.data.textfiles import (
    QUOTINGS,
    TextColumns,
    TextFile,
    TextPath,
    demand_words,
    read_texts,
)
from autoal.data.texts import text_rows
from autoal.errors import UserError

from .npz import split
from .source import numbers_of

TEST_SHARE = 0.2  # of every class, where the test has no file
SHOWN = 10  # labels in a message


class Texts(Data):
    """Rows of one text or several; an encoder makes numbers of them.

    Files are in UTF-8: `.csv`, `.tsv` or `.txt` (both divided by tabs), or `.jsonl`, an object a
    line. Blanks at the ends of texts are left out. Copies within the pool, and test rows that stand
    in it, are told and stay.

    Args:
        path: of the training rows.
        text: the columns of the texts, by their names or their numbers from 0.
        label: that of the classes.
        test_path: of the test rows; null takes a fifth of each class of `path`.
        validation_path: of rows for validation; null: there are none of their own.
        quoting: csv: cells with a divider or a quote stand in quotes; none: a quote is a character;
            auto: csv in a file .csv alone.
        header: whether the first line names the columns; null: if `text` or `label` gives a name.
        classes: their names; labels that are numbers stand for them in order; null: the labels.
        share: of the training rows, drawn from every class, to study small pools.
        imbalance: none, long_tail or step; thins the training rows, as for any `Data`.
        imbalance_ratio: of the largest class to the smallest.
        validation: labelled rows to hold out, drawn from those of `validation_path` or, without it,
            from the training rows; null is all of `validation_path`.
        split_seed: which rows are in which part.
        batch_size: of the two dataloaders.
    """

    def __init__(
        self,
        path: str,
        text: Sequence[str | int],
        label: str | int = "label",
        test_path: str | None = None,
        validation_path: str | None = None,
        quoting: str = "auto",
        header: bool | None = None,
        classes: list[str | int] | None = None,
        share: float = 1.0,
        *,
        imbalance: str = "none",
        imbalance_ratio: float = 10.0,
        validation: int | None = None,
        split_seed: int = 0,
        batch_size: int = 128,
    ) -> None:
        super().__init__(
            imbalance=imbalance,
            imbalance_ratio=imbalance_ratio,
            validation=validation,
            split_seed=split_seed,
            batch_size=batch_size,
        )
        paths = {"path": path, "test_path": test_path, "validation_path": validation_path}
        for name, given in paths.items():
            demand_text(name, given, optional=name != "path")
        choice("quoting", quoting, QUOTINGS)
        switch("header", header, optional=True)
        number("share", share, above=0, most=1)
        if isinstance(text, str) or not text:
            raise ValueError(f"`text` must be a list of columns, as [body], got {text!r}")
        self.paths = dict(zip(("train", "test", "validation"), paths.values(), strict=True))
        self.columns = TextColumns(tuple(text), label, header, quoting)
        self.given = None if classes is None else class_names(classes)
        self.share = share

    def load(self) -> Loaded:
        files = {part: self.read(path) for part, path in self.sources().items()}
        for file in files.values():
            _demand_labels(file)
        self._called = files["train"].columns
        self.classes, numbered = self.named(files["train"])
        parts = {part: self._rows(part, file, numbered) for part, file in files.items()}
        if "test" not in parts:
            parts["train"], parts["test"] = split(parts["train"], TEST_SHARE, self.split_seed)
        if not len(parts["test"]):
            raise UserError(f"{self.paths['train']} has too few rows: none is left to test")
        return Loaded(**{**parts, "train": self._some(parts["train"])})

    def sources(self) -> Mapping[str, TextPath]:
        """The file of each part that has one."""
        return {
            part: Path(path).expanduser() for part, path in self.paths.items() if path is not None
        }

    def read(self, path: TextPath) -> TextFile:
        """The texts and labels of a file."""
        return read_texts(path, self.columns)

    def named(self, train: TextFile) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """The names of the classes, and for which of them other labels stand."""
        labels = in_order({str(label) for label in train.labels})
        if len(labels) < 2:
            raise UserError(f"{train.path} has a single class, {labels[0]!r}; two are needed")
        if self.given is None:
            _demand_names(train, labels)
            return tuple(labels), {}
        if set(labels) <= set(self.given):
            return self.given, {}
        if len(labels) != len(self.given) or not all(map(is_number, labels)):
            raise UserError(
                f"data.classes names {', '.join(self.given)}, and {train.path} has the labels "
                f"{', '.join(labels[:SHOWN])}: numbers would do, as many as names"
            )
        return self.given, dict(zip(labels, self.given, strict=True))

    def ready(self, parts: Loaded) -> Loaded:
        """As they are; copies are told of."""
        _tell_copies(parts)
        return parts

    def reader(self) -> Reader:
        return TextReader(self._called, self.columns)

    def _rows(self, part: str, file: TextFile, numbered: Mapping[str, str]) -> Rows:
        demand_words(file)
        labels = [numbered.get(str(label), label) for label in file.labels]
        known = numbers_of(labels, file.names, self.classes)
        return text_rows(file.texts, self._called, known, names=file.names, part=part)

    def _some(self, train: Rows) -> Rows:
        """The share of the training rows that is asked for."""
        if self.share == 1:
            return train
        kept = train.take(stratified(train.labels, self.share, self.split_seed))
        print(
            f"data.share={self.share:g}: {len(kept):,} of {len(train):,} training rows, drawn by "
            f"data.split_seed={self.split_seed}; every class keeps one at least",
            file=sys.stderr,
        )
        return kept


def _demand_labels(file: TextFile) -> None:
    """Refuse rows without a label."""
    lacking = [line for line, label in zip(file.lines, file.labels, strict=True) if label is None]
    if lacking:
        more = f", and {len(lacking) - 1:,} more have none" if len(lacking) > 1 else ""
        raise UserError(
            f"{file.path}, line {lacking[0]} has no label{more}; data=unlabelled takes such rows"
        )


def _demand_names(file: TextFile, labels: Sequence[str]) -> None:
    """Refuse labels that look like no classes."""
    if len(labels) > len(file.labels) / 2:
        raise UserError(
            f"{file.path} has {len(labels):,} classes in {len(file.labels):,} rows; "
            "data.label= names the column of the labels"
        )
    numbers = [label for label in labels if is_number(label)]
    if 0 < len(numbers) < len(labels):
        name = next(label for label in labels if label not in numbers)
        lines = [file.lines[file.labels.index(label)] for label in (numbers[0], name)]
        raise UserError(
            f"{file.path} has numbers and names for labels, {numbers[0]!r} on line {lines[0]} and "
            f"{name!r} on line {lines[1]}: if these are classes, data.classes= names them"
        )


def _tell_copies(parts: Loaded) -> None:
    """Count the rows of the pool with the texts of another, and the test rows that stand there."""
    first: dict[bytes, int] = {}
    places = [first.setdefault(key, place) for place, key in enumerate(_contents(parts.train))]
    copies = [(place, other) for place, other in enumerate(places) if place != other]
    if copies:
        _tell("rows of the pool have the texts of another", parts.train, parts.train, copies)
    if parts.test is not None:
        found = enumerate(map(first.get, _contents(parts.test)))
        both = [(place, other) for place, other in found if other is not None]
        if both:
            _tell("test rows stand in the pool too", parts.test, parts.train, both)


def _contents(rows: Rows) -> list[bytes]:
    """What is written in each row, in short."""
    return [row.tobytes() for row in rows.inputs.numpy()]


def _tell(what: str, rows: Rows, pool: Rows, pairs: Sequence[tuple[int, int]]) -> None:
    place, other = pairs[0]
    assert rows.names is not None
    assert pool.names is not None
    print(
        f"{len(pairs):,} {what}, such as {rows.names[place]} ({pool.names[other]}); they stay",
        file=sys.stderr,
    )
