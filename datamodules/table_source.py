"""Rows of a table, few or none of them labelled."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from hashlib import sha256

import torch
from torch import Tensor, nn

from autoal.data.columns import Layout, Scale
from autoal.data.contract import Loaded, Standardise
from autoal.data.reader import Reader, TableReader
from autoal.data.sheet import Sheet

from .source import Items, Source, told


class TableSource(Source):
    """Rows of numbers and categories, standardised by all of them.

    Args:
        sheet: the table.
        label: the number of the labels' column; None: there is none.
        categorical: columns of numbers that are names of categories.
        drop: columns that are shown, but not learnt from.
        classes: their names; empty: from the labels.
    """

    def __init__(
        self,
        sheet: Sheet,
        label: int | None,
        categorical: Collection[str | int],
        drop: Collection[str | int],
        classes: tuple[str, ...] = (),
    ) -> None:
        self.layout = Layout.learnt(sheet, label, categorical, drop)
        self.inputs = self.layout.inputs({name: sheet.column(name) for name in sheet.names})
        self.cells = sheet.beside(label)
        self.names = [f"{sheet.path.name}:{line}" for line in sheet.lines]
        self.labels = sheet.known(label)
        self.classes = classes or told(self.labels)

    def read(self, order: Sequence[int]) -> Items:
        inputs = self.inputs[list(order)]
        return Items(
            [self.names[number] for number in order],
            [_key(self.cells[number]) for number in order],
            [self.labels[number] for number in order],
            [self.cells[number] for number in order],
            lambda places: inputs[list(places)],
        )

    def ready(self, parts: Loaded) -> Loaded:
        self.scale = Scale.of(parts.train.inputs)
        inputs = self.scale.applied(parts.train.inputs)
        return parts._replace(train=replace(parts.train, inputs=inputs))

    def reader(self) -> Reader:
        return TableReader(self.layout, self.scale)

    def preprocess(self, inputs: Tensor) -> nn.Module:
        """No preprocessing: the rows are already standardised."""
        return Standardise(torch.zeros(1), torch.ones(1))


def _key(cells: dict[str, str]) -> str:
    return f"sha256:{sha256(json.dumps(list(cells.values())).encode()).hexdigest()}"
