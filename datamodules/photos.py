"""Picture files of any size: decoded once into one array on the disk, or whenever they are read."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from autoal.data.cache import NamedArrays
from autoal.data.pictures import CorruptError, Pixels, attempted, digested, stacked
from autoal.data.resumed import cached_blocks
from autoal.data.rows import Shape
from autoal.progress import progress

from .looked import keys_of, lazy_pictures, look_through
from .published import channels_first
from .store import key_of

KIND = "photos"  # of entries of the cache
BLOCK, BLOCK_BYTES = 512, 32 << 20  # most pictures in memory at a time


class Photos(NamedTuple):
    """The contents of picture files, each once."""

    keys: list[str]  # of the contents
    contents: dict[Path, int]  # for each readable file, the place of its content
    wrong: list[str]  # messages about the others
    inputs: Callable[[Sequence[int]], Tensor]  # contents as rows, (n, channels, height, width)


def photos(paths: Sequence[Path], shape: Shape) -> Photos:
    """The contents of these files, decoded once for each version, and mapped from a file.

    Args:
        paths: of the files, in the best order for decoding.
        shape: the network's input: channels, height, width.
    """
    files = sorted(paths)
    return cached_blocks(
        lambda arrays: _unpacked(arrays, files),
        KIND,
        _key(files, shape),
        lambda there: _decoded(paths, files, shape, there),
    )


def lazy_photos(paths: Sequence[Path], shape: Shape) -> Photos:
    """The same, decoded whenever rows are read."""
    files = sorted(paths)
    looked = look_through(files, _key(files, shape), shape, draft=True)
    place = _numbered(looked.keys)
    readable = dict(zip(looked.keys, (files[each] for each in looked.places), strict=True))
    contents = {
        files[each]: place[key] for each, key in zip(looked.places, looked.keys, strict=True)
    }
    rows = lazy_pictures([readable[key] for key in place], shape, draft=True)
    return Photos([*place], contents, looked.wrong, lambda places: rows[torch.tensor(places)])


def _key(files: list[Path], shape: Shape) -> str:
    forbidden = [path for path in files if not os.access(path, os.R_OK)]  # which may change
    return key_of(files, (shape, forbidden))


def _numbered(keys: Sequence[str]) -> dict[str, int]:
    """A number for each content, in order of first occurrence."""
    return {key: number for number, key in enumerate(dict.fromkeys(keys))}


def _unpacked(arrays: NamedArrays, files: Sequence[Path]) -> Photos:
    digests = keys_of(arrays["digests"])
    place = _numbered(digests)
    readable = [files[number] for number in arrays["files"].tolist()]
    contents = {path: place[key] for path, key in zip(readable, digests, strict=True)}
    wrong = [json.loads(line) for line in arrays["wrong"].tobytes().splitlines()]
    keys = [*place]
    if len(arrays["pixels"]) != len(keys):
        raise ValueError(f"it has {len(arrays['pixels'])} pictures of {len(keys)} contents")
    return Photos(keys, contents, wrong, partial(_inputs, arrays["pixels"], keys))


def _inputs(pixels: npt.NDArray[np.generic], keys: Sequence[str], places: Sequence[int]) -> Tensor:
    """These contents as rows, also mapped from a file."""
    chosen = pixels[: len(places)]
    if [*places] != [*range(len(places))]:
        wanted = "\n".join(keys[place] for place in places), pixels.shape
        key = sha256(repr(wanted).encode()).hexdigest()[:24]
        blocks = partial(_blocks, pixels, places)
        chosen = cached_blocks(dict, KIND, key, blocks)["pixels"]
    return channels_first(chosen)


def _blocks(
    pixels: npt.NDArray[np.generic], places: Sequence[int], there: NamedArrays
) -> Iterator[NamedArrays]:
    for begin in range(len(there.get("pixels", ())), len(places), BLOCK):
        yield {"pixels": pixels[[*places[begin : begin + BLOCK]]]}


def _decoded(
    paths: Sequence[Path], files: Sequence[Path], shape: Shape, there: NamedArrays
) -> Iterator[NamedArrays]:
    """Blocks of the missing pictures; only the first copy of each content has pixels."""

    def read(path: Path) -> tuple[bytes, Pixels]:
        return digested(path, shape, draft=True)

    place = {path: number for number, path in enumerate(files)}
    done = {number for name in ("files", "left_out") for number in there.get(name, ())}
    left = [path for path in paths if place[path] not in done]
    size = max(1, min(BLOCK, BLOCK_BYTES // prod(shape)))
    seen = {digest.tobytes() for digest in there.get("digests", ())}
    print(f"decoding {len(left):,} pictures, once; kept for next time", file=sys.stderr)
    with progress("the decoder", len(left)) as advance:
        for begin in range(0, len(left), size):
            block = left[begin : begin + size]
            found = dict(zip(block, attempted(read, block), strict=True))
            yield _block(found, place, seen, shape)
            advance(len(block))


def _block(
    found: Mapping[Path, tuple[bytes, Pixels] | CorruptError],
    place: Mapping[Path, int],
    seen: set[bytes],
    shape: Shape,
) -> NamedArrays:
    """Some pictures in stored form; contents not seen before are added to `seen`."""
    good = {path: read for path, read in found.items() if not isinstance(read, CorruptError)}
    pixels = []
    for digest, picture in good.values():
        if digest not in seen:
            seen.add(digest)
            pixels.append(picture)
    wrong = {path: str(read) for path, read in found.items() if path not in good}
    digests = b"".join(digest for digest, _ in good.values())
    return {
        "pixels": stacked(pixels, shape),
        "digests": np.frombuffer(digests, dtype=np.uint8).reshape(-1, 32),
        "files": np.array([place[path] for path in good], dtype=np.int64),
        "left_out": np.array([place[path] for path in wrong], dtype=np.int64),
        "wrong": np.frombuffer(b"".join(map(_line, wrong.values())), dtype=np.uint8),
    }


def _line(text: str) -> bytes:
    return json.dumps(text).encode() + b"\n"
