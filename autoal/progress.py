"""How far long work has come, and how much is left: a bar on a terminal, a few lines elsewhere.

Whoever works says so by `progress`; how it is shown is decided by whoever began the work, by
`shown_by`. What is done in a few seconds is not shown at all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from time import monotonic

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from autoal.screen import Screen

EVERY = 30  # seconds, at least, from one line to the next
SOON = 2  # seconds after which there is a bar
NAMED = 24  # columns, at most, of the name beside a bar

Clock = Callable[[], float]
Advance = Callable[[int], None]  # is told how many more are done
Display = Callable[[str, int, str], AbstractContextManager[Advance]]


class Pace:
    """Lines about one piece of work, half a minute apart; none about what takes less.

    Args:
        what: is done.
        count: of all that there is to do.
        unit: of the count.
        tell: prints a line.
        clock: seconds from any beginning.
    """

    def __init__(
        self, what: str, count: int, unit: str, tell: Callable[[str], None], clock: Clock
    ) -> None:
        self.what, self.count, self.unit = what, count, unit
        self.tell, self.clock = tell, clock
        self.done = 0
        self.begun = self.told = clock()

    def advance(self, more: int) -> None:
        """So many more are done."""
        self.reach(self.done + more)

    def reach(self, done: int) -> None:
        """So many are done by now."""
        self.done, now = done, self.clock()
        if now - self.told < EVERY or not 0 < done < self.count:
            return
        self.told = now
        spent = now - self.begun
        left = spent * (self.count - done) / done
        so_far = f"{done:,} of {self.count:,} {self.unit} in {_brief(spent)}"
        self.tell(f"{self.what}: {so_far}, about {_brief(left)} left")


def _brief(seconds: float) -> str:
    """A time in the unit in which it has few digits."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def lines(tell: Callable[[str], None], clock: Clock = monotonic) -> Display:
    """Lines that are printed by `tell`."""

    @contextmanager
    def display(what: str, count: int, unit: str) -> Iterator[Advance]:
        yield Pace(what, count, unit, tell, clock).advance

    return display


def bars_on(console: Console) -> Progress:
    """Room for bars, each with its time left, at the end of what a terminal shows.

    Where there is little room, bars are short and long names lose their ends; all else stays whole.
    """
    name = Column(no_wrap=True, overflow="ellipsis", max_width=NAMED)
    return Progress(
        TextColumn("{task.description}", markup=False, table_column=name),
        BarColumn(),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[state]}", markup=False),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        console=console,
        transient=True,
    )


def bars(room: Progress, clock: Clock = monotonic) -> Display:
    """Bars in this room."""

    @contextmanager
    def display(what: str, count: int, unit: str) -> Iterator[Advance]:
        begun, done, task = clock(), 0, None

        def advance(more: int) -> None:
            nonlocal done, task
            done += more
            if task is not None:
                room.update(task, completed=done)
            elif clock() - begun >= SOON:
                room.start()
                task = room.add_task(what, total=count, completed=done, state=unit)
                room.refresh()

        try:
            yield advance
        finally:
            if task is not None:
                room.remove_task(task)

    return display


@contextmanager
def alone(what: str, count: int, unit: str) -> Iterator[Advance]:
    """On the terminal, or as lines where errors are printed, of work that nobody began."""
    console = Screen(stderr=True)
    if not console.is_terminal:
        yield Pace(what, count, unit, _to_stderr, monotonic).advance
        return
    room = bars_on(console)
    display = bars(room)
    try:
        with shown_by(display), display(what, count, unit) as advance:  # also of work within
            yield advance
    finally:
        room.stop()


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def hidden(what: str, count: int, unit: str) -> Iterator[Advance]:
    """Not at all, as by processes that follow another one, which shows it."""
    yield lambda more: None


_DISPLAY: ContextVar[Display] = ContextVar("display", default=alone)


def progress(what: str, count: int, unit: str = "rows") -> AbstractContextManager[Advance]:
    """What to call with the number that were done since the last call.

    Args:
        what: is done, or who does it.
        count: of all that there is to do.
        unit: of the count.
    """
    return _DISPLAY.get()(what, count, unit)


@contextmanager
def shown_by(display: Display) -> Iterator[None]:
    """Whatever is done in here is shown so."""
    token = _DISPLAY.set(display)
    try:
        yield
    finally:
        _DISPLAY.reset(token)
