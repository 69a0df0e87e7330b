"""What stopped a run, kept in its folder for readers of many runs; nothing here needs torch."""

import traceback
from contextlib import suppress
from pathlib import Path

from autoal.errors import UserError
from autoal.record.layout import FAILURE


def keep_failure(folder: Path, error: Exception) -> None:
    """Write down what stopped the run; a defect with its traceback."""
    text = str(error)
    if not isinstance(error, UserError):
        trace = "".join(traceback.format_exception(error))
        text = f"{type(error).__name__}: {error}\n\n{trace}"
    with suppress(OSError):  # the disk may be what failed, and the error itself is told in any case
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FAILURE).write_text(f"{text.rstrip()}\n", errors="replace")


def forget_failure(folder: Path) -> None:
    """Of a run that goes on, or has come to its end."""
    if (folder / FAILURE).exists():
        with suppress(OSError):
            (folder / FAILURE).unlink()


def read_failure(folder: Path) -> str:
    """The message in one line; empty if there is none."""
    try:
        text = (folder / FAILURE).read_text(errors="replace")
    except OSError:
        return ""
    return " ".join(text.partition("\n\n")[0].split())
