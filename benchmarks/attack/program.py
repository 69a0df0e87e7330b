"""The program in a process of its own, watched from outside."""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NoReturn

# The slow imports happen once; every attempt is a fork of the process that has done them.
HEAVY = (
    "autoal.run",
    "autoal.search.autoal",
    *(f"autoal.datamodules.{name}" for name in ("digits", "npz", "folder", "table")),
)
PATIENCE = 120.0  # seconds after which a process counts as hung
MEMORY = 6 << 30  # bytes of data that a process may hold

ANSWERED, DONE = "answered", "done"  # the two good ends of an attempt
# Python's words about a value that was used unchecked.
PYTHONS_WORDS = re.compile(
    r"'NoneType'|not supported between|cannot convert float|object is not|has no attribute|"
    r"unexpected keyword|unhashable|weights_only|codec can't|out of bounds for|invalid literal for"
)


@dataclass(frozen=True)
class Ended:
    """The end of a process."""

    code: int  # the exit code, or minus the signal
    out: str
    err: str
    late: bool  # killed because it did not end

    @property
    def messages(self) -> list[str]:
        """The message about a refusal."""
        lines = self.err.splitlines()
        return [line for line in lines if line.startswith(("error: ", "train.py: error: "))]


def load() -> None:
    """Import everything that attempts need."""
    for module in HEAVY:
        import_module(module)


def program(
    folder: Path,
    arguments: Sequence[str],
    *,
    module: str = "autoal.command",
    kill: tuple[float, int] | None = None,
) -> Ended:
    """Run a command in a folder, and wait for its end.

    Args:
        folder: where it is started; its output is kept there.
        arguments: of the command.
        module: whose `main` is the command.
        kill: seconds after which it gets a signal, and which.
    """
    child = os.fork()
    if not child:
        _become(folder, arguments, module)
    if kill is not None:
        _wait(child, kill[0])
        _signal(child, kill[1])
    late = not _wait(child, PATIENCE)
    if late:
        _signal(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    _signal(child, signal.SIGKILL)  # with everything it started and left running
    out, err = ((folder / name).read_text(errors="replace") for name in ("stdout", "stderr"))
    return Ended(code, out, err, late)


def judged(ended: Ended) -> str:
    """One of the two good ends, or the fault in it."""
    if ended.late:
        return f"hung: not at its end after {PATIENCE:.0f} s"
    if "Traceback (most recent call last)" in ended.err:
        return f"traceback: {ended.err.strip().splitlines()[-1][:200]}"
    if ended.code == 0:
        return DONE
    if ended.code != 2:
        return f"exit code {ended.code}: {ended.err.strip()[-200:]}"
    if len(ended.messages) != 1:
        return f"{len(ended.messages)} messages: {ended.err.strip()[:300]}"
    if PYTHONS_WORDS.search(ended.messages[0]):
        return f"Python's words: {ended.messages[0][:300]}"
    return ANSWERED


def _wait(child: int, seconds: float) -> bool:
    """Whether a child ended in this time, without reaping it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return True
        time.sleep(0.005)
    return False


def _signal(child: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child, number)


def _become(folder: Path, arguments: Sequence[str], module: str) -> NoReturn:
    """Become the command, in this process."""
    code = 1
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        for name, stream in (("stdout", 1), ("stderr", 2)):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        sys.path.insert(0, str(folder))
        sys.argv = ["train.py", *arguments]
        code = import_module(module).main(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
