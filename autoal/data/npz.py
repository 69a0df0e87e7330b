"""Files of numpy: npz and npy."""

import zipfile
from pathlib import Path

import numpy as np

from autoal.data.cache import NamedArrays
from autoal.errors import UserError

MOST_BYTES = 64 << 30  # that a file may unpack to


def read_npz(path: Path) -> NamedArrays:
    """All arrays of the file; nothing is unpickled, and no absurd size is unpacked."""
    try:
        with zipfile.ZipFile(path) as file:
            size = sum(entry.file_size for entry in file.infolist())
        if size > MOST_BYTES:
            raise UserError(f"{path} would unpack to {size / 2**30:.0f} GiB")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} cannot be read as npz: {error}") from error


def read_array(path: Path, names: tuple[str, ...]) -> np.ndarray:
    """The array of an npy file, or that of an npz file which has the first of these names."""
    if path.suffix.lower() != ".npz":
        try:
            return np.load(path, allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise UserError(f"{path} cannot be read as npy: {error}") from error
    arrays = read_npz(path)
    for name in names:
        if name in arrays:
            return arrays[name]
    raise UserError(f"{path} has no {' and no '.join(names)}, only {', '.join(sorted(arrays))}")
