"""How commands hand over what they made; nothing here needs torch."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from autoal.errors import UserError, unread
from autoal.exported.texts import in_utf8, printable
from autoal.record.whole import write_whole


def add_trust(parser: ArgumentParser) -> None:
    """Let a command be told which code may be imported because a run's files name it."""
    parser.add_argument(
        "--trust",
        metavar="PACKAGE",
        action="append",
        default=[],
        help="package or module of your own, of which classes may be used that the run's files "
        "name; those of AutoAL and of installed plugins always may",
    )


def told(work: Callable[[], None]) -> int:
    """Do the work of a command, with its errors in words; returns the exit code."""
    try:
        work()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader is gone, as `head` is after some lines
        return unread()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    return 0


def tell(text: str, out: Path | None) -> None:
    """Write to a file, as a whole, or to the terminal."""
    if out is None:
        sys.stdout.write(printable(text, sys.stdout.encoding))
    else:
        write_whole(out, in_utf8(text))
