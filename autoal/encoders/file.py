"""Features that the user computed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autoal.bounds import demand_file, text
from autoal.data.npz import read_npz
from autoal.data.rows import Rows
from autoal.encoders.encoder import Encoder
from autoal.errors import UserError


class File(Encoder):
    """An npz file with `train_features`, `test_features` and perhaps `val_features`.

    Each has a row for each row of that part of the data set, in the data set's order.

    Args:
        path: of the file.
    """

    new_rows = False  # rows to predict come as features

    def __init__(self, path: str | None = None) -> None:
        if path is None:
            raise ValueError("a file of features is needed: give encoder.path=")
        text("path", path)
        self.path = Path(path).expanduser()

    def key(self) -> str:
        demand_file(self.path, "encoder.path= names one")
        stat = self.path.stat()
        return repr((str(self.path.resolve()), stat.st_size, stat.st_mtime_ns))

    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        name = _member(rows)
        return self._rows(read_npz(self.path, [name])[name], rows)

    def stream(self, rows: Rows, device: torch.device) -> Iterator[Tensor]:
        yield self.encode(rows, device)  # the file is read once

    def _rows(self, values: np.ndarray, part: Rows) -> Tensor:
        name = _member(part)
        if values.ndim != 2 or values.dtype.kind != "f" or not np.isfinite(values).all():
            raise UserError(
                f"{name} must be finite numbers of the shape (rows, width), "
                f"got {values.dtype} {values.shape}"
            )
        places = torch.arange(len(part)) if part.places is None else part.places
        if len(values) != part.whole:
            raise UserError(f"{name} has {len(values):,} rows, but the data set {part.whole:,}")
        return torch.from_numpy(values[places.numpy()].astype(np.float32))


def _member(part: Rows) -> str:
    """The name of its features in the file."""
    return f"{part.part}_features"
