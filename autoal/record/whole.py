"""Replaces files as a whole; needs no torch."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autoal.errors import UserError
from autoal.record.layout import part_of

# A link, which may lead to somebody else's file, is not followed.
FRESH = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def write_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Replace a file as a whole, or leave it unchanged."""
    part = part_of(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(part, FRESH, mode), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)  # a full disk needs the room
            raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say which file could not be written, and why."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
