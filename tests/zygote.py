"""Run train.py in forks of one process that has imported everything, since importing takes longest.

Reads one JSON request a line and answers with one. The forks are real processes of their own, with
train.py as their main module; only the time to start Python and to import torch is saved.
"""

import gc
import itertools
import json
import os
import resource
import runpy
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from autoal.strategies.uncertainty import Margin

from autoal.model.task import Task
from tests.light import warm

TRAIN = Path(__file__).resolve().parent.parent / "train.py"

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


def start(
    argv: list[str],
    out: str,
    err: str,
    largest_file: int | None,
    die: str | None,
    by: int,
    site: str | None,
    folder: str | None,
    environment: dict[str, str],
    script: str | None,
) -> int:
    """Fork a run, or a script; its output goes to files, its exit code to `wait`."""
    if script is None and "logger=none" not in argv:
        import_module("wandb.sdk.launch")  # takes longer than a run, whose W&B imports it
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        for path, stream in ((out, 1), (err, 2)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        os.environ.update(environment)
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
        if die is not None:
            die_in(die, by)
        if site is not None:  # of installed packages, which nobody has looked for yet
            sys.path.insert(0, site)
        if folder is not None:
            os.chdir(folder)
            sys.path.insert(0, folder)
        sys.argv = [str(TRAIN), *argv]
        if script is None:
            runpy.run_path(str(TRAIN), run_name="__main__")
        else:
            exec(script, {"__name__": "__main__"})
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def wait(child: int) -> int:
    """The exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


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


if __name__ == "__main__":
    for name in ("command", "run", "search.autoal", "datamodules.digits"):
        import_module(f"autoal.{name}")
    warm()
    gc.disable()  # a tenth of the time of runs that are too short to need it
    calls: dict[str, Any] = {"start": start, "wait": wait}
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(calls[name](*arguments)), flush=True)
