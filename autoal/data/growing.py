"""Arrays that grow on disk, block by block, and go on growing after a kill."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from math import prod
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt

from autoal.data.cache import NamedArrays, path_of, sync

PROGRESS = "progress.json"  # the rows of each array that are certainly on disk
EVERY = 1.0  # seconds between syncs


class GrowingArray:
    """A numpy file to which rows are added.

    Args:
        path: of the file.
        dtype: of its numbers.
        shape: of a row.
        rows: existing rows; anything after them is cut off.
    """

    def __init__(
        self, path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], rows: int = 0
    ) -> None:
        self.dtype, self.shape, self.rows = dtype, shape, rows
        self.file = path.open("r+b" if rows else "wb")
        self._write_head()
        self.file.truncate(self.file.tell() + rows * prod(shape) * dtype.itemsize)
        self.file.seek(0, os.SEEK_END)

    @classmethod
    def again(cls, path: Path, rows: int) -> GrowingArray:
        """Reopen the file of an array as it was with this many rows."""
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            least = file.tell() + rows * prod(shape[1:]) * dtype.itemsize
        if path.stat().st_size < least:
            raise ValueError(f"{path} lacks rows that had been synced")
        return cls(path, dtype, shape[1:], rows)

    def add(self, block: npt.NDArray[np.generic]) -> None:
        if (block.dtype, block.shape[1:]) != (self.dtype, self.shape):
            raise ValueError(
                f"rows of {block.dtype} {block.shape[1:]} cannot follow rows of "
                f"{self.dtype} {self.shape}"
            )
        self.file.write(np.ascontiguousarray(block).data)
        self.rows += len(block)

    def make_sure(self) -> None:
        """Wait until all rows are on disk."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def finish(self) -> None:
        """Write the number of rows into the file."""
        self.file.seek(0)
        self._write_head()

    def close(self) -> None:
        with suppress(OSError):  # the disk is full, which has been reported already
            self.file.close()

    def _write_head(self) -> None:
        """Write a header with room for any number of rows, so that it can be overwritten."""
        descr = np.lib.format.dtype_to_descr(self.dtype)
        head = {"descr": descr, "fortran_order": False, "shape": (self.rows, *self.shape)}
        np.lib.format.write_array_header_1_0(self.file, head)


class GrowingArrays:
    """The arrays of a folder; reopened ones have the rows that had been synced.

    Args:
        folder: of their files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sure = monotonic()
        self._files = {
            name: GrowingArray.again(path_of(folder, name), rows)
            for name, rows in _counts(folder).items()
        }

    def there(self) -> NamedArrays:
        """The existing rows, mapped from their files."""
        for file in self._files.values():
            file.make_sure()
        return {name: np.load(path_of(self.folder, name), mmap_mode="r") for name in self._files}

    def add(self, block: NamedArrays) -> None:
        """Add rows to each of the named arrays."""
        for name, array in block.items():
            if name not in self._files:
                path = path_of(self.folder, name)
                self._files[name] = GrowingArray(path, array.dtype, array.shape[1:])
            self._files[name].add(array)
        if monotonic() - self._sure >= EVERY:
            self._make_sure()

    def finish(self) -> None:
        """Complete the files."""
        for file in self._files.values():
            file.finish()
        self._make_sure()

    def close(self) -> None:
        for file in self._files.values():
            file.close()

    def _make_sure(self) -> None:
        """Sync the rows of all arrays; a crash keeps all or none of the latest ones."""
        for file in self._files.values():
            file.make_sure()
        new = self.folder / f"{PROGRESS}.new"
        new.write_text(json.dumps({name: file.rows for name, file in self._files.items()}))
        sync(new)
        new.replace(self.folder / PROGRESS)
        self._sure = monotonic()


def _counts(folder: Path) -> dict[str, int]:
    """The synced rows of each array; empty if nothing has been recorded."""
    path = folder / PROGRESS
    found = json.loads(path.read_text()) if path.exists() else {}
    if not isinstance(found, dict) or not all(type(rows) is int for rows in found.values()):
        raise ValueError(f"{path} does not count rows")
    return found
