"""A row in the eyes of a person: a picture, the cells of a table, texts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from autoal.data.texts import Text

TEXT = "text"  # the name of a row's only text

# Invisible characters, those that display letters in a different order than written, and invisible
# line breaks. The joiners and marks U+200C to U+200F stay: scripts need them.
_SIGNLESS = re.compile(
    r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]"
    r"|[\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff]"
)


class Seen(NamedTuple):
    """The visible parts of a row; it may have a picture and cells beside it."""

    picture: Path | Tensor | None  # a file, or bytes (channels, height, width)
    cells: dict[str, str]  # by their columns
    texts: dict[str, str]  # likewise

    @property
    def text(self) -> str:
        """All texts, one below another; several come with their names."""
        several = len(self.texts) > 1
        return "\n\n".join(
            f"{name}: {text}" if several else text for name, text in self.texts.items()
        )


def seen(shown: Any) -> Seen:
    """The visible parts of a row of a data set."""
    picture = picture_in(shown)
    cells = shown if isinstance(shown, Mapping) else {}
    others = {name: cell for name, cell in cells.items() if cell is not picture}
    return Seen(picture, _visible(others), _visible(texts_in(shown)))


def texts_in(shown: Any) -> dict[str, str]:
    """The unchanged texts of a row, by column."""
    if isinstance(shown, Text):
        return dict(zip(shown.columns, shown.parts, strict=True))
    if isinstance(shown, list | tuple):
        return {f"{TEXT} {number}": str(text) for number, text in enumerate(shown, 1)}
    return {} if shown is None or isinstance(shown, Path | Tensor | Mapping) else {TEXT: str(shown)}


def picture_in(shown: Any) -> Path | Tensor | None:
    """The picture among what is shown of a row."""
    if isinstance(shown, Mapping):
        return next((cell for cell in shown.values() if isinstance(cell, Path)), None)
    return shown if isinstance(shown, Path | Tensor) else None


def beside(ours: Collection[str], cells: Mapping[str, str]) -> dict[str, str]:
    """The cells of a row, renamed where their names clash with ours."""
    return {
        f"{name} (data)" if name.strip().lower() in ours else name: cell
        for name, cell in cells.items()
    }


def visible(text: str) -> str:
    r"""The text with invisible characters written out, as in \x07, and letters in file order."""
    return _SIGNLESS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _visible(parts: Mapping[Any, Any]) -> dict[str, str]:
    return {visible(str(name)): visible(str(part)) for name, part in parts.items()}
