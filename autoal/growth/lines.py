"""Rows from a file that join a pool, some before each query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from autoal.bounds import text
from autoal.data.texts import parts_of
from autoal.growth.texts import TextGrowth
from autoal.query.view import View
from autoal.record.generated import Made


class Lines(TextGrowth):
    """The texts of a file, in order, to compare made rows with as many real ones.

    Args:
        path: of the file, with the columns of the data set's texts, or with one text a line.
        **options: those of every growth of texts.
    """

    def __init__(self, path: str, **options: Any) -> None:
        super().__init__(**options)
        text("path", path)
        rows = self.ground.reader.read([Path(path).expanduser()])
        names = rows.named(torch.arange(len(rows)))
        self._texts = [*zip(names, parts_of(rows), strict=True)]

    def most(self, number: int) -> int:
        before = sum(map(super().most, range(1, number)))
        return max(0, min(super().most(number), len(self._texts) - before))

    def make(self, view: View, number: int) -> list[Made]:
        begin = len(self.joined())
        found = self._texts[begin : begin + self.most(number)]
        return [Made(number, texts, mode="file", examples=(name,)) for name, texts in found]
