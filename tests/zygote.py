"""Run train.py in forks of one process that has imported everything, since importing takes longest.

Reads one JSON request a line and answers with one. The forks are real processes of their own, with
train.py as their main module; only the time to start Python and to import torch is saved.
"""

import gc
import io
import json
import os
import resource
import runpy
import sys
import traceback
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from autoal import command, plugins

TRAIN = Path(__file__).resolve().parent.parent / "train.py"


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
            import_module("tests.deaths").die_in(die, by)
        if site is not None:  # of installed packages
            sys.path.insert(0, site)
            plugins._points.cache_clear()
        if folder is not None:
            os.chdir(folder)
            sys.path.insert(0, folder)
        sys.argv = [str(TRAIN), *argv]
        if script is None:
            runpy.run_path(str(TRAIN), run_name="__main__")
        else:
            exec(script, {"__name__": "__main__"})
        code = 0
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


def warm() -> None:
    """Do a run, since what the first one looks up and makes takes a fifth of a short one's time."""
    short = ("task=linear", "task.steps=1", "strategy=random", "rounds=1", "start=10", "budget=5")
    with TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        command.main([*short, "logger=none", f"out={folder}"])


if __name__ == "__main__":
    gc.disable()  # a quarter of the imports' time, a tenth of that of runs as short as these
    for name in ("autoal.run", "autoal.search.autoal", "autoal.datamodules.digits", "tests.deaths"):
        import_module(name)
    warm()
    calls: dict[str, Any] = {"start": start, "wait": wait}
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(calls[name](*arguments)), flush=True)
