"""Answers restricted by a schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

LABEL = "label"


def bound_to(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a request whose answer is a JSON object of this schema."""
    named = {"name": "answer", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def one_of(names: Sequence[str]) -> dict[str, Any]:
    """The options of a chat whose answer is one of the names, as `said` writes it."""
    schema = {
        "type": "object",
        "properties": {LABEL: {"type": "string", "enum": list(names)}},
        "required": [LABEL],
        "additionalProperties": False,
    }
    # A name has no more tokens than bytes; the rest is for what surrounds it.
    return {**bound_to(schema), "max_tokens": 16 + max(len(name.encode()) for name in names)}


def said(name: str) -> str:
    """A name in the form of an answer."""
    return json.dumps({LABEL: name}, ensure_ascii=False)


def named(text: str, names: Sequence[str]) -> str | None:
    """The name in an answer; None if it is not one of them.

    A bare name counts too, from a server without schemas.
    """
    try:
        found = json.loads(text)
    except ValueError:
        found = text.strip()
    if isinstance(found, dict):
        found = found.get(LABEL)
    return next((name for name in names if found == name), None)
