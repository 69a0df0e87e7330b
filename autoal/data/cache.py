"""What can be made again, kept on disk: opening it a second time is a matter of milliseconds."""

import fcntl
import json
import os
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

import numpy as np
import numpy.typing as npt

CONTENTS = "contents.json"  # the files of an entry's arrays, and their sizes
ENDING = ".npy"  # of the file of an array
PART = ".part-"  # begins the name of an entry that is being written

NamedArrays = dict[str, npt.NDArray[np.generic]]
Kept = TypeVar("Kept")


def cache_folder() -> Path:
    """Where what can be made again is kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "autoal"


def is_plain(name: str) -> bool:
    """Whether an array's name is the name of a file, and no path to another folder."""
    return name not in ("", ".", "..") and not set(name) & {"/", "\\", "\0"}


def cached(kind: str, key: str, make: Callable[[], NamedArrays]) -> NamedArrays:
    """What `make` returns, made once for each key, and again where what was kept is damaged."""
    return cached_as(lambda arrays: arrays, kind, key, make)


def cached_as(
    unpack: Callable[[NamedArrays], Kept], kind: str, key: str, make: Callable[[], NamedArrays]
) -> Kept:
    """What `unpack` makes of the arrays that are `cached`; it fails where they are damaged."""
    folder = cache_folder() / kind / key
    kept = _kept(folder, unpack)
    if kept is None:
        arrays = make()
        _store(folder, lambda part: _save(part, arrays))
        kept = _kept(folder, unpack) or unpack(arrays)
    return kept


def cached_blocks(
    unpack: Callable[[NamedArrays], Kept],
    kind: str,
    key: str,
    make: Callable[[], Iterable[NamedArrays]],
) -> Kept:
    """What `unpack` makes of arrays that are written as they come, and are never all in memory.

    Args:
        unpack: as for `cached_as`.
        kind: of the entry.
        key: of the entry.
        make: gives the arrays block by block, each with some of the names. Where the cache cannot
            be written it is asked again, and what it gives stays in memory.
    """
    folder = cache_folder() / kind / key
    kept = _kept(folder, unpack)
    if kept is None:
        _store(folder, lambda part: _append(part, make()))
        kept = _kept(folder, unpack) or unpack(_joined(make()))
    return kept


def _joined(blocks: Iterable[NamedArrays]) -> NamedArrays:
    """The blocks one after the other, in memory."""
    parts: defaultdict[str, list[npt.NDArray[np.generic]]] = defaultdict(list)
    for block in blocks:
        for name, array in block.items():
            parts[name].append(array)
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _kept(folder: Path, unpack: Callable[[NamedArrays], Kept]) -> Kept | None:
    """What is in the folder; if it is damaged, it is removed."""
    if not folder.exists():
        return None
    try:
        return unpack(_mapped(folder))
    except Exception as error:  # in whatever way a disk may spoil files
        print(f"{folder} is damaged, and made anew: {error}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        return None


def _mapped(folder: Path) -> NamedArrays:
    """The arrays, copy-on-write: only what is read takes memory, and the files stay as they are."""
    contents = json.loads((folder / CONTENTS).read_text())
    if contents != _sizes(folder):
        raise ValueError("its files are not those, or not of the size, that were written")
    paths = {name.removesuffix(ENDING): folder / name for name in contents}
    return {name: np.lib.format.open_memmap(path, mode="c") for name, path in paths.items()}


def _sizes(folder: Path) -> dict[str, int]:
    """The bytes of each array's file."""
    return {path.name: path.stat().st_size for path in folder.glob(f"*{ENDING}")}


def _store(folder: Path, write: Callable[[Path], None]) -> None:
    """Have the arrays written under a name of their own; rename the folder when it is whole."""
    with suppress(OSError):  # another was faster, or the cache cannot be written: it costs time
        folder.parent.mkdir(parents=True, exist_ok=True)
        _clean(folder.parent)
        with _part(folder.parent) as part:
            write(part)
            _close(part)
            part.rename(folder)
            _sync(folder.parent)


def _save(part: Path, arrays: NamedArrays) -> None:
    for name, array in arrays.items():
        np.save(_path_of(part, name), array)


def _append(part: Path, blocks: Iterable[NamedArrays]) -> None:
    """Write the blocks one after the other."""
    files: dict[str, _Growing] = {}
    with ExitStack() as opened:
        for block in blocks:
            for name, array in block.items():
                if name not in files:
                    file = _Growing(_path_of(part, name), array)
                    files[name] = opened.enter_context(closing(file))
                files[name].add(array)


class _Growing:
    """A file of numpy to which rows are added.

    Args:
        path: of the file.
        like: an array of the same type, and of rows of the same shape.
    """

    def __init__(self, path: Path, like: npt.NDArray[np.generic]) -> None:
        self.descr, self.shape = np.lib.format.dtype_to_descr(like.dtype), like.shape[1:]
        self.rows = 0
        self.file = path.open("wb")
        self._write_head()

    def add(self, block: npt.NDArray[np.generic]) -> None:
        self.file.write(np.ascontiguousarray(block).data)
        self.rows += len(block)

    def close(self) -> None:
        self.file.seek(0)
        self._write_head()
        self.file.close()

    def _write_head(self) -> None:
        """It has room for any number of rows, so that it can be written over."""
        head = {"descr": self.descr, "fortran_order": False, "shape": (self.rows, *self.shape)}
        np.lib.format.write_array_header_1_0(self.file, head)


def _path_of(part: Path, name: str) -> Path:
    """The file of an array."""
    if not is_plain(name):
        raise ValueError(f"{name!r} cannot be the name of an array that is kept")
    return part / f"{name}{ENDING}"


def _close(part: Path) -> None:
    """Write what the files are, and wait until all is on the disk."""
    sizes = _sizes(part)
    (part / CONTENTS).write_text(json.dumps(sizes))
    for name in (*sizes, CONTENTS):
        _sync(part / name)
    _sync(part)


@contextmanager
def _part(parent: Path) -> Iterator[Path]:
    """A new folder that is locked, and is gone at the end unless it was renamed."""
    part = Path(mkdtemp(dir=parent, prefix=PART))
    try:
        with _locked(part):
            yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _clean(parent: Path) -> None:
    """Remove what writers left that died; that of a living one is locked."""
    for part in parent.glob(f"{PART}*"):
        with suppress(OSError), _locked(part):
            shutil.rmtree(part)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """A lock on a file or a folder, which ends with the process; an OSError if another has it."""
    opened = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
