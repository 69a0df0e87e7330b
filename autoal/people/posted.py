"""The posts of pages: small mappings with checked values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from aiohttp import web

from autoal.errors import UserError
from autoal.people.gate import BarredError
from autoal.people.tasks import RefusedError
from autoal.record.kinds import AMOUNT, TEXT, WHOLE, Kind

MOST_BYTES = 16 * 1024  # of a request's body

_ID = Kind("a text of 1 to 64 characters", lambda v: isinstance(v, str) and 1 <= len(v) <= 64)
_KINDS: dict[str, Kind] = {
    "id": _ID,
    "row": WHOLE,
    "kind": TEXT,
    "label": TEXT.or_null(),
    "seconds": AMOUNT.or_null(),
    "shown": Kind("true or false", lambda value: isinstance(value, bool)),
}


async def posted(
    request: web.Request,
    needed: Sequence[str],
    more: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """The values in a request; other names are ignored.

    Args:
        request: from a page.
        needed: required names.
        more: optional names with their defaults.
    """
    body = await _body_of(request)
    for name in needed:
        if name not in body:
            raise RefusedError(f"`{name}` is missing")
    values = {name: body.get(name, more.get(name)) for name in (*needed, *more)}
    for name, value in values.items():
        _demand(name, value)
    return values


async def _body_of(request: web.Request) -> dict[str, Any]:
    """The mapping that was posted."""
    if request.content_type != "application/json":
        raise BarredError(415, "a post must be application/json")
    try:
        found = json.loads(await request.text())
    except (ValueError, LookupError, RecursionError) as error:
        raise BarredError(400, f"this is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise BarredError(400, "a post must be a mapping")
    return found


def _demand(name: str, value: Any) -> None:
    """Refuse a value that is not of its kind."""
    try:
        _KINDS[name].demand(name, value)
    except UserError as error:
        raise RefusedError(str(error)) from error
