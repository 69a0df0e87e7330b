"""Leases: each row is held by one person, as long as that person is at work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection

LEASE = 90.0  # seconds after a person's last answer before others may get the rows
HERE = 30.0  # seconds after a page's last request while somebody seems to be there


class Leases:
    """The rows that people hold, in labelling order.

    Args:
        clock: returns the seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[str, list[int]] = defaultdict(list)
        self._acted: dict[str, float] = {}
        self._seen: dict[str, float] = {}

    def see(self, person: str, *, acting: bool) -> None:
        """Note a page's request: the person acts, or the page only waits."""
        self._seen[person] = self._clock()
        if acting:
            self._acted[person] = self._clock()

    def here(self) -> list[str]:
        """The people who have a page open."""
        return [person for person, at in self._seen.items() if self._clock() - at < HERE]

    def of(self, person: str) -> list[int]:
        """The rows that a person holds."""
        return [*self._held[person]]

    def taken(self, person: str) -> set[int]:
        """The rows held by others who are at work."""
        return {
            row
            for other, held in self._held.items()
            if other != person and self._is_at_work(other)
            for row in held
        }

    def give(self, row: int, person: str, *, first: bool = False) -> None:
        """Give a row to one person only, after the others or before them."""
        self.free(row)
        self._acted[person] = self._clock()
        held = self._held[person]
        held.insert(0 if first else len(held), row)

    def free(self, row: int) -> None:
        """Let nobody hold a row."""
        for held in self._held.values():
            if row in held:
                held.remove(row)

    def keep(self, person: str, rows: Collection[int]) -> None:
        """Keep only these of the rows that a person holds."""
        self._held[person] = [row for row in self._held[person] if row in rows]

    def _is_at_work(self, person: str) -> bool:
        return person in self._acted and self._clock() - self._acted[person] < LEASE
