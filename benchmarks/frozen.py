"""Data sets whose features stay as they are: a solved head on them takes a moment to train.

`AUTOAL_DATA` is a folder with waveform.csv, and with mnist.npz, pneumoniamnist.npz and
cifar10_10k.npz in MedMNIST's layout. Each seed draws its own pool, so that strategies that draw
nothing themselves are tried on different rows too.
"""

from collections.abc import Callable
from copy import copy
from functools import cache

import torch

from autoal import Data, Encoded
from autoal.encoders.patches import Patches
from benchmarks.quality.sets import drawn, given

POOL = 1_000  # rows that a seed draws
KEPT = 4_000  # rows of a larger data set that are encoded, of its training and of its test part
COMPONENTS = 100  # of the patch features


def digits() -> Data:
    """Pixels."""
    from autoal.datamodules.digits import Digits

    return Digits()


def waveform() -> Data:
    """Columns; a fifth of the rows is the test."""
    from autoal.datamodules.table import Table

    return Table(str(given("waveform.csv")), validation=0)


def images(name: str) -> Data:
    """Patch features."""
    from autoal.datamodules.npz import Npz

    data = Npz(str(given(f"{name}.npz")), validation=0)
    data.setup()
    assert data.test is not None
    data.train, data.test = drawn(data.train, KEPT, 0), drawn(data.test, KEPT, 0)
    return Encoded(data, Patches(components=COMPONENTS), torch.device("cpu"))


SETS: dict[str, Callable[[], Data]] = {
    "digits (pixels)": digits,
    "waveform (columns)": waveform,
    "MNIST (patches)": lambda: images("mnist"),
    "PneumoniaMNIST (patches)": lambda: images("pneumoniamnist"),
    "CIFAR-10 (patches)": lambda: images("cifar10_10k"),
}


@cache
def whole(name: str) -> Data:
    """A data set with all of its rows."""
    data = SETS[name]()
    data.setup()
    return data


def pool_of(name: str, seed: int) -> Data:
    """The data set with the pool that a seed draws."""
    data = copy(whole(name))
    data.train = drawn(data.train, POOL, seed)
    return data
