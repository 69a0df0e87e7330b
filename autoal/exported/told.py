"""How commands hand over what they made; nothing here needs torch."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from autoal.errors import UserError
from autoal.record.whole import write_whole


def told(work: Callable[[], None]) -> int:
    """Do the work of a command, with its errors in words; returns the exit code."""
    try:
        work()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader is gone, as `head` is after some lines
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    return 0


def tell(text: str, out: Path | None) -> None:
    """Write to a file, as a whole, or to the terminal."""
    if out is None:
        sys.stdout.write(text)
    else:
        write_whole(out, text.encode())
