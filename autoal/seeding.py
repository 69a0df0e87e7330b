"""Randomness from one seed: every purpose has its own stream, independent of earlier draws."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

import torch


def derive(seed: int, *purpose: str | int) -> int:
    """A seed for one purpose, such as `derive(0, 3, "fit")`."""
    digest = sha256(repr((seed, *purpose)).encode()).digest()
    return int.from_bytes(digest[:7], "big")


def generator(seed: int, *purpose: str | int) -> torch.Generator:
    """A fresh stream on the CPU for one purpose."""
    return torch.Generator().manual_seed(derive(seed, *purpose))


@contextmanager
def seeded(seed: int, *purpose: str | int) -> Iterator[None]:
    """Seed the global streams, which layers use, and restore them afterwards."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(derive(seed, *purpose))
        yield
