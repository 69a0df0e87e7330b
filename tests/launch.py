"""Whole runs of train.py, started from a test and watched from outside."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Nobody's settings. Sums depend on the number of threads, and one is fastest where others work.
PRIVATE = ("WANDB_", "AUTOAL_", "XDG_CACHE", "TORCH_HOME")
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(PRIVATE)}
ENVIRONMENT["OMP_NUM_THREADS"] = "1"


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str


class Zygote:
    """Starts runs of train.py without the time that imports take."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            # Nobody's key, settings or artifacts.
            env={**ENVIRONMENT, "HOME": str(folder)},
        )

    def start(
        self,
        *argv: str,
        largest_file: int | None = None,
        die: str | None = None,
        by: signal.Signals = signal.SIGKILL,
        site: Path | None = None,
        folder: Path | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
        script: str | None = None,
    ) -> "Running":
        self.count += 1
        out, err = (self.folder / f"{self.count}.{kind}" for kind in ("out", "err"))
        places = [None if path is None else str(path) for path in (site, folder)]
        told = list(argv), str(out), str(err), largest_file, die, int(by)
        pid = self.ask("start", *told, *places, dict(environment), script)
        return Running(self, pid, out, err)

    def run(
        self,
        *argv: str,
        largest_file: int | None = None,
        die: str | None = None,
        by: signal.Signals = signal.SIGKILL,
        site: Path | None = None,
        folder: Path | None = None,
    ) -> Finished:
        running = self.start(
            *argv, largest_file=largest_file, die=die, by=by, site=site, folder=folder
        )
        return running.finish()

    def execute(self, script: str, *argv: str, **environment: str) -> Finished:
        """Run this program instead of train.py."""
        return self.start(*argv, environment=environment, script=script).finish()

    def ask(self, name: str, *arguments: Any) -> int:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps([name, arguments]) + "\n")
        stdin.flush()
        return int(stdout.readline())

    def end(self) -> None:
        """Let the process go."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.close()
        self.process.wait()
        stdout.close()


@dataclass(frozen=True)
class Running:
    zygote: Zygote
    pid: int
    out: Path
    err: Path

    def finish(self) -> Finished:
        code = self.zygote.ask("wait", self.pid)
        return Finished(code, self.out.read_text(), self.err.read_text())

    def pages(self, people: int = 1) -> list[str]:
        """The addresses at which this many people label, once they are there."""
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            told = self.out.read_text() if self.out.exists() else ""
            found = re.findall(r"label at (\S+)(?: \(\w+\))?\n", told)
            if len(found) == people:
                return found
            time.sleep(0.02)
        raise TimeoutError(self.err.read_text())

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)
