"""Columns of text, and the numbers they become."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isinf, nan

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from autoal.data.sheet import Sheet, in_order, is_missing, is_number
from autoal.errors import UserError

MOST_CATEGORIES = 1000  # in one column; more must be names or free text, not categories

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """A column that becomes numbers, or one column of zeros and ones for each category.

    A missing number is nan until a `Scale` fills it. A missing text is a category of its own, "",
    because the reason why it is missing may matter.
    """

    name: str
    categories: tuple[str, ...] | None = None  # None: the cells are numbers

    @classmethod
    def learnt(cls, name: str, cells: Sequence[str], categorical: bool = False) -> Column:
        """The column that can hold all of these cells."""
        known = [cell for cell in cells if not is_missing(cell)]
        odd = [cell for cell in known if not is_number(cell)]
        if categorical or (odd and not _meant_as_numbers(known, odd)):
            return cls(name, _categories(name, cells))
        if odd:
            raise UserError(
                f"the column {name!r} has numbers, but {odd[0]!r} is not one (decimals take a "
                f"point); data.categorical=[{name}] reads it as texts, data.drop=[{name}] leaves "
                "it out"
            )
        return cls(name)

    def encode(self, cells: Sequence[str]) -> list[Numbers]:
        """The cells as numbers; a cell that the column cannot have is refused."""
        if self.categories is None:
            return [np.array([self._number(cell) for cell in cells], dtype=np.float64)]
        place = {cell: self._place(cell, self.categories) for cell in sorted(set(cells))}
        places = np.array([place[cell] for cell in cells])
        return [(places == other).astype(np.float64) for other in range(len(self.categories))]

    def _place(self, cell: str, categories: Sequence[str]) -> int:
        """The place of the category with the cell's text, or else the only one of equal number."""
        text = "" if is_missing(cell) else cell
        if text in categories:
            return categories.index(text)
        numbers = [
            is_number(text) and is_number(name) and float(name) == float(text)
            for name in categories
        ]
        if sum(numbers) == 1:  # other software may have turned 0 into 0.0
            return numbers.index(True)
        raise UserError(
            f"the column {self.name!r} has {text!r}, which none of the data set's "
            f"rows has; it knows {', '.join(map(repr, categories))}"
        )

    def _number(self, cell: str) -> float:
        if is_missing(cell):
            return nan
        if not is_number(cell):
            raise UserError(f"the column {self.name!r} has numbers, but {cell!r} is not one")
        if isinf(float(cell)):
            raise UserError(f"the column {self.name!r} has an infinite number")
        return float(cell)


def _meant_as_numbers(known: Sequence[str], odd: Sequence[str]) -> bool:
    """Whether most cells are numbers, or would be with a decimal point instead of a comma."""
    commas = sum(is_number(cell.replace(",", ".", 1)) for cell in odd)
    return 2 * (len(known) - len(odd) + commas) > len(known)


def _categories(name: str, cells: Sequence[str]) -> tuple[str, ...]:
    categories = in_order({"" if is_missing(cell) else cell for cell in cells})
    if len(categories) > MOST_CATEGORIES:
        raise UserError(
            f"the column {name!r} has {len(categories):,} different texts, more than the "
            f"{MOST_CATEGORIES:,} that can be categories; data.drop=[{name}] leaves it out"
        )
    return tuple(categories)


@dataclass(frozen=True)
class Layout:
    """The columns of a table: all that a row has, and those that are read."""

    header: bool  # whether a file names them
    names: tuple[str, ...]  # of all but the labels' column, in order
    label: int | None  # the labels' column's place among them, if there is one
    read: tuple[Column, ...]

    @classmethod
    def learnt(
        cls,
        sheet: Sheet,
        label: int | None,
        categorical: Collection[str | int] = (),
        left_out: Collection[str | int] = (),
    ) -> Layout:
        """Find which columns of a table to read, and what each becomes.

        Args:
            sheet: the table.
            label: the number of the labels' column; None: there is none.
            categorical: columns of numbers that are names of categories.
            left_out: columns to ignore.
        """
        texts = {sheet.place(column) for column in categorical}
        unread = {label, *(sheet.place(column) for column in left_out)}
        read = [
            Column.learnt(name, sheet.column(name), place in texts)
            for place, name in enumerate(sheet.names)
            if place not in unread
        ]
        if not read:
            raise UserError(f"{sheet.path} has no columns besides the labels")
        beside = tuple(name for place, name in enumerate(sheet.names) if place != label)
        return cls(sheet.header, beside, label, tuple(read))

    def inputs(self, cells: Mapping[str, Sequence[str]]) -> Tensor:
        """The rows as numbers, (n, width) float64, from the cells below each name."""
        columns = [numbers for column in self.read for numbers in column.encode(cells[column.name])]
        return torch.from_numpy(np.stack(columns, 1))

    def cells(self, rows: Sequence[Sequence[str]]) -> dict[str, list[str]]:
        """The cells below each name, of rows in the table's order but without labels."""
        for row in rows:
            if len(row) != len(self.names):
                raise UserError(
                    f"a row has {len(self.names)} cells besides its label, got {len(row)}"
                )
        return {name: [row[place] for row in rows] for place, name in enumerate(self.names)}

    def cells_of(self, sheet: Sheet) -> dict[str, list[str]]:
        """The cells below each name to read, from a file with or without labels.

        A file with column names may have them in any order, and others besides.
        """
        if self.header:
            return {column.name: sheet.column(column.name) for column in self.read}
        rows, width = sheet.rows, len(self.names) + 1
        if self.label is not None and len(sheet.names) == width:
            rows = [[*row[: self.label], *row[self.label + 1 :]] for row in rows]
        return self.cells(rows)


@dataclass(frozen=True, eq=False)
class Scale:
    """The training rows' statistics for filling and standardising columns."""

    median: Tensor
    mean: Tensor
    deviation: Tensor  # 1 where the column is constant

    @classmethod
    def of(cls, rows: Tensor) -> Scale:
        median = rows.nanmedian(0).values.nan_to_num(0.0)
        filled = torch.where(rows.isnan(), median, rows)
        deviation = filled.std(0, correction=0)
        rounding = 1e-12 * filled.abs().amax(0)
        divisor = torch.where(deviation > rounding, deviation, torch.ones(()))
        return cls(median, filled.mean(0), divisor)

    def applied(self, rows: Tensor) -> Tensor:
        """Rows in the engine's form, (n, columns) float32."""
        filled = torch.where(rows.isnan(), self.median, rows)
        return ((filled - self.mean) / self.deviation).float()
