"""Entries written block by block as they are made: a killed process goes on where it stopped."""

import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autoal.data.cache import Kept, NamedArrays, cache_folder, finish, kept_in, locked, tell_unkept
from autoal.data.growing import PROGRESS, GrowingArrays
from autoal.errors import UserError

BEGUN = ".begun-"  # prefix of an entry being made
WEEK = 7 * 24 * 3600  # seconds after which an unfinished one is abandoned

Make = Callable[[NamedArrays], Iterable[NamedArrays]]


class UnsoundError(UserError):
    """The blocks made so far are unusable: the next start begins again."""


def cached_blocks(unpack: Callable[[NamedArrays], Kept], kind: str, key: str, make: Make) -> Kept:
    """The result of `unpack` on arrays that are written as they come, never all in memory.

    If several processes need an entry, one makes it and the others wait. If the cache cannot be
    written at all, the entry stays in memory.

    Args:
        unpack: as for `cached_as`.
        kind: of the entry.
        key: of the entry.
        make: receives the existing rows of each array, none at first, and yields the following ones
            block by block, each with some of the names. Whatever stops it, except an
            `UnsoundError`, the next start continues after the blocks that came.
    """
    folder = cache_folder() / kind / key
    kept = kept_in(folder, unpack)
    if kept is not None:
        return kept
    with _begun(folder) as part:
        if part is None:
            return unpack(_joined(make({})))
        kept = kept_in(folder, unpack)  # the process waited for may have made it
        if kept is None:
            with _gone_on_with(part):
                _write(part, make)
                with _writing(part):
                    finish(part, folder)
                    (folder / PROGRESS).unlink(missing_ok=True)
            kept = kept_in(folder, unpack)
    if kept is None:
        raise UserError(f"{folder} was written, but cannot be read back: is the disk damaged?")
    return kept


def _write(part: Path, make: Make) -> None:
    """Append the blocks one after another to the existing ones."""
    with _writing(part):
        arrays = _opened(part)
    with closing(arrays):
        for block in make(arrays.there()):
            with _writing(part):
                arrays.add(block)
        with _writing(part):
            arrays.finish()


def _opened(part: Path) -> GrowingArrays:
    """The existing arrays; none if the leftovers are damaged."""
    try:
        return GrowingArrays(part)
    except (OSError, ValueError) as error:
        print(f"{part} is damaged, and begun again: {error}", file=sys.stderr)
        shutil.rmtree(part)
        part.mkdir()
        return GrowingArrays(part)


def _joined(blocks: Iterable[NamedArrays]) -> NamedArrays:
    """The blocks joined in memory."""
    parts: defaultdict[str, list[npt.NDArray[np.generic]]] = defaultdict(list)
    for block in blocks:
        for name, array in block.items():
            parts[name].append(array)
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


@contextmanager
def _gone_on_with(part: Path) -> Iterator[None]:
    """Keep what was written for the next start, however this one ends, unless it is unsound."""
    try:
        yield
    except UnsoundError:
        shutil.rmtree(part, ignore_errors=True)
        raise


@contextmanager
def _writing(part: Path) -> Iterator[None]:
    """Remove what cannot be completed; report a full or failing disk in one message."""
    try:
        yield
    except Exception as error:
        shutil.rmtree(part, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        free = shutil.disk_usage(part.parent).free / 2**30
        raise UserError(
            f"cannot write in {part.parent}, which has {free:.1f} GiB free: {error.strerror}\n"
            "  make room, or name a folder on another disk in the variable XDG_CACHE_HOME"
        ) from error


@contextmanager
def _begun(folder: Path) -> Iterator[Path | None]:
    """The folder for making an entry, exclusive to this process; None if there can be none.

    It may contain rows from a killed process.
    """
    part = folder.with_name(f"{BEGUN}{folder.name}")
    with ExitStack() as stack:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            _clean(folder.parent)
            stack.enter_context(locked(part, f"another process is making {part}: waiting for it"))
            part.mkdir(exist_ok=True)
        except OSError as error:
            tell_unkept(folder, error)
            yield None
            return
        try:
            yield part
        finally:
            with suppress(OSError):  # it is not empty, and will be continued later
                part.rmdir()


def _clean(parent: Path) -> None:
    """Remove abandoned entries."""
    for part in parent.glob(f"{BEGUN}*"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > WEEK:
                with locked(part):
                    shutil.rmtree(part)
