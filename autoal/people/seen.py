"""What a person sees of a row: a picture, the cells of a table, a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from autoal.errors import UserError


@dataclass(frozen=True)
class Seen:
    """The parts of what there is to see; a row may have a picture and cells beside it."""

    picture: Path | Tensor | None = None  # a file, or bytes (channels, height, width)
    cells: dict[str, str] = field(default_factory=dict)  # by their columns
    text: str | None = None


def seen(shown: Any) -> Seen:
    """The parts of what a data set shows of a row."""
    if isinstance(shown, Path | Tensor):
        return Seen(picture=shown)
    if isinstance(shown, Mapping):
        files = {name: value for name, value in shown.items() if isinstance(value, Path)}
        cells = {str(name): str(value) for name, value in shown.items() if name not in files}
        return Seen(next(iter(files.values()), None), cells)
    return Seen(text=None if shown is None else str(shown))


def picture_file(picture: Path | Tensor) -> tuple[str, bytes]:
    """The ending and the content of a file that browsers show."""
    if isinstance(picture, Tensor):
        return ".png", _png(picture)
    try:
        return picture.suffix.lower(), picture.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {picture}: {error.strerror}") from error


def _png(picture: Tensor) -> bytes:
    pixels, content = picture.cpu().permute(1, 2, 0).numpy(), BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(content, "PNG")
    return content.getvalue()
