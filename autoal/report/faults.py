"""Reasons to leave a run out of a comparison, or to treat it with care."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A deviation from the needs of a comparison."""

    kind: str  # unreadable, unfinished, duplicate, ...
    where: str  # the run or the setting
    what: str  # one sentence, with its consequence
