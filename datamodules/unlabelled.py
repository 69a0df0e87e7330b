"""Your own data, with few or no labels, for people to label."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import nn

from autoal import Data
from autoal.bounds import choice, switch, whole
from autoal.bounds import text as demand_text
from autoal.data.classes import class_names
from autoal.data.contract import Loaded
from autoal.data.memory import MEMORY
from autoal.data.pictures import MODES, is_picture
from autoal.data.reader import Reader
from autoal.data.roll import Line, Roll
from autoal.data.rows import UNKNOWN, Rows
from autoal.data.sheet import read_sheet
from autoal.data.textfiles import OBJECTS, QUOTINGS, TextColumns, columns_given
from autoal.errors import UserError, about

from .npz_source import NpzSource
from .photo_source import Files, PhotoFolder, PhotoSheet, column_of_pictures
from .source import Source
from .table_source import TableSource
from .text_source import TextSource


class Unlabelled(Data):
    """Pictures in a folder, a table of their paths, texts, a table of rows, or an npz file.

    Existing labels count. Rows stand in a fixed shuffled order and have keys, which preserve their
    numbers in a run when files are renamed or added.

    Args:
        path: of the folder or of the file.
        classes: their names; null: from folders or labels.
        check: how many randomly drawn rows of the start judge the model if there is no test set.
        size: height and width of resized picture files.
        channels: of picture files: 3 for colour, 1 for grey.
        corrupt: refuse or skip picture files that cannot be read.
        memory: of pictures: ram keeps them decoded, disk decodes them whenever they are read; auto
            is disk if they would take more than a quarter of the free memory.
        picture: the column of picture paths in a CSV file, by name or number from 0; null: the
            first that contains nothing else, if there is one.
        text: the columns of texts in a text file, by names or numbers from 0; null: the rows are
            not texts.
        quoting: as for `Texts`.
        label: the column of the classes; an empty cell is unlabelled; null: there is none.
        header: whether the first line of a file names the columns; null: if it has no number or,
            for texts, if a column is given by name.
        categorical: columns of numbers that are names of categories.
        drop: columns that are shown, but not learnt from.
        validation: rows of the part `val` to hold out, which strategies may use; null: all.
        batch_size: of the two dataloaders.
    """

    keeps_order = True  # the roll's
    labels_count = True

    def __init__(
        self,
        path: str,
        classes: list[str | int] | None = None,
        check: int = 0,
        size: int = 128,
        channels: int = 3,
        corrupt: str = "refuse",
        memory: str = "auto",
        picture: str | int | None = None,
        text: list[str | int] | None = None,
        quoting: str = "auto",
        label: str | int | None = None,
        header: bool | None = None,
        categorical: list[str | int] | None = None,
        drop: list[str | int] | None = None,
        validation: int | None = 0,
        batch_size: int = 128,
    ) -> None:
        super().__init__(validation=validation, batch_size=batch_size)
        demand_text("path", path)
        whole("check", check, least=0)
        whole("size", size, least=1, most=1024)
        if channels not in MODES:
            raise ValueError(f"`channels` must be 1 or 3, got {channels}")
        choice("corrupt", corrupt, ("refuse", "skip"))
        choice("memory", memory, MEMORY)
        choice("quoting", quoting, QUOTINGS)
        switch("header", header, optional=True)
        self.path = Path(path).expanduser()
        self.given = () if classes is None else _two(class_names(classes), "data.classes has")
        self.checked = check
        self.shape = (channels, size, size)
        self.files = Files(corrupt, memory)
        self.header = header
        self.quoting = quoting
        self.columns: dict[str, Any] = {
            "text": () if text is None else columns_given(text),
            "picture": picture,
            "label": label,
            "categorical": categorical or [],
            "drop": drop or [],
        }

    def load(self) -> Loaded:
        self._source = source = self._opened()
        self.classes = _two(source.classes, f"{self.path} has")
        roll = Roll.read(self.known)
        items = source.read(roll.order(source.names))
        places = items.distinct()
        keys, names = ([every[place] for place in places] for every in (items.keys, items.names))
        train = items.rows([places[row] for row in roll.called(keys, names)], self.classes)
        if not self.given:
            self._tell_classes(train)
        return Loaded(train, source.part("test"), self._own_validation(source))

    def ready(self, parts: Loaded) -> Loaded:
        return self._source.ready(parts)

    def reader(self) -> Reader:
        return self._source.reader()

    def preprocess(self) -> nn.Module:
        return self._source.preprocess(self.train.inputs)

    def fingerprint(self) -> str:
        """A fingerprint of the possible rows; an earlier start's roll lists the actual ones."""
        return sha256(repr((self.train.inputs.dtype, self.train.shape)).encode()).hexdigest()

    def remembered(self) -> bytes:
        every = torch.arange(len(self.train))
        lines = zip(self.train.keys or (), self.train.named(every), strict=True)
        return Roll([Line(*line) for line in lines]).written()

    def _tell_classes(self, train: Rows) -> None:
        """Print the classes if nobody named them: folders may be years, not classes."""
        count = int((train.labels != UNKNOWN).sum())
        print(
            f"data.classes=[{','.join(self.classes)}], from {self.path}, which labels "
            f"{count:,} of {len(train):,} rows",
            file=sys.stderr,
        )

    def _opened(self) -> Source:
        """The source at the path."""
        if not self.path.exists():
            raise UserError(f"there is no file or folder {self.path}; data.path= names one")
        folder, array = self.path.is_dir(), self.path.suffix.lower() == ".npz"
        if not (folder or array):
            return self._texts() if self.columns["text"] else self._sheet()
        self._demand_none(self.columns, f"is for CSV files, and {self.path} is not one")
        if folder:
            return PhotoFolder(self.path, self.shape, self.files, self.given)
        with about(self.path):
            return NpzSource(self.path, self.files.memory, self.given)

    def _texts(self) -> TextSource:
        self._demand_none(("picture", "categorical", "drop"), "does not work with data.text")
        text, label = self.columns["text"], self.columns["label"]
        return TextSource(
            self.path, TextColumns(text, label, self.header, self.quoting), self.given
        )

    def _demand_none(self, names: Iterable[str], why: str) -> None:
        """Refuse options for columns that such data does not have."""
        if given := [name for name in names if self.columns[name] not in (None, [], ())]:
            raise UserError(f"data.{given[0]} {why}")

    def _sheet(self) -> PhotoSheet | TableSource:
        if self.path.suffix.lower() == OBJECTS:
            raise UserError(f"{self.path}: data.text=[...] names the keys of its texts")
        sheet = read_sheet(self.path, self.header)
        if self.header is None and any(map(is_picture, sheet.names)):
            sheet = read_sheet(self.path, False)  # a picture's name is not a column's
        if not sheet.rows:
            raise UserError(f"{self.path} has no rows")
        picture, label = (
            None if column is None else sheet.place(column)
            for column in (self.columns["picture"], self.columns["label"])
        )
        if picture is None:
            picture = column_of_pictures(sheet)
        if picture is not None:
            return PhotoSheet(sheet, picture, label, self.shape, self.files, self.given)
        lists = self.columns["categorical"], self.columns["drop"]
        return TableSource(sheet, label, *lists, self.given)

    def _own_validation(self, source: Source) -> Rows | None:
        """The rows of the part `val`, if any are asked for."""
        own = None if self.held_out == 0 else source.part("val")
        if self.held_out and own is None:
            raise UserError(
                f"data.validation={self.held_out}: {self.path} has no labelled rows for it apart "
                "from the pool, such as in a folder val"
            )
        return own


def _two(classes: tuple[str, ...], what: str) -> tuple[str, ...]:
    """The classes, of which there must be at least two."""
    if len(classes) < 2:
        found = f"only the class {classes[0]!r}" if classes else "no class"
        raise UserError(f"{what} {found}: name at least two, as in data.classes=[cat,dog]")
    return classes
