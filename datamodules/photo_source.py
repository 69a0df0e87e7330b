"""Pictures, few of them labelled: in a folder, or in a table of their paths."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from autoal.data.images import Preprocess, channel_statistics
from autoal.data.memory import on_disk
from autoal.data.pictures import ENDINGS, is_picture, leave_out, pictures_below
from autoal.data.reader import PhotoReader, Reader
from autoal.data.rows import Rows, Shape
from autoal.data.sheet import Sheet
from autoal.errors import UserError

from .looked import decoded_size
from .photos import Photos, lazy_photos, photos
from .source import Items, Labels, Source, told

TRAIN, PARTS = "train", ("test", "val")  # folders beside or around those of the classes


class Files(NamedTuple):
    """How picture files are read."""

    corrupt: str  # refuse or skip unreadable ones
    memory: str  # auto, ram or disk: where decoded pictures are


class PhotoSource(Source):
    """Picture files, named by their paths below a folder.

    Args:
        folder: the folder above them.
        shape: the network's input: channels, height, width.
        files: how to read them.
    """

    labels: Labels

    def __init__(self, folder: Path, shape: Shape, files: Files) -> None:
        self.folder = folder
        self.shape = shape
        self.files = files

    def read(self, order: Sequence[int]) -> Items:
        names = [self.names[number] for number in order]
        return self._items(names, [self.labels[number] for number in order], self.shown(order))

    @abstractmethod
    def shown(self, order: Sequence[int]) -> Sequence[Any]:
        """These pictures as a person sees them."""

    def reader(self) -> Reader:
        return PhotoReader(self.shape)

    def preprocess(self, inputs: Tensor) -> nn.Module:
        return Preprocess(*channel_statistics(inputs))

    def _items(self, names: Sequence[str], labels: Labels, shown: Sequence[Any]) -> Items:
        paths = [self.folder / name for name in names]
        found = self._photos(list(dict.fromkeys(paths)))
        leave_out(found.wrong, self.files.corrupt)
        there = [number for number, path in enumerate(paths) if path in found.contents]
        contents = [found.contents[paths[number]] for number in there]
        return Items(
            [names[number] for number in there],
            [found.keys[content] for content in contents],
            [labels[number] for number in there],
            [shown[number] for number in there],
            lambda places: found.inputs([contents[place] for place in places]),
        )

    def _photos(self, paths: Sequence[Path]) -> Photos:
        size = decoded_size(len(paths), self.shape)
        read = lazy_photos if on_disk(self.files.memory, size) else photos
        return read(paths, self.shape)


class PhotoFolder(PhotoSource):
    """Pictures at any depth; those below a folder named after a class have that label.

    Such folders are at the top or in `train`; `test/CLASS` and `val/CLASS` are separate parts. All
    other pictures are unlabelled.

    Args:
        folder: that contains them all.
        shape: the network's input: channels, height, width.
        files: how to read them.
        classes: their names; empty: the folders are the classes.
    """

    def __init__(
        self, folder: Path, shape: Shape, files: Files, classes: tuple[str, ...] = ()
    ) -> None:
        super().__init__(folder, shape, files)
        start = f"{folder}/"
        every = [str(path).removeprefix(start) for path in pictures_below(folder)]
        self.parts = {part: _labelled(every, part, classes) for part in PARTS}
        apart = {name for names in self.parts.values() for name in names}
        self.names = [name for name in every if name not in apart]
        if not self.names:
            raise UserError(f"there are no pictures in {folder}; known: {' '.join(ENDINGS)}")
        self.classes = classes or _folders(self.names)
        self.labels = [self._label(name) for name in self.names]

    def shown(self, order: Sequence[int]) -> Sequence[Path]:
        return [self.folder / self.names[number] for number in order]

    def part(self, name: str) -> Rows | None:
        names = self.parts[name]
        if not names:
            return None
        labels = [_folder(each, 1) for each in names]
        if None in labels:
            stray = names[labels.index(None)]
            raise UserError(
                f"{self.folder / stray} is not in the folder of a class, as all of {name} must be"
            )
        items = self._items(names, labels, [self.folder / each for each in names])
        return items.rows(range(len(items.names)), self.classes, name)

    def _label(self, name: str) -> str | None:
        """The class in whose folder a picture is."""
        in_train = name.startswith(f"{TRAIN}/") and TRAIN not in self.classes
        folder = _folder(name, int(in_train))
        return folder if folder in self.classes else None


class PhotoSheet(PhotoSource):
    """A table with a column of the paths of pictures, relative to its own folder.

    Args:
        sheet: the table; its other columns are shown beside the pictures.
        picture: the number of the column of paths.
        label: the number of the labels' column; None: there is none.
        shape: the network's input: channels, height, width.
        files: how to read them.
        classes: their names; empty: from the labels.
    """

    def __init__(
        self,
        sheet: Sheet,
        picture: int,
        label: int | None,
        shape: Shape,
        files: Files,
        classes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(sheet.path.parent, shape, files)
        self.picture = sheet.names[picture]
        self.cells = sheet.beside(label)
        self.names = sheet.column(self.picture)
        self.labels = sheet.known(label)
        self.classes = classes or told(self.labels)

    def shown(self, order: Sequence[int]) -> Sequence[dict[str, Any]]:
        return [
            {**self.cells[number], self.picture: self.folder / self.names[number]}
            for number in order
        ]


def column_of_pictures(sheet: Sheet) -> int | None:
    """The first column all of whose cells are names of pictures."""
    for place, name in enumerate(sheet.names):
        if sheet.rows and all(is_picture(Path(cell).name) for cell in sheet.column(name)):
            return place
    return None


def _labelled(names: Sequence[str], part: str, classes: Sequence[str]) -> list[str]:
    """The pictures of a part, which counts only if it contains the folder of a class."""
    inside = [name for name in names if name.startswith(f"{part}/")]
    folders = {_folder(name, 1) for name in inside} - {None}
    is_part = part not in classes and (folders & set(classes) if classes else folders)
    return inside if is_part else []


def _folders(names: Sequence[str]) -> tuple[str, ...]:
    """The folders of the classes: in `train` if there are any, or else at the top."""
    in_train = {_folder(name, 1) for name in names if name.startswith(f"{TRAIN}/")} - {None}
    at_the_top = {_folder(name, 0) for name in names} - {None, TRAIN, *PARTS}
    return tuple(sorted(folder for folder in in_train or at_the_top if folder))


def _folder(name: str, depth: int) -> str | None:
    """The folder at this depth of a picture's path, if the path is that deep."""
    parts = name.split("/")
    return parts[depth] if len(parts) > depth + 1 else None
