"""Decoded arrays, kept for the next opening."""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from autoal.data.cache import NamedArrays, cached
from autoal.data.order import fixed_order

LAYOUT = "in a fixed order"  # of the arrays; another one makes all of them anew


def decoded(sources: list[Path], options: object, decode: Callable[[], NamedArrays]) -> NamedArrays:
    """What `decode` makes of these files; decoded once for each content and set of options.

    The array `train_images` stands in the fixed order in which they are read, so that they can be
    read from where they are, and `train_places` says where each stood; the other arrays stay.
    """
    return cached("decoded", _key(sources, options), lambda: _in_fixed_order(decode()))


def _in_fixed_order(arrays: NamedArrays) -> NamedArrays:
    images = arrays.get("train_images")
    if images is None or not images.ndim:
        return arrays
    order = fixed_order(len(images)).numpy()
    return {**arrays, "train_images": images[order], "train_places": order}


def _key(sources: list[Path], options: object) -> str:
    facts: list[object] = [LAYOUT, repr(options)]
    for path in sources:
        stat = path.stat() if path.exists() else None  # a link may lead nowhere
        facts.append((os.path.realpath(path), stat and (stat.st_size, stat.st_mtime_ns)))
    return sha256(repr(facts).encode()).hexdigest()[:24]
