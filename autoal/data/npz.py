"""Numpy files: only the needed arrays are read, and nothing in them is trusted."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt

from autoal.bounds import demand_file
from autoal.data.cache import NamedArrays, is_plain
from autoal.errors import UserError

MOST_BYTES = 64 << 30  # most that the arrays of a file may take on any machine
MOST_DEFLATED = 1032  # most bytes that one compressed byte can become
ENCRYPTED = 0x1  # bit of a member's flags
KINDS = "biufSU"  # numbers and texts; no dates, records, complex numbers or objects
ENDING = ".npy"  # of each array in an npz file
PIECE = 32 << 20  # bytes read together, unless all are

Array = npt.NDArray[Any]


def read_npz(path: Path, needed: Collection[str], also: Collection[str] = ()) -> NamedArrays:
    """Read some arrays of a file, by name.

    Args:
        path: of the file.
        needed: the arrays without which it is refused.
        also: those that are read if they exist.
    """
    with _refusing(path), ZipFile(path) as file:
        members = _members(file)
        wanted = [*needed, *(name for name in also if name in members)]
        if absent := [name for name in needed if name not in members]:
            raise _lacking(absent[0], members)
        _demand_room(sum(members[name].file_size for name in wanted))
        return {name: _array_of(file, members[name]) for name in wanted}


def npz_size(path: Path, names: Collection[str]) -> int:
    """Bytes of those of these arrays that the file has."""
    with _refusing(path), ZipFile(path) as file:
        members = _members(file)
        return sum(members[name].file_size for name in names if name in members)


def npz_blocks(
    path: Path, needed: Collection[str], also: Collection[str], there: NamedArrays
) -> Iterator[NamedArrays]:
    """The arrays of `read_npz`, some rows at a time, so that none is ever fully in memory.

    Args:
        path: of the file.
        needed: the arrays without which it is refused.
        also: those that are read if they exist.
        there: leading rows of some arrays, which are skipped.
    """
    with _refusing(path), ZipFile(path) as file:
        members = _members(file)
        if absent := [name for name in needed if name not in members]:
            raise _lacking(absent[0], members)
        for name in [*needed, *(name for name in also if name in members)]:
            for block in _blocks_of(file, members[name], len(there.get(name, ()))):
                yield {name: block}


def _blocks_of(file: ZipFile, entry: ZipInfo, done: int) -> Iterator[Array]:
    """The rows of an array after this many."""
    _demand_readable(entry)
    with file.open(entry) as stream:
        _demand_sound(entry.filename, stream, entry.file_size)
    with file.open(entry) as stream:
        shape, across, dtype = _head(stream)
        if across or not shape:
            raise ValueError(f"{entry.filename} is not stored row by row: give data.memory=ram")
        size = prod(shape[1:]) * dtype.itemsize  # of a row
        rows = max(1, PIECE // max(1, size))
        stream.seek(done * size, os.SEEK_CUR)
        for begin in range(done, max(1, shape[0]), rows):  # an empty array gives one empty block
            count = min(rows, shape[0] - begin)
            yield np.frombuffer(stream.read(count * size), dtype).reshape(count, *shape[1:])


def read_array(path: Path, names: tuple[str, ...]) -> Array:
    """The array of an npy file, or the first of these arrays that an npz file has."""
    with _refusing(path):
        if path.suffix.lower() == ENDING:
            with path.open("rb") as stream:
                size = path.stat().st_size
                _demand_room(size)
                _demand_sound("its array", stream, size)
                stream.seek(0)
                return np.lib.format.read_array(stream, allow_pickle=False)
        with ZipFile(path) as file:
            members = _members(file)
            name = next((name for name in names if name in members), None)
            if name is None:
                raise _lacking(" and no ".join(names), members)
            _demand_room(members[name].file_size)
            return _array_of(file, members[name])


def _demand_room(size: int) -> None:
    """Refuse arrays too large to be read and then copied, as everything read is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > min(MOST_BYTES, memory // 2):
        raise ValueError(f"it would unpack to {size / 2**30:.1f} GiB, too much for the memory")


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn any complaint of a library about an unreadable file into one message."""
    demand_file(path)
    kind = path.suffix.lower().removeprefix(".") or "npz"
    try:
        yield
    except Exception as error:  # zipfile, zlib and numpy raise some twenty kinds
        why = str(error) or type(error).__name__
        raise UserError(f"{path} cannot be read as {kind}: {why}") from error


def _members(file: ZipFile) -> dict[str, ZipInfo]:
    """The arrays of the file by name; a name that is a path is an attack or a mistake."""
    members = {entry.filename.removesuffix(ENDING): entry for entry in file.infolist()}
    if strange := [name for name in members if not is_plain(name)]:
        raise ValueError(f"the name of its array {strange[0]!r} is a path")
    return members


def _lacking(name: str, members: Collection[str]) -> ValueError:
    return ValueError(f"it has no {name}, only {', '.join(sorted(members)) or 'nothing'}")


def _demand_readable(entry: ZipInfo) -> None:
    if entry.flag_bits & ENCRYPTED:
        raise ValueError(f"{entry.filename} is encrypted")
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ValueError(f"{entry.filename} is compressed in a way that numpy does not use")
    if entry.file_size > MOST_DEFLATED * entry.compress_size:
        raise ValueError(f"{entry.filename} claims more bytes than it can have")


def _array_of(file: ZipFile, entry: ZipInfo) -> Array:
    _demand_readable(entry)
    with file.open(entry) as stream:
        _demand_sound(entry.filename, stream, entry.file_size)
    with file.open(entry) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _demand_sound(name: str, stream: IO[bytes], size: int) -> None:
    """Refuse an array whose header does not fit its bytes, before allocating memory."""
    shape, _, dtype = _head(stream)
    if dtype.kind not in KINDS:
        hint = ": save names as texts, by .astype(str)" if dtype.kind == "O" else ""
        raise ValueError(f"{name} is of {dtype}; numbers and texts are read{hint}")
    claimed, there = prod(shape) * dtype.itemsize, size - stream.tell()
    endless = prod(shape) and not dtype.itemsize  # texts without characters take no bytes
    if claimed != there or min(shape, default=0) < 0 or endless:
        raise ValueError(f"{name} of {dtype} {shape} cannot be in {there:,} bytes")


def _head(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of the array."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(stream)
    raise ValueError(f"version {version} of npy has only records, which are not read")
