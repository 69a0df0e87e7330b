"""Images of one's own in folders: one folder a class."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autoal import ImageData
from autoal.bounds import choice, number, text, whole
from autoal.data.cache import NamedArrays
from autoal.data.contract import Loaded
from autoal.data.pictures import ENDINGS, MODES, pictures_in, read_pictures, refusal
from autoal.data.rows import Rows
from autoal.errors import UserError

from .npz import with_test
from .published import images
from .store import decoded

UPRIGHT = "upright"  # as which pictures are kept; others that were kept earlier are not meant


class Folder(ImageData):
    """`train/CLASS/*.png|jpg|jpeg|webp|bmp`, `test/CLASS/...`, `val/CLASS/...`, or classes alone.

    The pictures of `val` are read where validation rows are asked for.

    Args:
        path: of the folder.
        size: to which all pictures are resized, height and width.
        channels: 3 for colour, 1 for grey.
        test_share: of the pictures that become the test set where there is no folder `test`.
        corrupt: refuse or skip files that cannot be read.
        options: of every `ImageData`.
    """

    def __init__(
        self,
        path: str,
        size: int = 32,
        channels: int = 3,
        test_share: float = 0.2,
        corrupt: str = "refuse",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        whole("size", size, least=1, most=1024)
        if channels not in MODES:
            raise ValueError(f"`channels` must be 1 or 3, got {channels}")
        text("path", path)
        number("test_share", test_share, above=0, below=1)
        choice("corrupt", corrupt, ("refuse", "skip"))
        self.path = Path(path).expanduser()
        self.size = size
        self.channels = channels
        self.test_share = test_share
        self.corrupt = corrupt

    def load(self) -> Loaded:
        train = self.path / "train" if (self.path / "train").is_dir() else self.path
        if not train.is_dir():
            raise UserError(f"there is no folder {self.path}; data.path= names one")
        pictures = self._pictures(train)
        self.classes = _classes(train, pictures)
        rows = {"train": self._read(train, "train", pictures)}
        for part in ("test", "val") if self.held_out != 0 else ("test",):
            if (folder := self.path / part).is_dir():
                rows[part] = self._read(folder, part, self._pictures(folder))
        return with_test(rows, self.test_share)

    def _read(self, folder: Path, part: str, pictures: dict[str, list[Path]]) -> Rows:
        there = [name for name, paths in pictures.items() if paths]
        if strange := sorted(set(there) - set(self.classes)):
            raise UserError(f"{folder} has a class {strange[0]!r} that the training images lack")
        if not there:
            raise UserError(f"there are no pictures in {folder}/CLASS/; known: {' '.join(ENDINGS)}")
        paths = [path for name in there for path in pictures[name]]
        wanted = (part, UPRIGHT, self.classes, self.size, self.channels, self.corrupt)
        arrays = decoded(paths, wanted, lambda: self._decode(paths, part))
        start = f"{self.path}/"
        names = [str(paths[row]).removeprefix(start) for row in arrays[f"{part}_files"].tolist()]
        return images(arrays, part, self.classes, names)

    def _decode(self, paths: list[Path], part: str) -> NamedArrays:
        pixels, rows, wrong = read_pictures(paths, (self.channels, self.size, self.size))
        if wrong and self.corrupt == "refuse":
            raise UserError(f"{refusal(wrong)}\n  give data.corrupt=skip to leave such files out")
        for message in wrong:
            print(f"left out {message}", file=sys.stderr)
        names = [paths[row].parent.name for row in rows]
        if lost := {path.parent.name for path in paths} - set(names):
            raise UserError(f"no picture of the class {min(lost)!r} can be read: {wrong[0]}")
        labels = [self.classes.index(name) for name in names]
        return {
            f"{part}_images": pixels,
            f"{part}_labels": np.asarray(labels, dtype=np.int64),
            f"{part}_files": np.asarray(rows, dtype=np.int64),  # which of them could be read
        }

    def _pictures(self, folder: Path) -> dict[str, list[Path]]:
        """The picture files in each folder, in an order that every file system gives."""
        classes = sorted(child for child in folder.iterdir() if self._may_be_class(child))
        return {child.name: pictures_in(child) for child in classes}

    def _may_be_class(self, folder: Path) -> bool:
        """Whether a folder is neither a program's own nor another part beside the classes."""
        parts = (self.path / "test", self.path / "val")
        own = folder.name.startswith((".", "__MACOSX"))
        return not own and folder not in parts and folder.is_dir()


def _classes(folder: Path, pictures: Mapping[str, list[Path]]) -> tuple[str, ...]:
    """The folders that have pictures."""
    for name in (name for name, paths in pictures.items() if not paths):
        print(f"left out {folder / name}: no picture is in it", file=sys.stderr)
    names = tuple(name for name, paths in pictures.items() if paths)
    if len(names) < 2:
        raise UserError(
            f"{folder} must have a folder of pictures for each class, two at least; "
            f"found {', '.join(names) or 'none'}"
        )
    return names
