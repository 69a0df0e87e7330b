"""Secret tokens that identify pages, kept so that their addresses stay the same."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from autoal.record.layout import TOKENS
from autoal.record.whole import write_whole

BYTES = 24  # of a token, too many to guess
PRIVATE = 0o600  # nobody else on the machine may read the file


class Tokens:
    """The tokens of people."""

    def __init__(self, of: Mapping[str, str]) -> None:
        self._of = of

    @classmethod
    def kept(cls, folder: Path, people: Sequence[str]) -> Tokens:
        """The tokens of a run folder; people without one get a new one."""
        path = folder / TOKENS
        old = _read(path)
        new = {name: old.get(name) or secrets.token_urlsafe(BYTES) for name in people}
        if new.items() - old.items():
            write_whole(path, json.dumps({**old, **new}).encode(), PRIVATE)
        return cls(new)

    def __getitem__(self, person: str) -> str:
        return self._of[person]

    def owner(self, token: str) -> str | None:
        """The owner of a token, found in constant time."""
        given = token.encode(errors="replace")
        found = [name for name, own in self._of.items() if hmac.compare_digest(given, own.encode())]
        return found[0] if found else None


def _read(path: Path) -> dict[str, str]:
    """The tokens in a file; empty if it is damaged."""
    with suppress(OSError, ValueError):
        found = json.loads(path.read_bytes())
        if isinstance(found, dict) and all(map(_is_token, found.values())):
            return found
    return {}


def _is_token(value: object) -> bool:
    return isinstance(value, str) and len(value) >= BYTES
