"""Your own images in folders: one folder per class."""

import sys
from collections.abc import Mapping
from pathlib import Path

from autoal.data.pictures import ENDINGS, pictures_in
from autoal.errors import UserError

from .picture_set import Labelled, PictureSet


class Folder(PictureSet):
    """`train/CLASS/*.png|jpg|jpeg|webp|bmp`, `test/CLASS/...`, `val/CLASS/...`, or just classes."""

    def labelled(self) -> dict[str, Labelled]:
        train = self.path / "train" if (self.path / "train").is_dir() else self.path
        if not train.is_dir():
            raise UserError(f"there is no folder {self.path}; data.path= names one")
        pictures = self._pictures(train)
        self.classes = _classes(train, pictures)
        parts = {"train": self._part(train, pictures)}
        for part in self.other_parts():
            if (folder := self.path / part).is_dir():
                parts[part] = self._part(folder, self._pictures(folder))
        return parts

    def _part(self, folder: Path, pictures: dict[str, list[Path]]) -> Labelled:
        there = [name for name, paths in pictures.items() if paths]
        if strange := sorted(set(there) - set(self.classes)):
            raise UserError(f"{folder} has a class {strange[0]!r} that the training images lack")
        if not there:
            raise UserError(f"there are no pictures in {folder}/CLASS/; known: {' '.join(ENDINGS)}")
        paths = [path for name in there for path in pictures[name]]
        names = [str(path).removeprefix(f"{self.path}/") for path in paths]
        return Labelled(paths, [path.parent.name for path in paths], names, paths)

    def _pictures(self, folder: Path) -> dict[str, list[Path]]:
        """The picture files in each folder, in the same order on every file system."""
        classes = sorted(child for child in folder.iterdir() if self._may_be_class(child))
        return {child.name: pictures_in(child) for child in classes}

    def _may_be_class(self, folder: Path) -> bool:
        """Whether a folder is neither a program's own nor another part beside the classes."""
        parts = (self.path / "test", self.path / "val")
        own = folder.name.startswith((".", "__MACOSX"))
        return not own and folder not in parts and folder.is_dir()


def _classes(folder: Path, pictures: Mapping[str, list[Path]]) -> tuple[str, ...]:
    """The folders with pictures."""
    for name in (name for name, paths in pictures.items() if not paths):
        print(f"left out {folder / name}: no picture is in it", file=sys.stderr)
    names = tuple(name for name, paths in pictures.items() if paths)
    if len(names) < 2:
        raise UserError(
            f"{folder} must have a folder of pictures for each of at least two classes; "
            f"found {', '.join(names) or 'none'}\n"
            "  data=unlabelled reads pictures that are not sorted into classes"
        )
    return names
