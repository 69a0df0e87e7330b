"""A pool of features in a file, of any size."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from autoal import Data
from autoal.data.contract import LEAST, Loaded, Standardise
from autoal.data.rows import Rows
from autoal.seeding import generator

WIDTH, CLASSES, INNER = 384, 10, 16
BLOCK = 50_000  # rows made at a time
READ = 100_000  # rows whose columns determine the standardisation


class Mapped(Data):
    """Features in half precision, of which only the parts that are read are in memory.

    Args:
        folder: of the two files.
        rows: of them, from the first.
    """

    keeps_order = True

    def __init__(self, folder: Path, rows: int) -> None:
        super().__init__()
        self.folder = folder
        self.rows = rows

    def load(self) -> Loaded:
        self.classes = tuple(f"class {number}" for number in range(CLASSES))
        features = np.load(self.folder / "features.npy", mmap_mode="c")[: self.rows]
        labels = np.load(self.folder / "labels.npy")[: self.rows]
        return Loaded(Rows(torch.from_numpy(features), torch.from_numpy(labels)))

    def preprocess(self) -> nn.Module:
        some = self.train.inputs[:READ].float()
        return Standardise(some.mean(0), some.std(0, correction=0).clamp(min=LEAST))


def make(folder: Path, rows: int) -> None:
    """Write the features and classes of this many rows, unless they exist.

    They are a mixture of classes in few directions, with noise, as a network's are.
    """
    path = folder / "features.npy"
    if path.exists() and len(np.load(path, mmap_mode="r")) >= rows:
        return
    folder.mkdir(parents=True, exist_ok=True)
    shape = (rows, WIDTH)
    features = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
    stream = generator(0, "rows")
    centres = 0.7 * torch.randn(CLASSES, INNER, generator=stream)
    directions = torch.randn(INNER, WIDTH, generator=stream) / 4
    labels = torch.randint(CLASSES, (rows,), generator=stream)
    for piece in torch.arange(rows).split(BLOCK):
        features[piece.numpy()] = _drawn(centres[labels[piece]], directions, stream)
    features.flush()
    np.save(folder / "labels.npy", labels.numpy())


def _drawn(centres: Tensor, directions: Tensor, stream: torch.Generator) -> np.ndarray:
    inner = centres + torch.randn(centres.shape, generator=stream)
    noise = torch.randn(len(centres), WIDTH, generator=stream) / 2
    return (inner @ directions + noise).half().numpy()
