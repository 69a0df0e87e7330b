"""How commands deliver their output; nothing here needs torch."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from autoal.errors import UserError
from autoal.exported.texts import in_utf8, printable
from autoal.record.whole import write_whole


def add_trust(parser: ArgumentParser) -> None:
    """Add the option that says which code named in a run's files may be imported."""
    parser.add_argument(
        "--trust",
        metavar="PACKAGE",
        action="append",
        default=[],
        help="your own package or module, whose classes the run's files may use by "
        "name; those of AutoAL and of installed plugins are always allowed",
    )


def told(work: Callable[[], None]) -> int:
    """Do the work of a command, and turn errors into messages; return the exit code."""
    try:
        work()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    return 0


def tell(text: str, out: Path | None) -> None:
    """Write to a file, whole or not at all, or to the terminal."""
    if out is None:
        sys.stdout.write(printable(text, sys.stdout.encoding))
    else:
        write_whole(out, in_utf8(text))
