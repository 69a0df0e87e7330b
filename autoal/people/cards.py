"""How a person sees a row: a picture, the cells of a table, texts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from torch import Tensor

from autoal.bounds import demand_file
from autoal.data.pictures import FORMATS
from autoal.data.seen import seen, visible
from autoal.errors import UserError
from autoal.people.asked import AskedRow

ORIENTATION = 0x0112  # the tag that says how a camera was held
MADE: Mapping[bool, Mapping[str, Any]] = {False: {}, True: {"made": True}}  # said where it is so
TURNED = (5, 6, 7, 8)  # its values for a picture whose sides change places


class Picture(NamedTuple):
    """A picture as a browser takes it."""

    content: bytes
    kind: str  # of its format, as in image/png


def card_of(asked: AskedRow, url: str) -> dict[str, Any]:
    """What a page makes a card of.

    Args:
        asked: the row.
        url: at which its picture is, if it has one.
    """
    found, common = seen(asked.shown), {"name": visible(asked.name), **MADE[asked.made]}
    if found.picture is not None:
        width, height = _size(found.picture)
        sides = {"width": width, "height": height}
        return {"kind": "picture", **common, "url": url, **sides, "cells": _pairs(found.cells)}
    if found.cells:
        return {"kind": "cells", **common, "cells": _pairs(found.cells)}
    return {"kind": "text", **common, "texts": _pairs(found.texts)}


def picture_of(source: Path | Tensor) -> Picture:
    """The file's own bytes, or pixels as a file; whatever is no picture is refused."""
    if isinstance(source, Tensor):
        return Picture(_png(source), "image/png")
    try:
        demand_file(source)
        content = source.read_bytes()
        with Image.open(BytesIO(content), formats=FORMATS) as opened:
            return Picture(content, Image.MIME[str(opened.format)])
    except UserError:
        raise
    except Exception as error:  # a damaged file makes PIL stumble in many ways
        raise UserError(f"{source.name} cannot be read: {_told(error)}") from error


def _pairs(parts: Mapping[str, str]) -> list[list[str]]:
    """Columns and what stands in them, in their order, which a browser keeps of no object."""
    return [[name, part] for name, part in parts.items()]


def _size(source: Path | Tensor) -> tuple[int, int]:
    """Width and height; none of a picture that cannot be read."""
    if isinstance(source, Tensor):
        return int(source.shape[-1]), int(source.shape[-2])
    return _size_of_file(source)


@lru_cache(maxsize=10_000)
def _size_of_file(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path, formats=FORMATS) as opened:
            width, height = opened.size
            turned = opened.getexif().get(ORIENTATION) in TURNED
    except Exception:  # likewise; its bytes are refused when they are asked for
        return 0, 0
    return (height, width) if turned else (width, height)


def _png(pixels: Tensor) -> bytes:
    """Of (channels, height, width): the first three are colours, or else the first is grey."""
    colours = pixels[: 3 if len(pixels) >= 3 else 1].cpu().permute(1, 2, 0).numpy()
    file = BytesIO()
    Image.fromarray(colours if colours.shape[2] == 3 else colours[:, :, 0]).save(file, "PNG")
    return file.getvalue()


def _told(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else None
    return reason or "it is damaged, or no picture"
