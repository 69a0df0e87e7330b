"""The console of a run and of a sweep."""

from signal import SIGPIPE
from typing import NoReturn

from rich.console import Console

from autoal.errors import Interrupted, unread


class Output(Console):
    """A console whose reader may leave, as `head` does: that stops a run like a signal."""

    def on_broken_pipe(self) -> NoReturn:
        self.quiet = True  # also for what is printed on the way out
        unread()
        raise Interrupted(SIGPIPE)
