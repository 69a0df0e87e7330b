"""Street View House Numbers (Netzer et al., 2011), cropped digits."""

from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError
from torchvision import datasets

from autoal.data.cache import NamedArrays
from autoal.data.contract import Loaded
from autoal.errors import UserError

from .files import DataFile
from .published import PublishedData
from .store import decoded


class Svhn(PublishedData):
    """73,257 + 26,032 colour images of 32x32 in ten classes."""

    classes = tuple("0123456789")
    counts = (73_257, 26_032)

    def load(self) -> Loaded:
        paths = {}
        for part in ("train", "test"):
            url, name, md5 = datasets.SVHN.split_list[part]
            paths[part] = self.folder.get(DataFile(name, (url,), md5))
        return self.parts(decoded(list(paths.values()), "svhn", lambda: _decode(paths)))


def _decode(paths: dict[str, Path]) -> NamedArrays:
    arrays: NamedArrays = {}
    for part, path in paths.items():
        try:
            content = loadmat(path)
            pixels, labels = content["X"], content["y"]
        except (MatReadError, KeyError, ValueError, TypeError, NotImplementedError) as error:
            raise UserError(f"{path} cannot be read: {error!r}") from error
        arrays[f"{part}_images"] = np.ascontiguousarray(np.moveaxis(pixels, 3, 0))
        arrays[f"{part}_labels"] = labels.reshape(-1).astype(np.int64) % 10  # 10 stands for 0
    return arrays
