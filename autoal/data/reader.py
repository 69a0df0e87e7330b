"""Readers of new rows, such as those to predict, without the data set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from autoal.data.columns import Column, Layout, Scale
from autoal.data.inputs import all_finite, cells_of, inputs_of
from autoal.data.npz import read_array
from autoal.data.pictures import ENDINGS, MODES, all_pictures, pictures_below
from autoal.data.rows import Rows, Shape
from autoal.data.sheet import read_sheet
from autoal.data.textfiles import TextColumns, names_in, read_lines, read_texts
from autoal.data.texts import text_rows, texts_of
from autoal.errors import UserError, about, unknown


class Reader(ABC):
    """Reads new rows as a data set stores its own.

    It is self-contained, so that it can be stored beside a model and rebuilt by `rebuilt`.
    """

    kind: ClassVar[str]  # its name in stored states

    @abstractmethod
    def of(self, inputs: Any) -> Rows:
        """Rows in memory: arrays, tensors, data frames or lists."""

    @abstractmethod
    def read(self, paths: Sequence[Path]) -> Rows:
        """The rows of these files or folders, each named by its file and its place in it."""

    def state_dict(self) -> dict[str, Any]:
        """Everything it knows, as plain values and tensors."""
        return {"kind": self.kind, **self._state()}

    @abstractmethod
    def _state(self) -> dict[str, Any]:
        """The part of the state that `_of_state` needs."""

    @classmethod
    @abstractmethod
    def _of_state(cls, state: Mapping[str, Any]) -> Reader:
        """The reader with this state."""


class ArrayReader(Reader):
    """Rows of numbers of one shape: from npy files, or the member `inputs` of npz files.

    Args:
        dtype: of the numbers.
        shape: of one row.
    """

    kind = "arrays"
    members: ClassVar[tuple[str, ...]] = ("inputs",)  # of an npz file; the first that it has

    def __init__(self, dtype: torch.dtype, shape: Shape) -> None:
        self.dtype = dtype
        self.shape = shape

    def of(self, inputs: Any) -> Rows:
        tensor = _laid_out(inputs_of(inputs), self.shape)
        if tuple(tensor.shape[1:]) != self.shape or not _alike(tensor, self.dtype):
            raise UserError(
                f"rows of {tensor.dtype} {tuple(tensor.shape[1:])} are not like those of the pool, "
                f"{self.dtype} {self.shape}"
            )
        return Rows.of(_converted(tensor, self.dtype))

    def read(self, paths: Sequence[Path]) -> Rows:
        return _together([self._array(path) for path in paths])

    def _array(self, path: Path) -> Rows:
        array = read_array(path, self.members)
        with about(path):
            rows = self.of(array)
        return replace(rows, names=[f"{path}[{place}]" for place in range(len(rows))])

    def _state(self) -> dict[str, Any]:
        return {"like": torch.empty(0, *self.shape, dtype=self.dtype)}

    @classmethod
    def _of_state(cls, state: Mapping[str, Any]) -> Reader:
        return cls(state["like"].dtype, tuple(state["like"].shape[1:]))


class PictureReader(ArrayReader):
    """Pictures, (n, channels, height, width) uint8: from picture files, resized, or arrays.

    Folders are searched with all subfolders. An npz file has its pictures in `images` or, if it is
    a data set, in `test_images`.

    Args:
        shape: of one picture.
    """

    kind = "pictures"
    members = ("images", "test_images")
    draft: ClassVar[bool] = False  # whether to decode large ones at a fraction of their size

    def __init__(self, shape: Shape) -> None:
        super().__init__(torch.uint8, shape)

    def read(self, paths: Sequence[Path]) -> Rows:
        files = [file for path in paths for file in _files_of(path)]
        groups = [(arrays, list(group)) for arrays, group in groupby(files, _holds_array)]
        return _together([self._read(*group) for group in groups])

    def _read(self, arrays: bool, paths: list[Path]) -> Rows:
        return super().read(paths) if arrays else self._pictures(paths)

    def _pictures(self, paths: list[Path]) -> Rows:
        if self.shape[0] not in MODES:
            raise UserError(f"pictures of {self.shape[0]} channels are read from npz files only")
        pixels = torch.from_numpy(all_pictures(paths, self.shape, draft=self.draft))
        return replace(Rows.of(pixels.permute(0, 3, 1, 2)), names=[str(path) for path in paths])

    @classmethod
    def _of_state(cls, state: Mapping[str, Any]) -> Reader:
        return cls(tuple(state["like"].shape[1:]))


class PhotoReader(PictureReader):
    """Camera pictures, which are far larger than a network's input."""

    kind = "photos"
    draft = True


class TableReader(Reader):
    """Rows of a table: cell by cell, or from CSV files with or without a column of labels.

    Args:
        layout: the columns.
        scale: the training rows'.
    """

    kind = "table"

    def __init__(self, layout: Layout, scale: Scale) -> None:
        self.layout = layout
        self.scale = scale

    def of(self, inputs: Any) -> Rows:
        """New rows, cell by cell as in the file, but without labels."""
        return self._rows(self.layout.cells(_texts(inputs)))

    def read(self, paths: Sequence[Path]) -> Rows:
        return _together([self._sheet(path) for path in paths])

    def _sheet(self, path: Path) -> Rows:
        sheet = read_sheet(path, self.layout.header)
        with about(path):
            rows = self._rows(self.layout.cells_of(sheet))
        return replace(rows, names=[f"{path}:{line}" for line in sheet.lines])

    def _rows(self, cells: Mapping[str, Sequence[str]]) -> Rows:
        inputs = self.scale.applied(self.layout.inputs(cells))
        if not all_finite(inputs):
            raise UserError("a number is too large compared with those of the table")
        return Rows.of(inputs)

    def _state(self) -> dict[str, Any]:
        return {"layout": asdict(self.layout), "scale": asdict(self.scale)}

    @classmethod
    def _of_state(cls, state: Mapping[str, Any]) -> Reader:
        layout = state["layout"]
        columns = tuple(Column(**column) for column in layout["read"])
        return cls(Layout(**{**layout, "read": columns}), Scale(**state["scale"]))


class TextReader(Reader):
    """Texts: in memory, from files with the data set's columns, or from plain files by line.

    A plain file is a `.txt` whose first line is a single cell that does not name the column.

    Args:
        names: the names of a row's texts.
        columns: their places in a file.
    """

    kind = "texts"

    def __init__(self, names: Sequence[str], columns: TextColumns | None = None) -> None:
        self.names = tuple(names)
        given = columns or TextColumns(self.names)
        self.columns = replace(given, label=None, header=given.named)

    def of(self, inputs: Any) -> Rows:
        """Texts, or rows of several; frames have them below their names, or only them."""
        return text_rows(texts_of(inputs, self.names), self.names)

    def read(self, paths: Sequence[Path]) -> Rows:
        return _together([self._file(path) for path in paths])

    def _file(self, path: Path) -> Rows:
        first = names_in(path, self.columns.quoting)
        columns = self._columns_of(first)
        named = columns.named and columns.fits(first)
        plain = path.suffix.lower() == ".txt" and len(first) == len(self.names) == 1 and not named
        file = read_lines(path) if plain else read_texts(path, columns)
        names = [f"{path}:{line}" for line in file.lines]
        return text_rows(file.texts, self.names, names=names)

    def _columns_of(self, first: Sequence[str]) -> TextColumns:
        """The columns with the texts' names, or else those of the data set's file."""
        named = replace(self.columns, text=self.names, header=True)
        return named if named.fits(first) else self.columns

    def _state(self) -> dict[str, Any]:
        return {"names": self.names, "columns": asdict(self.columns)}

    @classmethod
    def _of_state(cls, state: Mapping[str, Any]) -> Reader:
        return cls(state["names"], TextColumns(**state["columns"]))


KINDS: dict[str, type[Reader]] = {
    reader.kind: reader
    for reader in (ArrayReader, PictureReader, PhotoReader, TableReader, TextReader)
}


def rebuilt(state: Mapping[str, Any]) -> Reader:
    """The reader whose `state_dict` this is."""
    kind = str(state.get("kind"))
    if kind not in KINDS:
        raise unknown("kind of reader", kind, KINDS)
    try:
        return KINDS[kind]._of_state(state)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"the stored reader of {kind} is damaged: {error!r}") from error


def _together(parts: list[Rows]) -> Rows:
    """All rows as one, with names."""
    if not sum(map(len, parts)):
        raise UserError("there are no rows to read")
    names = [name for rows in parts for name in rows.names or ()]
    shown = [each for rows in parts for each in rows.shown or ()]  # texts, which encoders read
    inputs = torch.cat([rows.inputs for rows in parts])
    return replace(Rows.of(inputs), names=names, shown=shown or None)


def _files_of(path: Path) -> list[Path]:
    """The file itself, or the pictures of a folder."""
    if not path.is_dir():
        return [path]
    files = list(pictures_below(path))
    if not files:
        raise UserError(f"there are no pictures in {path}; known: {' '.join(ENDINGS)}")
    return files


def _holds_array(path: Path) -> bool:
    return path.suffix.lower() in (".npz", ".npy")


def _laid_out(inputs: Tensor, shape: Shape) -> Tensor:
    """Pictures with channels first, given with channels last or, if grey, without any."""
    if inputs.ndim == 3 and tuple(inputs.shape[1:]) == shape[1:] and shape[0] == 1:
        return inputs[:, None]
    last = inputs.ndim == 4 and tuple(inputs.shape[1:]) == (*shape[1:], shape[0])
    first = tuple(inputs.shape[1:]) == shape
    return inputs.permute(0, 3, 1, 2).contiguous() if last and not first else inputs


def _alike(inputs: Tensor, dtype: torch.dtype) -> bool:
    """Whether numbers are of the same kind: bytes of pictures, whole numbers, others."""
    if dtype == torch.uint8:
        return not inputs.is_floating_point()
    return inputs.dtype != torch.uint8 and (
        dtype.is_floating_point or not inputs.is_floating_point()
    )


def _converted(inputs: Tensor, dtype: torch.dtype) -> Tensor:
    """The same numbers in another type; one too large for it is refused."""
    converted = inputs.to(dtype)
    whole = not dtype.is_floating_point
    wrong = converted.to(inputs.dtype) != inputs if whole else ~converted.isfinite()
    if bool(wrong.any()):
        raise UserError(
            f"{inputs[wrong][0].item()} among new rows does not fit the pool's, which are {dtype}"
        )
    return converted


def _texts(inputs: Any) -> list[list[str]]:
    """Rows of numbers and texts, with None for missing ones, as in a file."""
    return [["" if cell is None else str(cell).strip() for cell in row] for row in cells_of(inputs)]
