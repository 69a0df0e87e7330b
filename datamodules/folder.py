"""Images of one's own in folders: one folder a class."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from autoal import ImageData
from autoal.bounds import choice, number, text, whole
from autoal.data.cache import NamedArrays
from autoal.data.contract import Loaded
from autoal.data.pictures import ENDINGS, MODES, is_picture, read_pictures, refusal
from autoal.data.rows import Rows
from autoal.errors import UserError

from .npz import split
from .published import images
from .store import decoded


class Folder(ImageData):
    """`train/CLASS/*.png|jpg|jpeg|webp|bmp` and `test/CLASS/...`, or the classes alone.

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
        self.classes = self._classes(train)
        rows = self._read(train, "train")
        if not (self.path / "test").is_dir():
            return Loaded(*split(rows, self.test_share))
        return Loaded(rows, self._read(self.path / "test", "test"))

    def _read(self, folder: Path, part: str) -> Rows:
        paths = self._pictures(folder)
        if strange := sorted({path.parent.name for path in paths} - set(self.classes)):
            raise UserError(f"{folder} has a class {strange[0]!r} that the training images lack")
        if not paths:
            raise UserError(f"there are no pictures in {folder}/CLASS/; known: {' '.join(ENDINGS)}")
        options = (self.size, self.channels, self.corrupt)
        arrays = decoded(paths, options, lambda: self._decode(paths, part))
        read = [paths[place] for place in arrays[f"{part}_files"].tolist()]
        names = [str(path.relative_to(self.path)) for path in read]
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

    def _classes(self, folder: Path) -> tuple[str, ...]:
        """The folders that have pictures."""
        names = sorted({path.parent.name for path in self._pictures(folder)})
        for child in sorted(folder.iterdir()):
            if child.is_dir() and self._may_be_class(child) and child.name not in names:
                print(f"left out {child}: no picture is in it", file=sys.stderr)
        if len(names) < 2:
            raise UserError(
                f"{folder} must have a folder of pictures for each class, two at least; "
                f"found {', '.join(names) or 'none'}"
            )
        return tuple(names)

    def _pictures(self, folder: Path) -> list[Path]:
        """The picture files of all classes, in an order that every file system gives."""
        found = (path for path in folder.glob("*/*") if is_picture(path))
        return sorted(path for path in found if self._may_be_class(path.parent))

    def _may_be_class(self, folder: Path) -> bool:
        """Whether a folder is neither a program's own nor another part beside the classes."""
        parts = (self.path / "test", self.path / "val")
        return not folder.name.startswith((".", "__MACOSX")) and folder not in parts
