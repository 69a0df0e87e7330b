"""Where a command shows its work: the terminal, or whatever reads its output instead."""

import signal
from typing import NoReturn

from rich.console import Console

from autoal.errors import Interrupted


class Screen(Console):
    """A console; if its reader goes, as `head` does, the work is stopped as by any other signal."""

    def on_broken_pipe(self) -> NoReturn:
        self.quiet = True
        raise Interrupted(signal.SIGPIPE)  # rich would end the process, out of the midst of a round
