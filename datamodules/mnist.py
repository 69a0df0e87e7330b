"""MNIST (LeCun et al., 1998) and Fashion-MNIST (Xiao et al., 2017), in the idx format."""

import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torchvision import datasets

from autoal.data.contract import Loaded
from autoal.errors import UserError

from .files import DataFile
from .published import PublishedData
from .store import decoded

PARTS = ("train_images", "train_labels", "test_images", "test_labels")
MAGIC = b"\x00\x00\x08"  # bytes, followed by the number of axes


class Mnist(PublishedData):
    """60,000 + 10,000 grey images of 28x28 in ten classes."""

    classes = tuple("0123456789")
    counts = (60_000, 10_000)
    published = datasets.MNIST

    def load(self) -> Loaded:
        paths = {
            part: self._get(name, md5)
            for part, (name, md5) in zip(PARTS, self.published.resources, strict=True)
        }
        arrays = decoded(
            list(paths.values()), "idx", lambda: {k: _idx(p) for k, p in paths.items()}
        )
        return self.parts(arrays)

    def _get(self, name: str, md5: str) -> Path:
        # Where torchvision keeps them, so that its files are found.
        file = f"{self.published.__name__}/raw/{name}"
        urls = tuple(f"{mirror}{name}" for mirror in self.published.mirrors)
        return self.folder.get(DataFile(file, urls, md5))


class FashionMnist(Mnist):
    """60,000 + 10,000 grey pictures of clothes, 28x28, in ten classes."""

    classes = tuple(datasets.FashionMNIST.classes)
    published = datasets.FashionMNIST


def _idx(path: Path) -> npt.NDArray[np.uint8]:
    """An idx file: a magic number, the sizes of the axes, the bytes."""
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    axes = content[3] if content.startswith(MAGIC) and len(content) > 3 else 0
    sizes = np.frombuffer(content[4 : 4 + 4 * axes], dtype=">u4").astype(int)
    values = np.frombuffer(content, dtype=np.uint8)[4 + 4 * axes :]
    if not axes or values.size != np.prod(sizes):
        raise UserError(f"{path} is not an idx file of bytes, or not all of one")
    return values.reshape(sizes)
