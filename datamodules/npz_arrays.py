"""The arrays of an npz file, held in memory or left on disk."""

from collections.abc import Collection
from pathlib import Path

from autoal.data.cache import NamedArrays
from autoal.data.memory import on_disk
from autoal.data.npz import npz_blocks, npz_size, read_npz
from autoal.data.resumed import cached_blocks

from .store import decoded, key_of


def npz_arrays(
    path: Path, memory: str, needed: Collection[str], also: Collection[str] = ()
) -> NamedArrays:
    """Some arrays of a file, mapped from the cache.

    Without holding them in memory, they are unpacked in blocks, in the order of the file; otherwise
    they are in that of `decoded`.

    Args:
        path: of the file.
        memory: auto, ram or disk.
        needed: the arrays without which it is refused.
        also: those that are read if they exist.
    """
    wanted = needed, also
    if not on_disk(memory, npz_size(path, (*needed, *also))):
        return decoded([path], wanted, lambda: read_npz(path, *wanted))
    key = key_of([path], (wanted, "in blocks"))
    return cached_blocks(dict, "decoded", key, lambda there: npz_blocks(path, *wanted, there))
