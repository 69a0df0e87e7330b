"""A cache on disk for anything reproducible: reopening it takes milliseconds."""

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
LOCK = ".lock-"  # prefix of the lock file beside a path
PART = ".part-"  # prefix of an entry being written

NamedArrays = dict[str, npt.NDArray[np.generic]]
Kept = TypeVar("Kept")


def cache_folder() -> Path:
    """The folder of the cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "autoal"


def is_plain(name: str) -> bool:
    """Whether an array's name is a plain file name, not a path to another folder."""
    return name not in ("", ".", "..") and not set(name) & {"/", "\\", "\0"}


def cached(kind: str, key: str, make: Callable[[], NamedArrays]) -> NamedArrays:
    """The result of `make`, computed once for each key, and again if the entry is damaged."""
    return cached_as(lambda arrays: arrays, kind, key, make)


def cached_as(
    unpack: Callable[[NamedArrays], Kept], kind: str, key: str, make: Callable[[], NamedArrays]
) -> Kept:
    """The result of `unpack` on `cached` arrays; it fails if they are damaged."""
    folder = cache_folder() / kind / key
    kept = kept_in(folder, unpack)
    if kept is None:
        arrays = make()
        _store(folder, lambda part: _save(part, arrays))
        kept = kept_in(folder, unpack) or unpack(arrays)
    return kept


def kept_in(folder: Path, unpack: Callable[[NamedArrays], Kept]) -> Kept | None:
    """The contents of the folder, which is removed if it is damaged."""
    if not folder.exists():
        return None
    try:
        return unpack(_mapped(folder))
    except Exception as error:  # however a disk may corrupt files
        print(f"{folder} is damaged, and rebuilt: {error}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        return None


def _mapped(folder: Path) -> NamedArrays:
    """The arrays, mapped copy-on-write: only what is read takes memory, files never change."""
    contents = json.loads((folder / CONTENTS).read_text())
    if contents != _sizes(folder):
        raise ValueError("its files differ, in names or sizes, from those written")
    paths = {name.removesuffix(ENDING): folder / name for name in contents}
    return {name: np.lib.format.open_memmap(path, mode="c") for name, path in paths.items()}


def _sizes(folder: Path) -> dict[str, int]:
    """The bytes of each array's file."""
    return {path.name: path.stat().st_size for path in folder.glob(f"*{ENDING}")}


def _store(folder: Path, write: Callable[[Path], None]) -> None:
    """Write the arrays under a temporary name; rename the folder when it is complete."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _clean(folder.parent)
        with _part(folder.parent) as part:
            write(part)
            finish(part, folder)
    except OSError as error:
        if not folder.exists():  # otherwise another process was faster
            tell_unkept(folder, error)


def tell_unkept(folder: Path, error: OSError) -> None:
    """Warn that an entry is only in memory, and will cost time again."""
    print(f"{folder} cannot be stored, and will be rebuilt next time: {error}", file=sys.stderr)


def _save(part: Path, arrays: NamedArrays) -> None:
    for name, array in arrays.items():
        np.save(path_of(part, name), array)


def path_of(part: Path, name: str) -> Path:
    """The file of an array."""
    if not is_plain(name):
        raise ValueError(f"{name!r} cannot be the name of a stored array")
    return part / f"{name}{ENDING}"


def finish(part: Path, folder: Path) -> None:
    """List the files, wait until everything is on disk, and turn it into an entry."""
    sizes = _sizes(part)
    (part / CONTENTS).write_text(json.dumps(sizes))
    for name in (*sizes, CONTENTS):
        sync(part / name)
    sync(part)
    part.rename(folder)
    sync(folder.parent)


@contextmanager
def _part(parent: Path) -> Iterator[Path]:
    """A new, locked folder, which is removed at the end unless it was renamed."""
    part = Path(mkdtemp(dir=parent, prefix=PART))
    try:
        with locked(part):
            yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _clean(parent: Path) -> None:
    """Remove the leftovers of dead writers; a living writer's folder is locked."""
    for part in parent.glob(f"{PART}*"):
        with suppress(OSError), locked(part):
            shutil.rmtree(part)


@contextmanager
def locked(path: Path, told: str | None = None) -> Iterator[None]:
    """A lock on a path, which ends with the process.

    It locks a file beside it, open for writing, because network file systems lock nothing else.

    Args:
        path: of a file or a folder, which need not exist yet.
        told: printed before waiting for the lock's owner; None: raise an OSError instead.
    """
    lock = path.with_name(f"{LOCK}{path.name}")
    opened = _locked(lock, told)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(opened)


def _locked(lock: Path, told: str | None) -> int:
    """The file, open and locked; a new one if the previous owner removed it."""
    while True:
        opened = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            _lock(opened, told)
            if _is_at(opened, lock):
                return opened
        except BaseException:
            os.close(opened)
            raise
        os.close(opened)


def _lock(opened: int, told: str | None) -> None:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if told is None:
            raise
        print(told, file=sys.stderr)
        fcntl.flock(opened, fcntl.LOCK_EX)


def _is_at(opened: int, path: Path) -> bool:
    """Whether the opened file is still at its path."""
    try:
        return os.path.samestat(os.fstat(opened), path.stat())
    except FileNotFoundError:
        return False


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
