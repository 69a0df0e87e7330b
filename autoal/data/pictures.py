"""Turns picture files into arrays of one size."""

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from threading import current_thread, main_thread
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from autoal.bounds import demand_file
from autoal.data.rows import Shape
from autoal.errors import UserError

MOST_PIXELS = 100_000_000  # more is a mistake or a bomb
MOST_BYTES = 1 << 29  # of a file: more than that many pixels take
MODES = {1: "L", 3: "RGB"}  # PIL's mode by number of channels
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")  # whatever the extension; some of PIL's run programs
ORIENTATION = 0x0112  # EXIF tag of a camera that says how to turn a picture
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Pixels = npt.NDArray[np.uint8]
Result = TypeVar("Result")
Place = TypeVar("Place")  # of a picture


class Member(NamedTuple):
    """A picture inside a file with many."""

    file: Path
    name: str  # in the file
    begin: int  # of its bytes
    size: int

    def __str__(self) -> str:
        return f"{self.file}/{self.name}"

    def content(self) -> bytes:
        """Its bytes."""
        _demand_small(self.size)
        with self.file.open("rb") as opened:
            opened.seek(self.begin)
            return opened.read(self.size)


Stored = Path | Member  # where the bytes of a picture are


class CorruptError(Exception):
    """A picture that cannot be read."""


def pictures_below(folder: Path) -> Iterator[Path]:
    """The picture files at any depth, in the same order on every file system."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from _pictures_among(Path(parent), names)


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, likewise; none if it may not be read."""
    try:
        return _pictures_among(folder, os.listdir(folder))
    except PermissionError:
        return []


def _pictures_among(folder: Path, names: Iterable[str]) -> list[Path]:
    """The files named like pictures that are not hidden."""
    return [folder / name for name in sorted(filter(is_picture, names))]


def is_picture(name: str) -> bool:
    """Whether a file of this name is a picture."""
    return name.lower().endswith(ENDINGS) and not name.startswith(".")


def content_of(stored: Stored) -> bytes:
    """The bytes of a file that may be a picture."""
    try:
        return stored.content() if isinstance(stored, Member) else _content_of_file(stored)
    except (OSError, ValueError) as error:
        raise CorruptError(f"{stored}: {error}") from error


def _content_of_file(path: Path) -> bytes:
    demand_file(path)
    _demand_small(path.stat().st_size)
    return path.read_bytes()


def _demand_small(size: int) -> None:
    if size > MOST_BYTES:
        raise ValueError(f"{size:,} bytes are more than {MOST_BYTES:,}")


def picture_of(content: bytes, shape: Shape, path: Stored, *, draft: bool = False) -> Pixels:
    """The picture, upright and resized: (height, width, channels).

    Args:
        content: of the file.
        shape: the network's input: channels, height, width.
        path: where it is, for messages.
        draft: decode a large JPEG at a half, quarter or eighth of its size, but at least at twice
            the target size.
    """
    channels, height, width = shape
    needed = 2 * max(height, width) if draft else None
    plain = decoded(content, MODES[channels], path, needed=needed)
    if plain.size != (width, height):
        plain = plain.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(plain, dtype=np.uint8).reshape(height, width, channels)


def decoded(content: bytes, mode: str, path: Stored, *, needed: int | None = None) -> Image.Image:
    """The picture, turned as the camera was held.

    Args:
        content: of the file.
        mode: PIL's mode to convert it to.
        path: where it is, for messages.
        needed: pixels of a side; a larger JPEG may be decoded at a half, quarter or eighth of its
            size, but no smaller than this.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ValueError(
                    f"{picture.width} x {picture.height} pixels are more than {MOST_PIXELS:,}"
                )
            if needed is not None:
                picture.draft(None, (needed, needed))
            return _upright(picture.convert(mode), _orientation(picture))
    except UnidentifiedImageError as error:
        raise CorruptError(f"{path}: it is not one of {', '.join(FORMATS)}") from error
    except Exception as error:  # a damaged file makes PIL stumble in many ways
        raise CorruptError(f"{path}: {error}") from error


def _orientation(picture: Image.Image) -> int | None:
    """The camera's orientation, if it can be read."""
    try:
        return picture.getexif().get(ORIENTATION)
    except Exception:  # camera metadata is damaged more often than pictures
        return None


def _upright(picture: Image.Image, orientation: int | None) -> Image.Image:
    turn = TURNS.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)


def attempted(
    read: Callable[[Place], Result], paths: Sequence[Place]
) -> list[Result | CorruptError]:
    """Read each, or give the reason why it fails; in threads, as decoding releases the GIL."""

    def attempt(path: Place) -> Result | CorruptError:
        try:
            return read(path)
        except CorruptError as error:
            return error

    with _unwarned(), ThreadPoolExecutor() as threads:
        return list(threads.map(attempt, paths))


@contextmanager
def _unwarned() -> Iterator[None]:
    """Silence PIL's warnings: odd files are either read or refused.

    All threads share the warning filters: a thread that reads ahead leaves them to the main one.
    """
    if current_thread() is not main_thread():
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def digested(stored: Stored, shape: Shape, *, draft: bool = False) -> tuple[bytes, Pixels]:
    """A picture, and the digest of its bytes, which identifies it.

    Args:
        stored: where it is.
        shape: the network's input: channels, height, width.
        draft: as for `picture_of`.
    """
    content = content_of(stored)
    return sha256(content).digest(), picture_of(content, shape, stored, draft=draft)


def all_pictures(paths: Sequence[Stored], shape: Shape, *, draft: bool = False) -> Pixels:
    """All pictures; refused if one cannot be read.

    Args:
        paths: where they are.
        shape: the network's input: channels, height, width.
        draft: as for `picture_of`.
    """

    def read(path: Stored) -> Pixels:
        return picture_of(content_of(path), shape, path, draft=draft)

    found = attempted(read, paths)
    if wrong := [str(each) for each in found if isinstance(each, CorruptError)]:
        raise UserError(refusal(wrong))
    return stacked([each for each in found if not isinstance(each, CorruptError)], shape)


def stacked(pictures: Sequence[Pixels], shape: Shape) -> Pixels:
    """Pictures of one shape as one array, (n, height, width, channels)."""
    channels, height, width = shape
    return np.array(pictures, dtype=np.uint8).reshape(-1, height, width, channels)


def refusal(wrong: list[str]) -> str:
    """One line about pictures that cannot be read, with the first of them."""
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return f"cannot read {wrong[0]}{more}"


def leave_out(wrong: list[str], corrupt: str) -> None:
    """Refuse pictures that cannot be read, or say that they are left out.

    Args:
        wrong: a message about each of them.
        corrupt: refuse or skip.
    """
    if wrong and corrupt == "refuse":
        raise UserError(f"{refusal(wrong)}\n  give data.corrupt=skip to leave such files out")
    for message in wrong:
        print(f"left out {message}", file=sys.stderr)
