"""Tiny ImageNet: 200 classes of ImageNet at 64x64."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from autoal.data.cache import NamedArrays
from autoal.data.contract import Loaded
from autoal.data.pictures import all_pictures
from autoal.errors import UserError

from .files import DataFile
from .published import PublishedData
from .store import decoded

SIZE = 64
NAME = "tiny-imagenet-200"
ARCHIVE = DataFile(
    f"{NAME}.zip",
    (f"http://cs231n.stanford.edu/{NAME}.zip",),
    "90528d7ca1a48142e341f4ef8d21d0de",
)


class TinyImageNet(PublishedData):
    """100,000 training images; the 10,000 labelled validation images are the test set."""

    counts = (100_000, 10_000)

    def load(self) -> Loaded:
        folder = self.folder.path / NAME
        if not folder.is_dir():
            _unpack(self.folder.get(ARCHIVE), self.folder.path)
        listing = folder / "wnids.txt"
        if not listing.is_file():
            raise UserError(f"{listing} is missing; remove {folder} to have it unpacked again")
        wnids = listing.read_text().split()
        self.classes = _names(folder / "words.txt", wnids)
        sources = [listing, folder / "val" / "val_annotations.txt", folder / "train"]
        return self.parts(decoded(sources, NAME, lambda: _decode(folder, wnids)))


def _decode(folder: Path, wnids: list[str]) -> NamedArrays:
    arrays: NamedArrays = {}
    number = {name: place for place, name in enumerate(wnids)}
    for part, found in (("train", _training(folder)), ("test", _validation(folder))):
        pairs = sorted(found)
        arrays[f"{part}_images"] = all_pictures([path for path, _ in pairs], (3, SIZE, SIZE))
        labels = [number[name] for _, name in pairs]
        arrays[f"{part}_labels"] = np.asarray(labels, dtype=np.int64)
    return arrays


def _names(words: Path, wnids: list[str]) -> tuple[str, ...]:
    """The first word for each class, or its identifier if the list of words is missing."""
    if not words.is_file():
        return tuple(wnids)
    known = dict(line.split("\t", 1) for line in words.read_text().splitlines() if "\t" in line)
    return tuple(known.get(wnid, wnid).split(",")[0].strip() for wnid in wnids)


def _training(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in (folder / "train").glob("*/images/*.JPEG"):
        yield path, path.parent.parent.name


def _validation(folder: Path) -> Iterator[tuple[Path, str]]:
    for line in (folder / "val" / "val_annotations.txt").read_text().splitlines():
        name, label, *_ = line.split("\t")
        yield folder / "val" / "images" / name, label


def _unpack(archive: Path, parent: Path) -> None:
    """Unpack beside the archive; the folder gets its name when it is complete."""
    part = parent / f".{NAME}.part"
    try:
        with zipfile.ZipFile(archive) as file:
            file.extractall(part)
        (part / NAME).replace(parent / NAME)
        part.rmdir()
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f"{archive} cannot be unpacked: {error}") from error
