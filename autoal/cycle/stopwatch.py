"""Where the seconds of a round go."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Stopwatch:
    """Seconds by phase; an inner phase pauses the outer one."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._phases: list[str] = []
        self._since = perf_counter()
        self._total = 0.0
        self._started: float | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time inside this context; waiting for answers does not count."""
        self._started = perf_counter()
        try:
            yield
        finally:
            self._total, self._started = self.total, None

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self._credit()
        self._phases.append(name)
        try:
            yield
        finally:
            self._credit()
            self._phases.pop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Count nothing that happens in here, whatever phases it has."""
        self._credit()
        seconds, total, running = {**self.seconds}, self.total, self._started is not None
        try:
            yield
        finally:
            self.seconds.clear()
            self.seconds.update(seconds)
            self._total, self._since = total, perf_counter()
            self._started = self._since if running else None

    @property
    def total(self) -> float:
        """Seconds that it ran, in phases or between them."""
        return self._total + (0.0 if self._started is None else perf_counter() - self._started)

    def _credit(self) -> None:
        now = perf_counter()
        if self._phases and self._started is not None:
            self.seconds[self._phases[-1]] += now - self._since
        self._since = now
