"""Decoded arrays, kept for the next opening."""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from autoal.data.cache import NamedArrays, cached


def decoded(sources: list[Path], options: object, decode: Callable[[], NamedArrays]) -> NamedArrays:
    """What `decode` makes of these files; decoded once for each content and set of options."""
    return cached("decoded", _key(sources, options), decode)


def _key(sources: list[Path], options: object) -> str:
    facts: list[object] = [repr(options)]
    for path in sources:
        stat = path.stat() if path.exists() else None  # a link may lead nowhere
        facts.append((os.path.realpath(path), stat and (stat.st_size, stat.st_mtime_ns)))
    return sha256(repr(facts).encode()).hexdigest()[:24]
