"""Texts and labels in objects, such as JSON's: values under their keys."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from autoal.errors import UserError

Row = tuple[Sequence[str], str | None]  # its texts, and its label


def object_of(line: str) -> dict[str, Any]:
    """The JSON object in a line."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"it is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise UserError(f"it must be a JSON object, {{...}}, got {found!r:.60}")
    return found


def row_of(found: Mapping[str, Any], text: Sequence[str], label: str | None) -> Row:
    """The texts and the label of an object.

    Args:
        found: the object.
        text: the keys of the texts.
        label: the key of the label; None: there is none.
    """
    told = None if label is None else _label(found.get(label))
    return [_text(found, key) for key in text], told


def _text(found: Mapping[str, Any], key: str) -> str:
    if key not in found:
        raise UserError(f"it lacks {key!r}; it has {', '.join(found) or 'nothing'}")
    text = "" if found[key] is None else found[key]
    if not isinstance(text, str):
        raise UserError(f"{key!r} must be a text, got {text!r:.60}")
    return _whole(repr(key), text)


def _label(value: Any) -> str | None:
    """A label in the form of a cell."""
    if isinstance(value, dict | list):
        raise UserError(f"its label is {value!r:.60}: a row has one class")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if value is None else _whole("its label", str(value)).strip()


def _whole(what: str, text: str) -> str:
    """The text, checked for characters that a text file cannot contain."""
    if "\0" in text:
        raise UserError(f"{what} has a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{what} has half a character, a lone surrogate") from error
    return text
