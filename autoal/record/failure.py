"""The error that stopped a run, kept in its folder for the report; needs no torch."""

import traceback
from contextlib import suppress
from pathlib import Path

from autoal.errors import PluginError, UserError
from autoal.record.layout import FAILURE
from autoal.record.whole import write_whole


def keep_failure(folder: Path, error: Exception) -> None:
    """Write down the error that stopped the run; a defect comes with its traceback."""
    text = str(error)
    if isinstance(error, PluginError):
        text = f"{error}\n\n{error.trace}"
    elif not isinstance(error, UserError):
        trace = "".join(traceback.format_exception(error))
        text = f"{type(error).__name__}: {error}\n\n{trace}"
    with suppress(UserError):  # the disk may have failed, and the error is shown anyway
        write_whole(folder / FAILURE, f"{text.rstrip()}\n".encode(errors="replace"))


def forget_failure(folder: Path) -> None:
    """Remove the error of a run that goes on, or has ended."""
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
