"""Where and how a run of train.py can be killed, as from outside."""

import itertools
import os
from pathlib import Path
from typing import Any

from autoal.strategies.uncertainty import Margin

from autoal.model.task import Task

# Where a run can be killed in round 2: a function's owner, its name, and the call that is the last
# one where a round has three training steps. A file of the run is written to a part, synced and
# put in place: config.yaml first, then in each round the state, its checksum, the rounds and the
# peak memory; round 0 has no old state and checksum to remove.
PLACES: dict[str, tuple[Any, str, int]] = {
    "training": (Task, "training_step", 8),
    "scoring": (Margin, "score", 2),
    "the state half written": (os, "fsync", 10),
    "the checksum half written": (os, "fsync", 11),
    "the rounds half written": (os, "fsync", 12),
    "between state and rounds": (Path, "replace", 12),
    "the old state not removed": (Path, "unlink", 3),
    "the old checksum not removed": (Path, "unlink", 4),
}
# What a run does over and over: a moment of it is one of these calls.
WATCHED: list[tuple[Any, str]] = [
    *((Task, name) for name in ("training_step", "test_step", "predict_step", "renew")),
    *((Margin, name) for name in ("fit", "score")),
    *((os, name) for name in ("fsync", "replace")),
    *((Path, name) for name in ("replace", "unlink", "mkdir")),
]


def die_in(place: str, by: int) -> None:
    """Let the process get a signal at the call that the place names, as from outside.

    A number is that of a call among all that are watched, whichever it is.
    """
    if place.isdecimal():
        watched, last = WATCHED, int(place)
    else:
        owner, function, last = PLACES[place]
        watched = [(owner, function)]
    calls = itertools.count(1)

    def counted(original: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            if next(calls) == last:
                os.kill(os.getpid(), by)
            return original(*arguments, **options)

        return call

    for owner, name in watched:
        setattr(owner, name, counted(getattr(owner, name)))
