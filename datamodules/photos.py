"""Picture files of any size, decoded once into one array on the disk."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from autoal.data.cache import NamedArrays
from autoal.data.pictures import CorruptError, Pixels, attempted, content_of, picture_of
from autoal.data.progress import progress
from autoal.data.resumed import cached_blocks
from autoal.data.rows import Shape

from .published import channels_first
from .store import key_of

KIND = "photos"  # of entries of the cache
BLOCK, BLOCK_BYTES = 512, 32 << 20  # pictures that are in memory at a time, at most


class Photos(NamedTuple):
    """What picture files have in them, each content once."""

    pixels: npt.NDArray[np.generic]  # (contents, height, width, channels), mapped from a file
    keys: list[str]  # of the contents
    contents: dict[Path, int]  # of each file that could be read, the place of its content
    wrong: list[str]  # with each of the others

    def inputs(self, places: Sequence[int]) -> Tensor:
        """These contents as rows, (n, channels, height, width), mapped from a file as well."""
        pixels = self.pixels[: len(places)]
        if [*places] != [*range(len(places))]:
            wanted = "\n".join(self.keys[place] for place in places), pixels.shape
            key = sha256(repr(wanted).encode()).hexdigest()[:24]
            pixels = cached_blocks(dict, KIND, key, lambda there: self._blocks(places, len(there.get("pixels", ()))))["pixels"]
        return channels_first(pixels)

    def _blocks(self, places: Sequence[int], done: int) -> Iterator[NamedArrays]:
        for begin in range(done, len(places), BLOCK):
            yield {"pixels": self.pixels[[*places[begin : begin + BLOCK]]]}


def photos(paths: Sequence[Path], shape: Shape) -> Photos:
    """What is in these files, decoded once for each version of them.

    Args:
        paths: of the files, in the order in which they are best decoded.
        shape: that a network reads: channels, height, width.
    """
    files = sorted(paths)
    forbidden = [path for path in files if not os.access(path, os.R_OK)]  # which may not last
    return cached_blocks(
        lambda arrays: _unpacked(arrays, files),
        KIND,
        key_of(files, (shape, forbidden)),
        lambda there: _decoded(paths, files, shape),
    )


def _unpacked(arrays: NamedArrays, files: Sequence[Path]) -> Photos:
    digests = [f"sha256:{digest.tobytes().hex()}" for digest in arrays["digests"]]
    place = {key: number for number, key in enumerate(dict.fromkeys(digests))}
    readable = [files[number] for number in arrays["files"].tolist()]
    contents = {path: place[key] for path, key in zip(readable, digests, strict=True)}
    wrong = [json.loads(line) for line in arrays["wrong"].tobytes().splitlines()]
    return Photos(arrays["pixels"], list(place), contents, wrong)


def _decoded(paths: Sequence[Path], files: Sequence[Path], shape: Shape) -> Iterator[NamedArrays]:
    """Blocks of pictures; those whose content was there before are not repeated."""

    def read(path: Path) -> tuple[bytes, Pixels]:
        content = content_of(path)
        return sha256(content).digest(), picture_of(content, shape, path, draft=True)

    place = {path: number for number, path in enumerate(files)}
    size = max(1, min(BLOCK, BLOCK_BYTES // prod(shape)))
    seen: set[bytes] = set()
    print(f"decoding {len(paths):,} pictures, once; kept for next time", file=sys.stderr)
    with progress("the decoder", len(paths)) as advance:
        for begin in range(0, len(paths), size):
            block = paths[begin : begin + size]
            found = dict(zip(block, attempted(read, block), strict=True))
            yield _block(found, place, seen, shape)
            advance(len(block))


def _block(
    found: Mapping[Path, tuple[bytes, Pixels] | CorruptError],
    place: Mapping[Path, int],
    seen: set[bytes],
    shape: Shape,
) -> NamedArrays:
    """Some pictures as they are kept, of which the new ones are seen now."""
    channels, height, width = shape
    good = {path: read for path, read in found.items() if not isinstance(read, CorruptError)}
    pixels = []
    for digest, picture in good.values():
        if digest not in seen:
            seen.add(digest)
            pixels.append(picture)
    wrong = [str(read) for read in found.values() if isinstance(read, CorruptError)]
    digests = b"".join(digest for digest, _ in good.values())
    return {
        "pixels": np.array(pixels, dtype=np.uint8).reshape(-1, height, width, channels),
        "digests": np.frombuffer(digests, dtype=np.uint8).reshape(-1, 32),
        "files": np.array([place[path] for path in good], dtype=np.int64),
        "wrong": np.frombuffer(b"".join(map(_line, wrong)), dtype=np.uint8),
    }


def _line(text: str) -> bytes:
    return json.dumps(text).encode() + b"\n"
