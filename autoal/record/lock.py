"""One process at a time in a folder."""

from __future__ import annotations

import fcntl
from pathlib import Path

from autoal.errors import UserError
from autoal.record.layout import LOCK


class Lock:
    """Held until it is closed; the kernel lets go of it when the process ends, however it does.

    Where it cannot be written, as on a disk that is only read, nobody can be at work.
    """

    def __init__(self, folder: Path) -> None:
        self.barred = ""  # why nothing can be written here
        try:
            self._file = (folder / LOCK).open("w")
        except OSError as error:
            self.barred = f"cannot write {folder / LOCK}: {error.strerror}"
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise UserError(
                f"{folder} is open already, mostly because another process is at work in it; "
                "wait for it, or give another name="
            ) from error

    def close(self) -> None:
        """Let others in."""
        if not self.barred:
            self._file.close()
