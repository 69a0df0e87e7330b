"""Your own images in shards, in WebDataset's format."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autoal.data.cache import NamedArrays, cached
from autoal.data.classes import class_numbers, named_by
from autoal.data.pictures import Member
from autoal.data.shards import ENDING, Sample, samples_of, shards_in
from autoal.errors import UserError

from .picture_set import Labelled, PictureSet
from .store import key_of

DIGITS = 10  # of a number that is too long to be a class

Array = npt.NDArray[np.generic]


class Shards(PictureSet):
    """`train/*.tar`, `test/*.tar`, `val/*.tar`, or just shards.

    A sample is a picture and its class, a name or a number: `KEY.jpg` and `KEY.cls`, or `KEY.json`
    with a `label`. Shards may be of unequal lengths.
    """

    def labelled(self) -> dict[str, Labelled]:
        if not self.path.is_dir():
            raise UserError(f"there is no folder {self.path}; data.path= names one")
        train = self.path / "train" if (self.path / "train").is_dir() else self.path
        folders = {"train": train, **{part: self.path / part for part in self.other_parts()}}
        found = {part: _index(folder) for part, folder in folders.items() if folder.is_dir()}
        labels = {part: _numbered([each.label for each in found[part]]) for part in found}
        self.classes = named_by(
            {f"{part} labels": told for part, told in labels.items()}, gaps=True
        )
        return {part: self._part(part, samples, labels[part]) for part, samples in found.items()}

    def _part(self, part: str, samples: Sequence[Sample], labels: Array) -> Labelled:
        pictures = [sample.picture for sample in samples]
        numbers = class_numbers(labels, self.classes, f"{part} labels").tolist()
        names = [str(picture).removeprefix(f"{self.path}/") for picture in pictures]
        files = list(dict.fromkeys(picture.file for picture in pictures))
        return Labelled(pictures, [self.classes[number] for number in numbers], names, files)


def _numbered(labels: Sequence[str]) -> Array:
    """The labels, as numbers if all are numbers."""
    numbers = all(label.isdecimal() and len(label) < DIGITS for label in labels)
    return np.array(labels, dtype=np.int64 if numbers else np.str_)


def _index(folder: Path) -> list[Sample]:
    """The samples of all shards of a folder, whose headers are read once."""
    shards = shards_in(folder)
    if not shards:
        raise UserError(f"there are no shards in {folder}, named *{ENDING}")
    arrays = cached("shards", key_of(shards, "all samples"), lambda: _arrays(shards))
    if not len(arrays["labels"]):
        raise UserError(f"there are no pictures in the shards of {folder}")
    columns = (arrays[name].tolist() for name in ("files", "names", "begins", "sizes", "labels"))
    return [
        Sample(Member(shards[file], name, begin, size), label)
        for file, name, begin, size, label in zip(*columns, strict=True)
    ]


def _arrays(shards: Sequence[Path]) -> NamedArrays:
    """The index of the shards, in stored form."""
    found = [(file, each) for file, shard in enumerate(shards) for each in samples_of(shard)]
    pictures = [sample.picture for _, sample in found]
    return {
        "files": np.array([file for file, _ in found], dtype=np.int64),
        "names": np.array([picture.name for picture in pictures], dtype=np.str_),
        "begins": np.array([picture.begin for picture in pictures], dtype=np.int64),
        "sizes": np.array([picture.size for picture in pictures], dtype=np.int64),
        "labels": np.array([sample.label for _, sample in found], dtype=np.str_),
    }
