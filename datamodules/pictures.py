"""Picture files to arrays, all of one size."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from autoal.errors import UserError

MOST_PIXELS = 100_000_000  # more is a mistake or a bomb
MODES = {1: "L", 3: "RGB"}


class CorruptError(Exception):
    """A picture that cannot be read."""


def read_picture(path: Path, size: int, channels: int) -> npt.NDArray[np.uint8]:
    """The picture, resized to size x size: (size, size, channels)."""
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise CorruptError(
                    f"{path}: {width} x {height} pixels are more than {MOST_PIXELS:,}"
                )
            plain = picture.convert(MODES[channels])
            if plain.size != (size, size):
                plain = plain.resize((size, size), Image.Resampling.BILINEAR)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise CorruptError(f"{path}: {error}") from error
    return np.asarray(plain, dtype=np.uint8).reshape(size, size, channels)


def read_pictures(
    paths: list[Path], size: int, channels: int, skip: bool = False
) -> tuple[npt.NDArray[np.uint8], list[int], list[str]]:
    """All pictures; which of the paths they are; and what is wrong with those left out.

    Without `skip`, one that cannot be read is refused by its name.
    """

    def attempt(path: Path) -> npt.NDArray[np.uint8] | CorruptError:
        try:
            return read_picture(path, size, channels)
        except CorruptError as error:
            return error

    with ThreadPoolExecutor() as threads:  # decoding lets other threads run
        found = list(threads.map(attempt, paths))
    wrong = [str(result) for result in found if isinstance(result, CorruptError)]
    if wrong and not skip:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise UserError(
            f"cannot read {wrong[0]}{more}\n  give data.corrupt=skip to leave such files out"
        )
    rows = [row for row, result in enumerate(found) if not isinstance(result, CorruptError)]
    arrays = [result for result in found if not isinstance(result, CorruptError)]
    empty = np.empty((0, size, size, channels), dtype=np.uint8)
    return (np.stack(arrays) if arrays else empty), rows, wrong
