"""Your own tables: CSV files with a column of labels."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from autoal import Data
from autoal.bounds import switch, text
from autoal.data.classes import class_numbers
from autoal.data.columns import Layout, Scale
from autoal.data.contract import Loaded, Standardise
from autoal.data.reader import Reader, TableReader
from autoal.data.rows import Rows
from autoal.data.sheet import Sheet, in_order, is_missing, read_sheet
from autoal.errors import UserError

from .npz import split

SHARE = 0.2  # of the rows for validation, and again for the test, if these have no file


class Table(Data):
    """Rows of numbers and categories, standardised by the training rows: (n, columns).

    A column of numbers stays one column; any other becomes a column of zeros and ones for each of
    its categories, collected from all rows of all files. The training rows' median replaces a
    missing number; a missing text is a category of its own.

    Args:
        path: of the CSV file.
        validation_path: of the validation rows; null takes a fifth of each class of `path`.
        test_path: of the test rows; null takes another fifth.
        label: the column of the classes, by its name or its number from 0; null is the last.
        header: whether the first line names the columns; null: if it has no number.
        categorical: columns of numbers that are names of categories.
        drop: columns to leave out.
        imbalance: none, long_tail or step; thins the training rows, as for any `Data`.
        imbalance_ratio: of the largest class to the smallest.
        validation: labelled rows to hold out, drawn from the validation rows; null is all of them.
        split_seed: decides which rows are in which part.
        test_votes: several people's votes on each test row.
        batch_size: of the two dataloaders.
    """

    def __init__(
        self,
        path: str,
        validation_path: str | None = None,
        test_path: str | None = None,
        label: str | int | None = None,
        header: bool | None = None,
        categorical: list[str | int] | None = None,
        drop: list[str | int] | None = None,
        *,
        imbalance: str = "none",
        imbalance_ratio: float = 10.0,
        validation: int | None = None,
        split_seed: int = 0,
        test_votes: str | None = None,
        batch_size: int = 128,
    ) -> None:
        super().__init__(
            imbalance=imbalance,
            imbalance_ratio=imbalance_ratio,
            validation=validation,
            split_seed=split_seed,
            test_votes=test_votes,
            batch_size=batch_size,
        )
        switch("header", header, optional=True)
        text("path", path)
        text("validation_path", validation_path, optional=True)
        text("test_path", test_path, optional=True)
        self.paths = {"train": path, "val": validation_path, "test": test_path}
        self.label = -1 if label is None else label
        self.header = header
        self.categorical = categorical or []
        self.left_out = drop or []

    def load(self) -> Loaded:
        sheets = self._sheets()
        whole = _joined(list(sheets.values()))
        place = whole.place(self.label)
        self._layout = Layout.learnt(whole, place, self.categorical, self.left_out)
        self.classes = _classes(sheets["train"], self._label(sheets["train"]))
        return self._parts({part: self._rows(part, sheet) for part, sheet in sheets.items()})

    def ready(self, parts: Loaded) -> Loaded:
        """Standardised by the training rows."""
        self._scale = Scale.of(parts.train.inputs)
        return Loaded(**{part: self._standardised(rows) for part, rows in parts.there().items()})

    def reader(self) -> Reader:
        return TableReader(self._layout, self._scale)

    def _standardised(self, part: Rows) -> Rows:
        return replace(part, inputs=self._scale.applied(part.inputs))

    def _sheets(self) -> dict[str, Sheet]:
        return {
            part: read_sheet(Path(path).expanduser(), self.header)
            for part, path in self.paths.items()
            if path is not None
        }

    def preprocess(self) -> nn.Module:
        """No preprocessing: the rows are already standardised, in double precision."""
        return Standardise(torch.zeros(1), torch.ones(1))

    def _label(self, sheet: Sheet) -> list[str]:
        """The class of each row."""
        cells = sheet.column(sheet.names[sheet.place(self.label)])
        if absent := sum(is_missing(cell) for cell in cells):
            raise UserError(f"{absent} of {len(cells)} rows of {sheet.path} have no label")
        return cells

    def _rows(self, part: str, sheet: Sheet) -> Rows:
        cells = self._label(sheet)
        if strange := in_order(set(cells) - set(self.classes)):
            raise UserError(f"{sheet.path} has a class {strange[0]!r} that the training rows lack")
        inputs = self._layout.inputs({name: sheet.column(name) for name in sheet.names})
        names = [f"{sheet.path.name}:{line}" for line in sheet.lines]
        return Rows(inputs, class_numbers(cells, self.classes), names=names, part=part)

    def _parts(self, given: dict[str, Rows]) -> Loaded:
        """Training, test and validation rows; parts without a file come from the first file.

        No validation rows are split off if none are asked for.
        """
        wanted = ("test", "val") if self.held_out != 0 else ("test",)
        absent = [part for part in wanted if part not in given]
        parts, left = dict(given), 1.0
        for part in absent:
            parts["train"], parts[part] = split(parts["train"], SHARE / left, self.split_seed)
            left -= SHARE
        for part, rows in parts.items():
            if not len(rows):
                raise UserError(f"{self.paths['train']} has too few rows: none is left to {part}")
        return Loaded(*(parts[part] for part in ("train", *wanted)))


def _joined(sheets: list[Sheet]) -> Sheet:
    """All rows of the files, which must have the same columns."""
    first = sheets[0]
    for sheet in sheets:
        if sheet.names != first.names:
            raise UserError(
                f"{sheet.path} has the columns {', '.join(sheet.names)}, "
                f"but {first.path} has {', '.join(first.names)}"
            )
        if not sheet.rows:
            raise UserError(f"{sheet.path} has no rows")
    return replace(first, rows=[row for sheet in sheets for row in sheet.rows])


def _classes(sheet: Sheet, cells: list[str]) -> tuple[str, ...]:
    """The names of the classes in order."""
    classes = in_order(set(cells))
    if len(classes) < 2:
        raise UserError(f"{sheet.path} has a single class, {classes[0]!r}; at least two are needed")
    if len(classes) > len(cells) / 2:
        raise UserError(
            f"{sheet.path} has {len(classes)} classes in {len(cells)} rows; "
            "data.label= names the column of the labels"
        )
    return tuple(classes)
