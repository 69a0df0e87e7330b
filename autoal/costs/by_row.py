"""Costs known for each row: given as numbers, or in a column of a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from autoal import bounds
from autoal.costs.contract import Costs, Timed
from autoal.costs.units import MONEY
from autoal.data.contract import Data
from autoal.data.inputs import tensor_of
from autoal.data.inside import has_arrays, parted
from autoal.data.npz import read_npz
from autoal.data.rows import Rows
from autoal.data.sheet import is_number, read_sheet
from autoal.errors import UserError
from autoal.query.view import View

if TYPE_CHECKING:
    from autoal.oracles.question import Answers, Question


class ByRow(Costs):
    """One price for all labels, or one for each row.

    Args:
        prices: one number, or an array or list with one for each row of the pool, by number.
        unit: money or seconds.
    """

    def __init__(self, prices: Any, unit: str = MONEY) -> None:
        super().__init__(unit)
        self._prices = _prices(prices)

    def check(self, data: Data) -> None:
        size = self._size(data.train)
        if self._prices.ndim and len(self._prices) != size:
            raise UserError(
                f"there are {len(self._prices)} costs, and {size} rows: give one for each"
            )

    def cheapest(self, rows: Rows) -> float:
        return float(self._of(torch.arange(len(rows)), rows).min())

    def expected(self, view: View, timed: Timed) -> Tensor | None:
        return self._of(view.pool.rows, view.pool.source) if self._prices.ndim else None

    def prices(self, question: Question, answers: Answers, rows: Tensor) -> Tensor:
        return self._of(rows, question.pool)

    def _of(self, rows: Tensor, pool: Rows | None) -> Tensor:
        """The prices of some rows of a pool."""
        if not self._prices.ndim:
            return self._prices.expand(len(rows))
        places = self._places(rows, pool)
        beyond = rows[places >= len(self._prices)]
        if len(beyond):
            raise UserError(f"row {beyond[0]} has no price: there are only {len(self._prices)}")
        return self._prices[places]

    def _size(self, rows: Rows) -> int:
        """How many prices there must be."""
        return len(rows)

    def _places(self, rows: Tensor, pool: Rows | None) -> Tensor:
        """The places of some rows' prices."""
        return rows


class Column(ByRow):
    """A price for each row, in a file.

    Args:
        prices: `file.csv:column` or `file.npz:member`, with a number for each training row of the
            data set, in its order.
        unit: money or seconds.
    """

    def __init__(self, prices: str, unit: str = MONEY) -> None:
        bounds.text("prices", prices)
        path, name = parted(prices, "costs.prices")
        super().__init__((_array if has_arrays(path) else _cells)(path, name), unit)

    def _size(self, rows: Rows) -> int:
        return rows.whole

    def _places(self, rows: Tensor, pool: Rows | None) -> Tensor:
        return rows if pool is None or pool.places is None else pool.places[rows]


def _prices(given: Any) -> Tensor:
    """One price for all rows, or one for each; none below 0."""
    if not isinstance(given, Iterable):
        bounds.number("costs", given, least=0)
        return torch.tensor(float(given), dtype=torch.float64)
    prices = tensor_of(given, "costs").double()
    for price in prices[~(prices.isfinite() & (prices >= 0))][:1].tolist():
        bounds.number("costs", price, least=0)
    return prices


def _array(file: Path, name: str) -> Tensor:
    found = read_npz(file, [name])[name]
    if found.ndim != 1 or found.dtype.kind not in "biuf":
        raise UserError(
            f"{file}: {name} must be a list of numbers, got {found.dtype} {found.shape}"
        )
    return torch.from_numpy(found.astype(np.float64))


def _cells(file: Path, name: str) -> list[float]:
    sheet = read_sheet(file, header=True)
    cells = sheet.column(name)
    for line, cell in zip(sheet.lines, cells, strict=True):
        if not is_number(cell) or not float(cell) >= 0:
            raise UserError(f"{file}, line {line}: {name} must be a number from 0 on, got {cell!r}")
    return [*map(float, cells)]
