"""Picture files to arrays, all of one size."""

import os
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from autoal.bounds import demand_file
from autoal.data.rows import Shape
from autoal.errors import UserError

MOST_PIXELS = 100_000_000  # more is a mistake or a bomb
MODES = {1: "L", 3: "RGB"}  # of pictures with so many channels
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")  # whatever the ending says; some of PIL's run programs

Pixels = npt.NDArray[np.uint8]


class CorruptError(Exception):
    """A picture that cannot be read."""


class Pictures(NamedTuple):
    """What was read of some files."""

    pixels: Pixels  # (n, height, width, channels)
    places: list[int]  # of those pictures among the files
    wrong: list[str]  # with each of the others


def pictures_below(folder: Path) -> Iterator[Path]:
    """The picture files at any depth, in an order that every file system gives."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from _pictures_among(Path(parent), names)


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, likewise; none in one that may not be read."""
    try:
        return _pictures_among(folder, os.listdir(folder))
    except PermissionError:
        return []


def _pictures_among(folder: Path, names: Iterable[str]) -> list[Path]:
    """The files that call themselves pictures, and do not hide."""
    return [folder / name for name in sorted(filter(is_picture, names))]


def is_picture(name: str) -> bool:
    """Whether a file of this name is one."""
    return name.lower().endswith(ENDINGS) and not name.startswith(".")


def read_picture(path: Path, shape: Shape) -> Pixels:
    """The picture, resized: (height, width, channels).

    Args:
        path: of the file.
        shape: that a network reads: channels, height, width.
    """
    channels, height, width = shape
    try:
        demand_file(path)
        with Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ValueError(
                    f"{picture.width} x {picture.height} pixels are more than {MOST_PIXELS:,}"
                )
            plain = picture.convert(MODES[channels])
            if plain.size != (width, height):
                plain = plain.resize((width, height), Image.Resampling.BILINEAR)
    except Exception as error:  # a damaged file makes PIL stumble in many ways
        raise CorruptError(f"{path}: {error}") from error
    return np.asarray(plain, dtype=np.uint8).reshape(height, width, channels)


def read_pictures(paths: list[Path], shape: Shape) -> Pictures:
    """All pictures that can be read, and what is wrong with the others."""

    def attempt(path: Path) -> Pixels | CorruptError:
        try:
            return read_picture(path, shape)
        except CorruptError as error:
            return error

    with warnings.catch_warnings(), ThreadPoolExecutor() as threads:
        warnings.simplefilter("ignore")  # what PIL finds odd is read, or else refused
        found = list(threads.map(attempt, paths))  # decoding lets other threads run
    channels, height, width = shape
    pixels = [result for result in found if not isinstance(result, CorruptError)]
    empty = np.empty((0, height, width, channels), dtype=np.uint8)
    return Pictures(
        np.stack(pixels) if pixels else empty,
        [place for place, result in enumerate(found) if not isinstance(result, CorruptError)],
        [str(result) for result in found if isinstance(result, CorruptError)],
    )


def all_pictures(paths: list[Path], shape: Shape) -> Pixels:
    """All pictures; where one cannot be read, they are refused."""
    pixels, _, wrong = read_pictures(paths, shape)
    if wrong:
        raise UserError(refusal(wrong))
    return pixels


def refusal(wrong: list[str]) -> str:
    """One line about pictures that cannot be read, with the first of them."""
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return f"cannot read {wrong[0]}{more}"
