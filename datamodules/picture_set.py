"""Your own pictures, each with a class, all resized to one size."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from autoal import ImageData
from autoal.bounds import choice, number, text, whole
from autoal.data.cache import NamedArrays
from autoal.data.contract import Loaded
from autoal.data.memory import MEMORY, on_disk
from autoal.data.order import in_fixed_order
from autoal.data.pictures import (
    MODES,
    CorruptError,
    Stored,
    attempted,
    digested,
    leave_out,
    stacked,
)
from autoal.data.rows import Rows
from autoal.errors import UserError

from .looked import decoded_size, keys_of, lazy_pictures, look_through
from .npz import with_test
from .published import images
from .store import decoded, key_of

UPRIGHT = "upright"  # marks stored pictures as upright; older entries are ignored


class Labelled(NamedTuple):
    """The pictures of a part."""

    stored: Sequence[Stored]
    classes: Sequence[str]  # of each
    names: Sequence[str]  # of each, for people
    files: list[Path]  # that contain them all


class PictureSet(ImageData):
    """Parts `train`, `test` and `val`; without `test`, some of the pictures become the test set.

    Args:
        path: of the folder.
        size: height and width of the resized pictures.
        channels: 3 for colour, 1 for grey.
        test_share: share of the pictures that becomes the test set without a folder `test`.
        corrupt: refuse or skip pictures that cannot be read.
        memory: ram holds all pictures decoded; disk decodes them whenever they are read; auto is
            disk if they would take more than a quarter of the free memory.
        options: of every `ImageData`.
    """

    def __init__(
        self,
        path: str,
        size: int = 32,
        channels: int = 3,
        test_share: float = 0.2,
        corrupt: str = "refuse",
        memory: str = "auto",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        whole("size", size, least=1, most=1024)
        if channels not in MODES:
            raise ValueError(f"`channels` must be 1 or 3, got {channels}")
        text("path", path)
        number("test_share", test_share, above=0, below=1)
        choice("corrupt", corrupt, ("refuse", "skip"))
        choice("memory", memory, MEMORY)
        self.path = Path(path).expanduser()
        self.picture = channels, size, size
        self.test_share = test_share
        self.corrupt = corrupt
        self.memory = memory

    def load(self) -> Loaded:
        rows = {part: self._rows(part, given) for part, given in self.labelled().items()}
        return with_test(rows, self.test_share)

    @abstractmethod
    def labelled(self) -> dict[str, Labelled]:
        """The pictures of each existing part; sets the classes."""

    def other_parts(self) -> tuple[str, ...]:
        """The parts beside `train`; `val` is read only if validation rows are asked for."""
        return ("test", "val") if self.held_out != 0 else ("test",)

    def _rows(self, part: str, given: Labelled) -> Rows:
        channels, size, _ = self.picture
        wanted = (part, UPRIGHT, self.classes, size, channels, self.corrupt)
        if on_disk(self.memory, decoded_size(len(given.stored), self.picture)):
            return self._lazy(part, given, key_of(given.files, (part, UPRIGHT, self.picture)))
        arrays = decoded(given.files, wanted, lambda: self._decode(part, given))
        names = [given.names[row] for row in arrays[f"{part}_files"].tolist()]
        digests = arrays.get(f"{part}_digests")  # None: an older entry without digests
        keys = None if digests is None else keys_of(digests)
        return images(arrays, part, self.classes, names, keys)

    def _lazy(self, part: str, given: Labelled, key: str) -> Rows:
        """Rows decoded when they are read, in the order of `decoded`."""
        looked = look_through(given.stored, key, self.picture, draft=False)
        labels = self._labels(given, looked.places, looked.wrong)
        stored = [given.stored[place] for place in looked.places]
        inputs = lazy_pictures(stored, self.picture, draft=False)
        names = [given.names[place] for place in looked.places]
        rows = Rows(inputs, labels, shown=inputs, names=names, keys=looked.keys, part=part)
        return in_fixed_order(rows) if part == "train" else rows

    def _decode(self, part: str, given: Labelled) -> NamedArrays:
        found = attempted(lambda stored: digested(stored, self.picture), given.stored)
        wrong = [str(each) for each in found if isinstance(each, CorruptError)]
        good = {
            place: each for place, each in enumerate(found) if not isinstance(each, CorruptError)
        }
        labels = self._labels(given, [*good], wrong).numpy()
        digests = b"".join(digest for digest, _ in good.values())
        return {
            f"{part}_images": stacked([picture for _, picture in good.values()], self.picture),
            f"{part}_labels": labels,
            f"{part}_files": np.array([*good], dtype=np.int64),  # which of them could be read
            f"{part}_digests": np.frombuffer(digests, dtype=np.uint8).reshape(-1, 32),
        }

    def _labels(self, given: Labelled, places: Sequence[int], wrong: list[str]) -> Tensor:
        """The classes of the readable pictures; the others are refused or reported."""
        leave_out(wrong, self.corrupt)
        found = [given.classes[place] for place in places]
        if lost := set(given.classes) - set(found):
            raise UserError(f"no picture of the class {min(lost)!r} can be read: {wrong[0]}")
        number = {name: place for place, name in enumerate(self.classes)}
        return torch.tensor([number[name] for name in found])
