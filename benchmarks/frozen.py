"""Data sets with fixed features: a solved head trains on them in a moment.

The folders are those of `benchmarks.quality.sets`. Each seed draws its own pool, so that strategies
that draw nothing themselves are tried on different rows too.
"""

from collections.abc import Callable
from functools import cache, partial

from autoal import Data
from autoal.encoders.patches import Patches
from benchmarks.quality.sets import digits, pictures, pooled, table

POOL = 1_000  # rows that a seed draws
PATCHES = Patches(components=100)
SETS: dict[str, Callable[[], Data]] = {
    "digits (pixels)": digits,
    "waveform (columns)": partial(table, "waveform.csv"),
    "MNIST (patches)": partial(pictures, "mnist.npz", PATCHES),
    "PneumoniaMNIST (patches)": partial(pictures, "pneumoniamnist.npz", PATCHES),
    "CIFAR-10 (patches)": partial(pictures, "cifar10_10k.npz", PATCHES),
}


@cache
def whole(name: str) -> Data:
    """A data set with all its rows."""
    data = SETS[name]()
    data.setup()
    return data


def pool_of(name: str, seed: int) -> Data:
    """The data set with the pool that this seed draws."""
    return pooled(whole(name), POOL, seed)
