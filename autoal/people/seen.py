"""What a person sees of a row: a picture, the cells of a table, a text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor


class Seen(NamedTuple):
    """The parts of what there is to see; a row may have a picture and cells beside it."""

    picture: Path | Tensor | None  # a file, or bytes (channels, height, width)
    cells: dict[str, str]  # by their columns
    text: str | None


def seen(shown: Any) -> Seen:
    """The parts of what a data set shows of a row."""
    picture = picture_in(shown)
    if isinstance(shown, Mapping):
        cells = {str(name): str(cell) for name, cell in shown.items() if cell is not picture}
        return Seen(picture, cells, None)
    return Seen(picture, {}, None if picture is not None or shown is None else str(shown))


def picture_in(shown: Any) -> Path | Tensor | None:
    """The picture among what is shown of a row."""
    if isinstance(shown, Mapping):
        return next((cell for cell in shown.values() if isinstance(cell, Path)), None)
    return shown if isinstance(shown, Path | Tensor) else None
