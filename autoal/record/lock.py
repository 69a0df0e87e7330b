"""One process at a time in a folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from autoal.errors import UserError
from autoal.record.layout import LOCK


class Lock:
    """A lock held until closed; the kernel releases it when the process ends for any reason.

    If it cannot be written, as on a read-only disk, nobody can be at work.
    """

    def __init__(self, folder: Path) -> None:
        self.barred = ""  # why nothing can be written here
        path = folder / LOCK
        try:
            # Nothing is written to it, and links, which may lead to others' files, are not
            # followed.
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        except OSError as error:
            self.barred = f"cannot write {path}: {error.strerror}"
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise UserError(
                f"{folder} is already open, most likely because another process is working in it; "
                "wait for it, or give another name="
            ) from error
        except OSError as error:  # a file system without locks
            self.close()
            raise UserError(f"cannot lock {path}: {error.strerror}") from error

    def close(self) -> None:
        """Let others in."""
        if not self.barred:
            os.close(self._file)
