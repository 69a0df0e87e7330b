"""What can be made again, kept on disk: opening it a second time is a matter of milliseconds."""

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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
    kept = kept_in(folder, unpack)
    if kept is None:
        arrays = make()
        _store(folder, lambda part: _save(part, arrays))
        kept = kept_in(folder, unpack) or unpack(arrays)
    return kept


def kept_in(folder: Path, unpack: Callable[[NamedArrays], Kept]) -> Kept | None:
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
            finish(part, folder)


def _save(part: Path, arrays: NamedArrays) -> None:
    for name, array in arrays.items():
        np.save(path_of(part, name), array)


def path_of(part: Path, name: str) -> Path:
    """The file of an array."""
    if not is_plain(name):
        raise ValueError(f"{name!r} cannot be the name of an array that is kept")
    return part / f"{name}{ENDING}"


def finish(part: Path, folder: Path) -> None:
    """Write what the files are, wait until all is on the disk, and make an entry of it."""
    sizes = _sizes(part)
    (part / CONTENTS).write_text(json.dumps(sizes))
    for name in (*sizes, CONTENTS):
        sync(part / name)
    sync(part)
    part.rename(folder)
    sync(folder.parent)


@contextmanager
def _part(parent: Path) -> Iterator[Path]:
    """A new folder that is locked, and is gone at the end unless it was renamed."""
    part = Path(mkdtemp(dir=parent, prefix=PART))
    try:
        with locked(part):
            yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _clean(parent: Path) -> None:
    """Remove what writers left that died; that of a living one is locked."""
    for part in parent.glob(f"{PART}*"):
        with suppress(OSError), locked(part):
            shutil.rmtree(part)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """A lock on a file or a folder, which ends with the process; an OSError if another has it."""
    opened = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
