"""Your own texts: files with one or several columns of texts, and one of labels."""

from collections.abc import Mapping, Sequence
from typing import Any

from autoal.bounds import choice, switch
from autoal.bounds import text as demand_text
from autoal.data.classes import class_names
from autoal.data.saved import is_saved, read_saved, saved_parts
from autoal.data.sheet import in_order, is_number
from autoal.data.textfiles import (
    QUOTINGS,
    TextColumns,
    TextFile,
    TextPath,
    columns_given,
    read_texts,
)
from autoal.errors import UserError

from .text_data import TextData

SHOWN = 10  # labels in a message
MANY = 20  # classes; even a small file may have this many


class Texts(TextData):
    """Files in UTF-8: `.csv`, `.tsv` or `.txt`, both divided by tabs, or `.jsonl`.

    In the latter every line is an object. Blanks at the ends of texts are stripped. Instead of a
    file, it takes a folder saved by the library `datasets`.

    Args:
        path: of the training rows; a folder with several parts provides the other rows too, if
            neither `test_path` nor `validation_path` is given.
        text: the columns of the texts, by names or numbers from 0.
        label: the column of the classes.
        quoting: csv: cells with a divider or a quote are quoted; none: a quote is an ordinary
            character; auto: csv only in .csv files.
        header: whether the first line names the columns; null: if `text` or `label` is a name.
        classes: their names, which numeric labels may stand for; null: the labels.
        options: of every `TextData`.
    """

    def __init__(
        self,
        path: str,
        text: list[str | int],
        label: str | int = "label",
        quoting: str = "auto",
        header: bool | None = None,
        classes: list[str | int] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(path, **options)
        demand_text("path", path)
        choice("quoting", quoting, QUOTINGS)
        switch("header", header, optional=True)
        self.columns = TextColumns(columns_given(text), label, header, quoting)
        self.given = None if classes is None else class_names(classes)

    def sources(self) -> dict[str, TextPath]:
        """The named files, or the parts of a folder with several."""
        own = super().sources()
        parts = saved_parts(own["train"])
        return {**own, "train": parts["train"]} if parts and len(own) > 1 else {**own, **parts}

    def read(self, part: str, path: TextPath) -> TextFile:
        return read_saved(path, self.columns) if is_saved(path) else read_texts(path, self.columns)

    def named(self, train: TextFile) -> tuple[Sequence[str], Mapping[str, str]]:
        labels = in_order({str(label) for label in train.labels})
        if len(labels) < 2:
            raise UserError(f"{train.path} has a single class, {labels[0]!r}; two are needed")
        if self.given is None:
            _demand_names(train, labels)
            return labels, {}
        if set(labels) <= set(self.given):
            return self.given, {}
        if len(labels) != len(self.given) or not all(map(is_number, labels)):
            raise UserError(
                f"data.classes names {', '.join(self.given)}, and {train.path} has the labels "
                f"{', '.join(labels[:SHOWN])}: use these, or as many numbers as names"
            )
        return self.given, dict(zip(labels, self.given, strict=True))


def _demand_names(file: TextFile, labels: Sequence[str]) -> None:
    """Refuse labels that do not look like classes."""
    if len(labels) > max(MANY, len(file.labels) / 2):
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
