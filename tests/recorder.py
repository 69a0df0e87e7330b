"""A display that writes down how much of each piece of work was done."""

from collections.abc import Iterator
from contextlib import contextmanager

from autoal.progress import Advance


class Recorder:
    """The work done, by name: how much of how much, summed over all times."""

    def __init__(self) -> None:
        self.done: dict[str, tuple[int, int]] = {}

    @contextmanager
    def __call__(self, what: str, count: int, unit: str) -> Iterator[Advance]:
        def add(more: int, count: int = 0) -> None:
            done, whole = self.done.get(what, (0, 0))
            self.done[what] = done + more, whole + count

        add(0, count)
        yield add
