"""Where the seconds of a round go."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Stopwatch:
    """Seconds by phase; while an inner phase runs, the outer one stands still."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self._since = self._start = perf_counter()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self._credit()
        self._running.append(name)
        try:
            yield
        finally:
            self._credit()
            self._running.pop()

    @property
    def total(self) -> float:
        """Seconds since the watch was made, in phases or between them."""
        return perf_counter() - self._start

    def _credit(self) -> None:
        now = perf_counter()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now
