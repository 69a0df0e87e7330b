"""What can be made again, kept on disk: opening it a second time is a matter of milliseconds."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import numpy.typing as npt

NamedArrays = dict[str, npt.NDArray[np.generic]]


def cache_folder() -> Path:
    """Where what can be made again is kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "autoal"


def is_plain(name: str) -> bool:
    """Whether an array's name is the name of a file, and no path to another folder."""
    return name not in ("", ".", "..") and not set(name) & {"/", "\\", "\0"}


def cached(kind: str, key: str, make: Callable[[], NamedArrays]) -> NamedArrays:
    """What `make` returns, made once for each key."""
    folder = cache_folder() / kind / key
    if not folder.exists():
        arrays = make()
        if not _store(folder, arrays):
            return arrays
    # Mapped, copy-on-write: only what is read takes memory, and nothing writes to the files.
    return {path.stem: np.load(path, mmap_mode="c") for path in folder.glob("*.npy")}


def _store(folder: Path, arrays: NamedArrays) -> bool:
    """Write the arrays under a name of their own and rename the folder when it is whole."""
    part = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(dir=folder.parent))
        for name, array in arrays.items():
            if not is_plain(name):
                raise ValueError(f"{name!r} cannot be the name of an array that is kept")
            np.save(part / f"{name}.npy", array)
        part.rename(folder)
    except OSError:  # another was faster, or the cache cannot be written, which only costs time
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
    return folder.exists()
