"""Pictures that stay in their files: checked once, and decoded whenever they are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from autoal.data.cache import NamedArrays
from autoal.data.lazy import LazyTensor
from autoal.data.pictures import CorruptError, Stored, all_pictures, attempted, digested
from autoal.data.resumed import cached_blocks
from autoal.data.rows import Shape
from autoal.progress import progress

from .published import channels_first

KIND = "looked"  # of entries of the cache
BLOCK = 512  # pictures checked at a time


class Looked(NamedTuple):
    """The findings about some pictures, each of which was decoded once."""

    places: list[int]  # of the readable ones, among all
    keys: list[str]  # of their contents
    wrong: list[str]  # messages about the others


def look_through(stored: Sequence[Stored], key: str, shape: Shape, *, draft: bool) -> Looked:
    """Find which of these pictures can be read, and the keys of their contents.

    Args:
        stored: where they are.
        key: identifies these files in their current versions.
        shape: the network's input: channels, height, width.
        draft: as for `picture_of`.
    """
    return cached_blocks(_unpacked, KIND, key, lambda there: _look(stored, there, shape, draft))


def lazy_pictures(stored: Sequence[Stored], shape: Shape, *, draft: bool) -> Tensor:
    """Rows decoded when they are read, (n, channels, height, width)."""
    channels, height, width = shape
    like = torch.empty(1, height, width, channels, dtype=torch.uint8).permute(0, 3, 1, 2)

    def read(places: Tensor) -> Tensor:
        wanted = [stored[place] for place in places.tolist()]
        return channels_first(all_pictures(wanted, shape, draft=draft))

    return LazyTensor(read, torch.arange(len(stored)), like)


def keys_of(digests: npt.NDArray[np.generic]) -> list[str]:
    """The keys of contents with these digests, (n, 32) bytes."""
    return [f"sha256:{digest.tobytes().hex()}" for digest in digests]


def decoded_size(count: int, shape: Shape) -> int:
    """The bytes of this many decoded pictures."""
    return count * prod(shape)


def _look(
    stored: Sequence[Stored], there: NamedArrays, shape: Shape, draft: bool
) -> Iterator[NamedArrays]:
    """The findings on the pictures after those already checked."""

    def digest(place: Stored) -> bytes:
        return digested(place, shape, draft=draft)[0]

    done = sum(len(there.get(name, ())) for name in ("places", "left_out"))
    print(f"checking {len(stored) - done:,} pictures, once", file=sys.stderr)
    with progress("the decoder", len(stored) - done) as advance:
        for begin in range(done, len(stored), BLOCK):
            found = attempted(digest, stored[begin : begin + BLOCK])
            yield _block(begin, found)
            advance(len(found))


def _block(begin: int, found: Sequence[bytes | CorruptError]) -> NamedArrays:
    """The findings on some pictures, in stored form."""
    good = {place: each for place, each in enumerate(found, begin) if isinstance(each, bytes)}
    wrong = {place: str(each) for place, each in enumerate(found, begin) if place not in good}
    lines = "".join(f"{json.dumps(message)}\n" for message in wrong.values())
    return {
        "places": np.array([*good], dtype=np.int64),
        "digests": np.frombuffer(b"".join(good.values()), dtype=np.uint8).reshape(-1, 32),
        "left_out": np.array([*wrong], dtype=np.int64),
        "wrong": np.frombuffer(lines.encode(), dtype=np.uint8),
    }


def _unpacked(arrays: NamedArrays) -> Looked:
    wrong = [json.loads(line) for line in arrays["wrong"].tobytes().splitlines()]
    return Looked(arrays["places"].tolist(), keys_of(arrays["digests"]), wrong)
