"""What keeps a run out of a comparison, or asks for care with it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing that is not as a comparison needs it."""

    kind: str  # unreadable, unfinished, duplicate, ...
    where: str  # the run or the setting
    what: str  # in one sentence, with its consequence
