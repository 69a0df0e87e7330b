"""A SLURM of this machine alone: the commands that submitit gives, and jobs that outlive them.

`sbatch` starts the tasks of an array, as many at once as the cluster has cores, each in a session
of its own. A task whose processes are killed from outside is one whose node failed, and is queued
again, as SLURM does; so is one for which `scontrol requeue` was given before it ended.
"""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

COMMANDS = ("sbatch", "srun", "sacct", "scancel", "scontrol")
HOME = "FAKE_SLURM"  # the variable of the environment that names the cluster's folder
CORES = 2


@dataclass(eq=False)
class Job:
    """One task of an array, or a job that is none; its files lie beside each other."""

    home: Path
    name: str  # 3_0, or 3

    @property
    def state(self) -> str:
        return self._file("state").read_text()

    @state.setter
    def state(self, word: str) -> None:
        part = self._file("part")  # a reader finds the old word or the new one
        part.write_text(word)
        part.replace(self._file("state"))

    def mark(self, kind: str, text: object = "") -> None:
        self._file(kind).write_text(str(text))

    def marked(self, kind: str) -> bool:
        return self._file(kind).exists()

    def unmark(self, kind: str) -> bool:
        """Whether there was such a mark, which is gone now."""
        there = self.marked(kind)
        self._file(kind).unlink(missing_ok=True)
        return there

    def fail(self) -> None:
        """Its node is gone, at once and with all that ran on it."""
        with suppress(ProcessLookupError):  # it has just ended
            os.killpg(int(self._file("session").read_text()), signal.SIGKILL)

    def awaits(self, name: str) -> bool:
        """Whether its step has begun so far that it does something of its own about a signal."""
        try:
            status = Path("/proc", self._file("step").read_text(), "status").read_text()
        except FileNotFoundError:
            return False
        caught = re.search(r"SigCgt:\s*(\w+)", status)
        assert caught is not None
        return bool(int(caught[1], 16) >> (signal.Signals[f"SIG{name}"] - 1) & 1)

    def tell(self, name: str) -> None:
        """Send its step a signal, as SLURM does before the time limit."""
        os.kill(int(self._file("step").read_text()), signal.Signals[f"SIG{name}"])

    def cancel(self) -> None:
        self.mark("cancelled")
        if self.state == "RUNNING":
            self.fail()

    def _file(self, kind: str) -> Path:
        return self.home / f"{self.name}.{kind}"


class Slurm:
    """The cluster: its commands stand in `environment`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        programs = home / "bin"
        programs.mkdir(parents=True)
        for name in COMMANDS:
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {name} "$@"\n')
            program.chmod(0o755)
        self.environment = {HOME: str(home), "PATH": f"{programs}:{os.environ['PATH']}"}

    def jobs(self, state: str | None = None) -> list[Job]:
        """All that were ever submitted, or those in a state."""
        found = sorted(self.home.glob("*.state"))
        jobs = [Job(self.home, path.stem) for path in found]
        return [job for job in jobs if state in (None, job.state)]

    def cancel(self) -> None:
        """All that are not done."""
        for job in self.jobs():
            if job.state in ("PENDING", "RUNNING"):
                job.cancel()


def sbatch(home: Path, script: str) -> None:
    """Queue the tasks of a script, and let them run when this command has ended."""
    number = 1 + len([*home.glob("*.script")])
    home.joinpath(f"{number}.script").write_text(Path(script).read_text())
    for job in _tasks(home, number):
        job.state = "PENDING"
    subprocess.Popen(
        [sys.executable, __file__, "controller", str(number)],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    print(f"Submitted batch job {number}")


def controller(home: Path, number: str) -> None:
    """Run the tasks of a submission to their ends."""
    waiting, running = _tasks(home, int(number)), dict[int, Job]()
    while waiting or running:
        while waiting and len(running) < CORES:
            job = waiting.pop(0)
            running[_started(job, number)] = job
            job.state = "RUNNING"
            if job.marked("cancelled"):  # before that was seen; later, `cancel` itself ends it
                job.fail()
        pid, status = os.wait()
        job, code = running.pop(pid), os.waitstatus_to_exitcode(status)
        again = job.unmark("requeue") or code == -signal.SIGKILL
        if job.marked("cancelled"):
            job.state = "CANCELLED"
        elif again:
            job.state = "PENDING"
            waiting.append(job)
        else:
            job.state = "FAILED" if code else "COMPLETED"


def srun(home: Path, *words: str) -> None:
    """The step of a task: the command behind the options, its output in the files they name."""
    given = list(words)
    while given[0].startswith("--"):
        option = given.pop(0)
        if option in ("--output", "--error"):
            name = given.pop(0).replace("%A", "%j").replace("%j_%a", "%j")
            path = name.replace("%j", os.environ["FAKE_JOB"]).replace("%t", "0")
            stream = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(stream, 1 if option == "--output" else 2)
    Job(home, os.environ["FAKE_JOB"]).mark("step", os.getpid())
    os.execvp(given[0], given)


def sacct(home: Path, *words: str) -> None:
    """The states of the jobs that `-j` names, between bars."""
    asked = {word for before, word in pairwise(words) if before == "-j"}
    print("JobID|State|NodeList")
    for path in sorted(home.glob("*.state")):
        if path.stem.split("_")[0] in asked:
            print(f"{path.stem}|{path.read_text()}|here")


def scancel(home: Path, *words: str) -> None:
    """End jobs; a number names all tasks of its array."""
    for path in home.glob("*.state"):
        if {path.stem, path.stem.split("_")[0]} & set(words):
            Job(home, path.stem).cancel()


def scontrol(home: Path, action: str, name: str) -> None:
    """Queue a task again once it ends; nothing else is asked of it."""
    assert action == "requeue"
    Job(home, name).mark("requeue")


def _tasks(home: Path, number: int) -> list[Job]:
    script = home.joinpath(f"{number}.script").read_text()
    array = re.search(r"^#SBATCH --array=0-(\d+)", script, re.MULTILINE)
    if array is None:
        return [Job(home, str(number))]
    return [Job(home, f"{number}_{task}") for task in range(int(array[1]) + 1)]


def _started(job: Job, number: str) -> int:
    """The process of a task, which is that of its session."""
    script = f"{number}.script"
    _, _, task = job.name.partition("_")
    facts = {
        "FAKE_JOB": job.name,
        "SLURM_JOB_ID": number,
        "SLURM_JOB_NAME": "train",
        "SLURM_JOB_NUM_NODES": "1",
        "SLURM_JOB_NODELIST": "here",
        "SLURM_NTASKS": "1",
        "SLURM_NTASKS_PER_NODE": "1",
        **{name: "0" for name in ("SLURM_NODEID", "SLURM_PROCID", "SLURM_LOCALID")},
    }
    if task:
        facts |= {"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": task}
    process = subprocess.Popen(
        ["bash", str(job.home / script)], env={**os.environ, **facts}, start_new_session=True
    )
    job.mark("session", process.pid)
    return process.pid


if __name__ == "__main__":
    words = sys.argv[1:]
    parts = {part.__name__: part for part in (sbatch, controller, srun, sacct, scancel, scontrol)}
    parts[words[0]](Path(os.environ[HOME]), *words[1:])
