"""Decoded arrays, kept for the next opening: reading them is a matter of milliseconds."""

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import numpy.typing as npt

from datamodules.files import cache_folder

Arrays = dict[str, npt.NDArray[np.generic]]


def kept(sources: list[Path], options: object, decode: Callable[[], Arrays]) -> Arrays:
    """What `decode` makes of these files; decoded once for each content and set of options."""
    folder = cache_folder() / "decoded" / _key(sources, options)
    if not folder.exists():
        arrays = decode()
        if not _keep(folder, arrays):
            return arrays
    # Mapped, copy-on-write: only what is read takes memory, and nothing writes to the files.
    return {path.stem: np.load(path, mmap_mode="c") for path in folder.glob("*.npy")}


def _key(sources: list[Path], options: object) -> str:
    facts: list[object] = [repr(options)]
    for path in sources:
        stat = path.stat()
        facts.append((str(path.resolve()), stat.st_size, stat.st_mtime_ns))
    return sha256(repr(facts).encode()).hexdigest()[:24]


def _keep(folder: Path, arrays: Arrays) -> bool:
    """Write the arrays under a name of their own and rename the folder when it is whole."""
    part = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(dir=folder.parent))
        for name, array in arrays.items():
            np.save(part / f"{name}.npy", array)
        part.rename(folder)
    except OSError:  # another was faster, or the cache cannot be written, which only costs time
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
    return folder.exists()
