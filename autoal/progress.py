"""The progress of long work and the time left: a bar on a terminal, a few lines elsewhere.

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
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from autoal.screen import Screen

EVERY = 30  # least seconds between two lines
SOON = 2  # seconds before a bar appears
PERIOD = 86_400  # seconds that tell the speed: rounds may be far apart
NAMED = 24  # most columns of the name beside a bar

Clock = Callable[[], float]
Advance = Callable[[int], None]  # receives the number done since the last call
Display = Callable[[str, int, str], AbstractContextManager[Advance]]


class Pace:
    """Lines about one piece of work, half a minute apart; none about short work.

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
        """This many more are done."""
        self.reach(self.done + more)

    def reach(self, done: int) -> None:
        """This many are done in all."""
        self.done, now = done, self.clock()
        if now - self.told < EVERY or not 0 < done < self.count:
            return
        self.told = now
        spent = now - self.begun
        left = spent * (self.count - done) / done
        so_far = f"{done:,} of {self.count:,} {self.unit} in {brief(spent)}"
        self.tell(f"{self.what}: {so_far}, about {brief(left)} left")


def brief(seconds: float) -> str:
    """A time in the unit that needs few digits."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def lines(tell: Callable[[str], None], clock: Clock = monotonic) -> Display:
    """Lines printed by `tell`."""

    @contextmanager
    def display(what: str, count: int, unit: str) -> Iterator[Advance]:
        yield Pace(what, count, unit, tell, clock).advance

    return display


class _Left(TimeRemainingColumn):
    """The time left, once it can be told."""

    def render(self, task: Task) -> Text:
        return Text() if task.time_remaining is None else super().render(task)


def bars_on(console: Console) -> Progress:
    """Room for bars with the time left, at the end of a terminal's output.

    Where there is little room, bars are short and long names lose their ends; all else stays whole.
    """
    name = Column(no_wrap=True, overflow="ellipsis", max_width=NAMED)
    return Progress(
        TextColumn("{task.description}", markup=False, table_column=name),
        BarColumn(),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[state]}", markup=False),
        _Left(table_column=Column(no_wrap=True)),
        console=console,
        transient=True,
        speed_estimate_period=PERIOD,
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
    """A bar on the terminal, or lines on a redirected stderr, for work without a display."""
    console = Screen(stderr=True)
    if not console.is_terminal:
        yield Pace(what, count, unit, _to_stderr, monotonic).advance
        return
    room = bars_on(console)
    display = bars(room)
    try:
        with shown_by(display), display(what, count, unit) as advance:  # which shows inner work too
            yield advance
    finally:
        room.stop()


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def hidden(what: str, count: int, unit: str) -> Iterator[Advance]:
    """No display, as in processes that follow one that has it."""
    yield lambda more: None


_DISPLAY: ContextVar[Display] = ContextVar("display", default=alone)


def progress(what: str, count: int, unit: str = "rows") -> AbstractContextManager[Advance]:
    """A function to call with the number done since the last call.

    Args:
        what: is done, or who does it.
        count: of all that there is to do.
        unit: of the count.
    """
    return _DISPLAY.get()(what, count, unit)


@contextmanager
def shown_by(display: Display) -> Iterator[None]:
    """Show all work in this context in this way."""
    token = _DISPLAY.set(display)
    try:
        yield
    finally:
        _DISPLAY.reset(token)
