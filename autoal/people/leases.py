"""Who holds which rows: each of them one person, for as long as that person is at work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection

LEASE = 90.0  # seconds after a person's last answer in which nobody else gets the person's rows
HERE = 30.0  # seconds after a page's last question in which somebody is thought to look at it


class Leases:
    """The rows that people hold, in the order in which they are to label them.

    Args:
        clock: tells the seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[str, list[int]] = defaultdict(list)
        self._acted: dict[str, float] = {}
        self._seen: dict[str, float] = {}

    def see(self, person: str, *, acting: bool) -> None:
        """A page asks for something: the person acts, or it only waits."""
        self._seen[person] = self._clock()
        if acting:
            self._acted[person] = self._clock()

    def here(self) -> list[str]:
        """The people who have a page open."""
        return [person for person, at in self._seen.items() if self._clock() - at < HERE]

    def of(self, person: str) -> list[int]:
        """The rows that a person holds."""
        return [*self._held[person]]

    def taken(self, row: int, person: str) -> bool:
        """Whether somebody else who is at work holds a row."""
        return any(
            row in held and other != person and self._is_at_work(other)
            for other, held in self._held.items()
        )

    def give(self, row: int, person: str, *, first: bool = False) -> None:
        """Let a person hold a row, after the others or before them; nobody else has it any more."""
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
        """Let a person hold these rows alone, of those that are held."""
        self._held[person] = [row for row in self._held[person] if row in rows]

    def _is_at_work(self, person: str) -> bool:
        return self._clock() - self._acted[person] < LEASE
