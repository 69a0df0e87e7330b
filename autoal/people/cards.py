"""How a person sees a row: a picture, the cells of a table, texts; or a word in its texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from autoal.data.pictures import FORMATS
from autoal.data.seen import seen, visible
from autoal.data.word import Word
from autoal.people.asked import AskedRow

ORIENTATION = 0x0112  # the EXIF tag for a camera's orientation
MADE: Mapping[bool, Mapping[str, Any]] = {False: {}, True: {"made": True}}  # only said if true
TURNED = (5, 6, 7, 8)  # its values that swap a picture's sides


def card_of(asked: AskedRow, url: str) -> dict[str, Any]:
    """The content of a card on the page.

    Args:
        asked: the row.
        url: of its picture, if it has one.
    """
    common = {"name": visible(asked.name), **MADE[asked.made]}
    if isinstance(asked.shown, Word):
        return {"kind": "word", **common, "examples": _marked(asked.shown)}
    found = seen(asked.shown)
    if found.picture is not None:
        width, height = _size(found.picture)
        sides = {"width": width, "height": height}
        return {"kind": "picture", **common, "url": url, **sides, "cells": _pairs(found.cells)}
    if found.cells:
        return {"kind": "cells", **common, "cells": _pairs(found.cells)}
    return {"kind": "text", **common, "texts": _pairs(found.texts)}


def _marked(word: Word) -> list[list[str]]:
    """Texts that contain a word, each in pieces, every other of which is the word."""
    stands = re.compile(rf"\b({re.escape(word.text)})\b", re.IGNORECASE)
    return [[*map(visible, stands.split(text))] for text in word.examples]


def _pairs(parts: Mapping[str, str]) -> list[list[str]]:
    """Columns and their contents as pairs, since a browser does not keep an object's order."""
    return [[name, part] for name, part in parts.items()]


def _size(source: Path | Tensor) -> tuple[int, int]:
    """Width and height; None for an unreadable picture."""
    if isinstance(source, Tensor):
        return int(source.shape[-1]), int(source.shape[-2])
    return _size_of_file(source)


@lru_cache(maxsize=10_000)
def _size_of_file(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path, formats=FORMATS) as opened:
            width, height = opened.size
            turned = opened.getexif().get(ORIENTATION) in TURNED
    except Exception:  # likewise; its bytes are refused on request
        return 0, 0
    return (height, width) if turned else (width, height)
