"""Tables of one's own: CSV files with a column of labels."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autoal import Data
from autoal.bounds import switch
from autoal.data.contract import Loaded, Standardise
from autoal.data.rows import Rows
from autoal.errors import UserError

from .columns import Sheet, encode, in_order, is_missing, read_sheet
from .npz import split

SHARE = 0.2  # of the rows for validation, and as many for the test, where they have no file


class Table(Data):
    """Rows of numbers and categories, standardised by the training rows: (n, columns).

    A column whose cells are all numbers is one; any other becomes a column of zeros and ones for
    each of its categories, which all rows of all files make known. Where a number is missing, the
    training rows' median stands in for it; a text that is missing is a category of its own.

    Args:
        path: of the CSV file.
        validation_path: of the validation rows; null takes a fifth of each class of `path`.
        test_path: of the test rows; null takes another fifth.
        label: the column of the classes, by its name or its number from 0; null is the last.
        header: whether the first line names the columns; null: if it has no number.
        categorical: columns of numbers that are names of categories.
        drop: columns that are left out.
        imbalance: none, long_tail or step; thins the training rows, as for any `Data`.
        imbalance_ratio: of the largest class to the smallest.
        validation: labelled rows to hold out, drawn from the validation rows; null is all of them.
        split_seed: which rows are in which part.
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
        batch_size: int = 128,
    ) -> None:
        super().__init__(
            imbalance=imbalance,
            imbalance_ratio=imbalance_ratio,
            validation=validation,
            split_seed=split_seed,
            batch_size=batch_size,
        )
        switch("header", header, optional=True)
        self.paths = {"train": path, "val": validation_path, "test": test_path}
        self.label = -1 if label is None else label
        self.header = header
        self.categorical = categorical or []
        self.left_out = drop or []

    def load(self) -> Loaded:
        sheets = self._sheets()
        self.classes, whole = self._encode(_joined(list(sheets.values())))
        ends = np.cumsum([len(sheet.rows) for sheet in sheets.values()])[:-1].tolist()
        blocks = zip(sheets, *(part.tensor_split(ends) for part in whole), strict=True)
        return self._parts({part: Rows(rows, labels, part=part) for part, rows, labels in blocks})

    def setup(self, stage: str | None = None) -> None:
        if hasattr(self, "train"):
            return
        super().setup(stage)
        self._statistics = _statistics(self.train.inputs)
        self.train = _standardised(self.train, self._statistics)
        self.test = self.test and _standardised(self.test, self._statistics)
        self.validation = self.validation and _standardised(self.validation, self._statistics)

    def stored(self, inputs: Any) -> Rows:
        """New rows, cell by cell as they would stand in the file but for their labels."""
        sheet = _joined(list(self._sheets().values()))
        place, width = sheet.place(self.label), len(sheet.names) - 1
        cells = _cells(inputs)
        for row in cells:
            if len(row) != width:
                raise UserError(
                    f"a row of {sheet.path} has {width} cells beside its label, got {len(row)}"
                )
        anything = sheet.rows[0][place]  # in the place of the label
        new = [[*row[:place], anything, *row[place:]] for row in cells]
        _, (encoded, _) = self._encode(replace(sheet, rows=[*sheet.rows, *new]))
        if encoded.shape[1] != self.train.inputs.shape[1]:
            raise UserError(f"a new row has a text that {sheet.path} does not have in that column")
        return _standardised(Rows.of(encoded[len(sheet.rows) :]), self._statistics)

    def _sheets(self) -> dict[str, Sheet]:
        return {
            part: read_sheet(Path(path).expanduser(), self.header)
            for part, path in self.paths.items()
            if path is not None
        }

    def preprocess(self) -> nn.Module:
        """Nothing: the rows are standardised already, in double precision."""
        return Standardise(torch.zeros(1), torch.ones(1))

    def _encode(self, sheet: Sheet) -> tuple[tuple[str, ...], tuple[Tensor, Tensor]]:
        """The names of the classes; all rows as numbers, (n, columns) float64, and their labels."""
        place = sheet.place(self.label)
        categorical = {sheet.place(column) for column in self.categorical}
        left_out = {place, *(sheet.place(column) for column in self.left_out)}
        cells = list(zip(*sheet.rows, strict=True))
        columns = [
            column
            for index, name in enumerate(sheet.names)
            if index not in left_out
            for column in encode(name, cells[index], index in categorical)
        ]
        if not columns:
            raise UserError(f"{sheet.path} has no column beside the labels")
        classes, labels = _labels(sheet, cells[place])
        return classes, (torch.from_numpy(np.stack(columns, 1)), labels)

    def _parts(self, given: dict[str, Rows]) -> Loaded:
        """Training, test and validation rows, those without a file out of the first file's.

        No validation rows are split off where none are asked for.
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


def _cells(inputs: Any) -> list[list[str]]:
    """Rows of numbers and texts, None where one is missing, as a file has them."""
    values = inputs.to_numpy() if hasattr(inputs, "to_numpy") else inputs
    rows = values.tolist() if hasattr(values, "tolist") else values
    return [["" if cell is None else str(cell).strip() for cell in row] for row in rows]


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
    return Sheet(first.path, first.names, [row for sheet in sheets for row in sheet.rows])


def _labels(sheet: Sheet, cells: tuple[str, ...]) -> tuple[tuple[str, ...], Tensor]:
    """The names of the classes in order, and the class of each row."""
    if absent := sum(is_missing(cell) for cell in cells):
        raise UserError(f"{absent} of {len(cells)} rows of {sheet.path} have no label")
    classes = in_order(set(cells))
    if len(classes) < 2:
        raise UserError(f"{sheet.path} has a single class, {classes[0]!r}; two are needed at least")
    if len(classes) > len(cells) / 2:
        raise UserError(
            f"{sheet.path} has {len(classes)} classes in {len(cells)} rows; "
            "data.label= names the column of the labels"
        )
    places = {name: place for place, name in enumerate(classes)}
    return tuple(classes), torch.tensor([places[cell] for cell in cells])


@dataclass(frozen=True, eq=False)
class _Statistics:
    """Of each column over the training rows."""

    median: Tensor
    mean: Tensor
    deviation: Tensor  # 1 where the column is constant


def _statistics(rows: Tensor) -> _Statistics:
    median = rows.nanmedian(0).values.nan_to_num(0.0)
    filled = torch.where(rows.isnan(), median, rows)
    deviation = filled.std(0, correction=0)
    rounding = 1e-12 * filled.abs().amax(0)
    return _Statistics(
        median, filled.mean(0), torch.where(deviation > rounding, deviation, torch.ones(()))
    )


def _standardised(part: Rows, over: _Statistics) -> Rows:
    """The rows as the engine takes them, (n, columns) float32."""
    filled = torch.where(part.inputs.isnan(), over.median, part.inputs)
    return replace(part, inputs=((filled - over.mean) / over.deviation).float())
