"""The data set that made rows resemble: the way of a text into its pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from autoal.data.contract import Data
from autoal.data.rows import Rows
from autoal.data.texts import are_texts, key_of, parts_of
from autoal.encoders.encoded import Encoded, encoded_rows
from autoal.errors import UserError

Texts = tuple[str, ...]  # of a row, one for each column


class Ground:
    """The ground for made rows: a pool of texts, without its labels.

    Args:
        data: the data set with the pool; anything but texts is refused.
    """

    def __init__(self, data: Data) -> None:
        source = data.data if isinstance(data, Encoded) else data
        if not are_texts(source.train):
            raise UserError("growth= makes texts, and this data has none")
        self.encoder = data.encoder if isinstance(data, Encoded) else None
        if self.encoder is not None and not self.encoder.new_rows:
            raise UserError(
                f"growth= makes new rows, which {type(self.encoder).__name__} cannot encode: give "
                "another encoder="
            )
        self.device = data.device if isinstance(data, Encoded) else torch.device("cpu")
        self.reader = data.reader()
        self.classes, self.words = data.classes, data.words
        self.columns = len(parts_of(source.train.take(torch.arange(1)))[0])
        self._names = source.train.without_labels()

    def __len__(self) -> int:
        """The number of real rows; made ones are numbered from there on."""
        return len(self._names)

    def names(self, rows: Tensor) -> list[str]:
        """The names of the data's rows."""
        return self._names.named(rows)

    def rows(self, texts: Sequence[Texts], names: Sequence[str] = ()) -> Rows:
        """Texts as rows of the pool, processed like all new rows."""
        read = self.reader.of([*texts])
        keys = [key_of(str(shown)) for shown in read.shown or ()]
        rows = replace(read, names=[*names] or None, keys=keys)
        return rows if self.encoder is None else encoded_rows(self.encoder, rows, self.device)
