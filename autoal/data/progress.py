"""The progress of a long look at rows: a bar on a terminal, a few lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import perf_counter

from rich.console import Console
from rich.progress import Progress

LINES = 4  # equal parts that get one line each, except the last
SLOW = 10  # seconds before the first line


@contextmanager
def progress(what: str, count: int) -> Iterator[Callable[[int], None]]:
    """A function to call with the number of rows looked at since the last call.

    Args:
        what: the part that looks at them.
        count: number of all rows.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(what, count).advance
        return
    with Progress(console=console, transient=True) as bar:
        yield partial(bar.advance, bar.add_task(what, total=count))


class _Lines:
    """Progress where a bar would be a mess."""

    def __init__(self, what: str, count: int) -> None:
        self.what = what
        self.count = count
        self.done = 0
        self.begin = perf_counter()

    def advance(self, more: int) -> None:
        told, self.done = self._parts(), self.done + more
        seconds = perf_counter() - self.begin
        if told < self._parts() < LINES and seconds >= SLOW:
            done = f"{self.done:,} of {self.count:,} rows"
            print(f"{self.what} has looked at {done} in {seconds:.0f} s", file=sys.stderr)

    def _parts(self) -> int:
        """How many parts are done."""
        return LINES * self.done // self.count
