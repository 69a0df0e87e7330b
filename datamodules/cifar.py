"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009), in torchvision's layout."""

import io
import pickle
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from torchvision import datasets

from autoal.data.cache import NamedArrays
from autoal.data.contract import Loaded
from autoal.errors import UserError

from .files import DataFile
from .published import PublishedData
from .store import decoded


class Cifar10(PublishedData):
    """50,000 + 10,000 colour images of 32x32 in ten classes."""

    classes: tuple[str, ...] = (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    )
    counts = (50_000, 10_000)
    published = datasets.CIFAR10
    key = "labels"

    def load(self) -> Loaded:
        batches = self._batches()
        source = self.folder.path / self.published.base_folder
        if source.is_dir():
            for name, md5 in batches.items():
                self.folder.verify(_there(source / name), md5)
            sources = [source / name for name in batches]
        else:
            source = self.folder.get(self._archive())
            sources = [source]
        arrays = decoded(sources, (self.key, list(batches)), lambda: self._decode(source))
        if "classes" in arrays:
            self.classes = tuple(str(name) for name in arrays["classes"])
        return self.parts(arrays)

    def _archive(self) -> DataFile:
        return DataFile(self.published.filename, (self.published.url,), self.published.tgz_md5)

    def _batches(self) -> dict[str, str]:
        """The files of the set with their checksums, training images first."""
        return dict([*self.published.train_list, *self.published.test_list])

    def _contents(self, source: Path) -> dict[str, bytes]:
        names = list(self._batches())
        if source.is_dir():
            return {name: (source / name).read_bytes() for name in names}
        return _unpack(source, self.published.base_folder, names)

    def _decode(self, source: Path) -> NamedArrays:
        contents = self._contents(source)
        train = [name for name, _ in self.published.train_list]
        test = [name for name, _ in self.published.test_list]
        arrays: NamedArrays = {}
        for part, names in (("train", train), ("test", test)):
            batches = [_unpickle(contents[name]) for name in names]
            pixels = np.concatenate([batch["data"] for batch in batches])
            # The three colour planes of an image follow each other.
            planes = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            arrays[f"{part}_images"] = np.ascontiguousarray(planes)
            labels = [label for batch in batches for label in batch[self.key]]
            arrays[f"{part}_labels"] = np.asarray(labels, dtype=np.int64)
        return arrays


class Cifar100(Cifar10):
    """50,000 + 10,000 colour images of 32x32 in a hundred fine classes."""

    classes = tuple(f"class {number}" for number in range(100))  # until their names are read
    published = datasets.CIFAR100
    key = "fine_labels"

    def _batches(self) -> dict[str, str]:
        meta = self.published.meta
        return {**super()._batches(), meta["filename"]: meta["md5"]}

    def _decode(self, source: Path) -> NamedArrays:
        meta = _unpickle(self._contents(source)[self.published.meta["filename"]])
        return {**super()._decode(source), "classes": np.array(meta["fine_label_names"])}


def _there(path: Path) -> Path:
    if not path.is_file():
        raise UserError(f"{path} is missing; remove {path.parent} to have the set fetched again")
    return path


def _unpack(archive: Path, folder: str, names: Iterable[str]) -> dict[str, bytes]:
    """The contents of some members of an archive; nothing is written to disk."""
    try:
        with tarfile.open(archive) as tar:
            found = {name: tar.extractfile(f"{folder}/{name}") for name in names}
            return {name: file.read() for name, file in found.items() if file}
    except (tarfile.TarError, EOFError, KeyError, OSError) as error:
        raise UserError(f"{archive} cannot be read: {error}") from error


class _ArraysOnly(pickle.Unpickler):
    """Builds only numpy arrays and plain values; a pickle that names anything else is refused."""

    ALLOWED: ClassVar = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no data set needs")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def _unpickle(content: bytes) -> dict[str, Any]:
    try:
        return _ArraysOnly(io.BytesIO(content), encoding="latin1").load()
    except (pickle.UnpicklingError, EOFError, ValueError, AttributeError) as error:
        raise UserError(f"a batch of the set cannot be read: {error}") from error
