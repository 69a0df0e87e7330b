"""Decoded arrays, stored for the next opening."""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from autoal.data.cache import NamedArrays, cached
from autoal.data.order import fixed_order

LAYOUT = "in a fixed order, with sizes"  # of stored entries; changing it rebuilds them all


def decoded(sources: list[Path], wanted: object, decode: Callable[[], NamedArrays]) -> NamedArrays:
    """The result of `decode` on these files, computed once for each content and request.

    The array `train_images` is stored in the fixed order, so that it can be mapped and read
    directly, and `train_places` says where each image stood; the other arrays keep their order.

    Args:
        sources: the files.
        wanted: everything else that the arrays depend on, such as their names; keyed by its `repr`.
        decode: makes the arrays.
    """
    return cached("decoded", key_of(sources, wanted), lambda: _in_fixed_order(decode()))


def _in_fixed_order(arrays: NamedArrays) -> NamedArrays:
    images = arrays.get("train_images")
    if images is None or not images.ndim:
        return arrays
    order = fixed_order(len(images)).numpy()
    return {**arrays, "train_images": images[order], "train_places": order}


def key_of(sources: list[Path], wanted: object) -> str:
    """The key of an entry, from the versions of these files and the request."""
    folders = {folder: os.path.realpath(folder) for folder in {path.parent for path in sources}}
    files = [(folders[path.parent], path.name, *_version(path)) for path in sources]
    return sha256(repr((LAYOUT, wanted, files)).encode()).hexdigest()[:24]


def _version(path: Path) -> tuple[int, ...]:
    """The size and the time of a file."""
    try:
        stat = os.stat(path)
    except OSError:  # a dangling link
        return ()
    return stat.st_size, stat.st_mtime_ns
