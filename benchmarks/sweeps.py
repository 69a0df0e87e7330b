"""Sweeps that are disturbed: finished rounds stay, and the same command does the rest.

    python -m benchmarks.sweeps submitit
    python -m benchmarks.sweeps ray         # in an environment that has the extra `ray`

Eight runs of six rounds, two at a time, on a cluster that this machine alone plays: that of
`tests/slurm.py`, whose `sbatch`, `srun`, `sacct`, `scancel` and `scontrol` are small programs, or
two nodes of Ray with a core each. Once a third of the rounds is finished, a node is lost, or the
time limit comes, or the command itself is killed by SIGKILL. What the runs leave behind must be
what they leave undisturbed, and the rounds finished by then the same to the byte, seconds included.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.report import RESULTS, heading, table
from tests.slurm import Slurm

ROOT = Path(__file__).resolve().parent.parent
SWEEP = (
    *("data=digits", "strategy=random,margin", "seed=0,1,2,3", "start=20", "budget=10", "rounds=5"),
    *("task=mlp", "task.steps=100", "logger=none"),
)
RUNS, ROUNDS = 8, 8 * 6
Records = dict[str, bytes]  # the record of each run, by its folder's name


class Cluster(ABC):
    """Where the runs of a sweep are done."""

    options: tuple[str, ...]
    environment: Mapping[str, str]

    @abstractmethod
    def disturbances(self) -> dict[str, Callable[[], None]]:
        """What may happen to it while a sweep runs."""

    def cancel(self) -> None:
        """End the jobs that a command has left behind."""

    def close(self) -> None:
        """Leave nothing running."""


class OnSlurm(Cluster):
    """Jobs of an array, submitted by submitit."""

    options = ("hydra/launcher=submitit_slurm", "hydra.launcher.max_num_timeout=3")

    def __init__(self, top: Path) -> None:
        self.slurm = Slurm(top / "slurm")
        self.environment = self.slurm.environment
        self.cancel = self.close = self.slurm.cancel

    def disturbances(self) -> dict[str, Callable[[], None]]:
        return {
            "a node fails": lambda: self.slurm.jobs("RUNNING")[0].fail(),
            "the time limit comes": lambda: self.slurm.jobs("RUNNING")[0].tell("USR2"),
        }


class OnRay(Cluster):
    """Tasks of Ray on two nodes."""

    def __init__(self, top: Path) -> None:
        from ray.cluster_utils import Cluster as Nodes

        self.nodes = Nodes(initialize_head=True, head_node_args={"num_cpus": 1})
        self.second = self.nodes.add_node(num_cpus=1)
        self.environment = {"RAY_DEDUP_LOGS": "0"}
        self.options = (
            "hydra/launcher=ray",
            f"hydra.launcher.ray.init.address={self.nodes.address}",
            "+hydra.launcher.ray.init.object_store_memory=null",
        )

    def disturbances(self) -> dict[str, Callable[[], None]]:
        return {"a node fails": self.lose}

    def lose(self) -> None:
        """One node is gone; another takes its place, as a cluster that is managed gives one."""
        self.nodes.remove_node(self.second, allow_graceful=False)
        self.second = self.nodes.add_node(num_cpus=1)

    def close(self) -> None:
        self.nodes.shutdown()


CLUSTERS: dict[str, Callable[[Path], Cluster]] = {"submitit": OnSlurm, "ray": OnRay}


@dataclass(frozen=True)
class Ended:
    """What became of a sweep."""

    finished: int  # rounds, when it was disturbed
    kept: int  # of these, that are the same to the byte afterwards
    code: int  # with which the disturbed command ended
    commands: int  # until all was done
    records: Records
    seconds: float


def sweep(cluster: Cluster | None, out: Path) -> subprocess.Popen[bytes]:
    """The command, on a cluster or in one process."""
    options, more = (cluster.options, cluster.environment) if cluster else ((), {})
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **more}
    words = [sys.executable, "train.py", "-m", *SWEEP, *options, f"out={out}"]
    log = out.with_suffix(".log").open("ab")
    return subprocess.Popen(words, cwd=ROOT, env=environment, stdout=log, stderr=log)


def disturbed(cluster: Cluster, out: Path, harm: Callable[[], None] | None) -> Ended:
    """A sweep to which something happens, and that is completed; no harm is to kill the command."""
    begun = time.monotonic()
    command = sweep(cluster, out)
    before = _after_a_third(out, command)
    if harm is None:
        command.send_signal(signal.SIGKILL)
        cluster.cancel()
    else:
        harm()
    code, commands = command.wait(), 1
    while len(_lines(records(out))) < ROUNDS:
        if commands == 3:
            raise SystemExit(out.with_suffix(".log").read_text()[-3000:])
        sweep(cluster, out).wait()
        commands += 1
    after = records(out)
    kept = sum(line.count(b"\n") for name, line in before.items() if after[name].startswith(line))
    seconds = time.monotonic() - begun
    return Ended(len(_lines(before)), kept, code, commands, after, seconds)


def records(out: Path) -> Records:
    """What is on the disk of every run."""
    return {path.parent.name: path.read_bytes() for path in out.glob("*/rounds.jsonl")}


def lasting(found: Records) -> dict[str, list[Any]]:
    """The records without the seconds, which differ between two runs that do the same."""
    lines = {name: map(json.loads, record.splitlines()) for name, record in found.items()}
    return {
        name: [{key: value for key, value in line.items() if key != "seconds"} for line in each]
        for name, each in lines.items()
    }


def _lines(found: Records) -> list[bytes]:
    return [line for record in found.values() for line in record.splitlines()]


def _after_a_third(out: Path, command: subprocess.Popen[bytes]) -> Records:
    """The records once a third of the rounds is finished."""
    while len(_lines(found := records(out))) < ROUNDS // 3:
        if command.poll() is not None:
            raise SystemExit(out.with_suffix(".log").read_text()[-3000:])
        time.sleep(0.05)
    return found


def main() -> None:
    """Disturb, complete, compare, and keep the table."""
    parser = argparse.ArgumentParser(description="Sweeps that are disturbed and completed.")
    parser.add_argument("launcher", choices=CLUSTERS)
    launcher = parser.parse_args().launcher
    with TemporaryDirectory() as name:
        top = Path(name)
        if sweep(None, top / "undisturbed").wait():
            raise SystemExit((top / "undisturbed.log").read_text()[-3000:])
        expected = lasting(records(top / "undisturbed"))
        cluster = CLUSTERS[launcher](top)
        try:
            harms = {**cluster.disturbances(), "the command is killed": None}
            ended = {
                what: disturbed(cluster, top / what.replace(" ", "_"), harm)
                for what, harm in harms.items()
            }
        finally:
            cluster.close()
    keep(launcher, [_row(what, each, expected) for what, each in ended.items()])


def _row(what: str, ended: Ended, expected: Mapping[str, list[Any]]) -> list[str]:
    found = lasting(ended.records)
    same = sum(found[name] == record for name, record in expected.items())
    counts = (ended.finished, ended.kept, ended.code, ended.commands, f"{same} of {RUNS}")
    return [what, *map(str, counts), f"{ended.seconds:.0f}"]


def keep(launcher: str, rows: list[list[str]]) -> None:
    """Write the section of this launcher to results/sweeps.md, and leave that of the other."""
    head = ["what happens", "rounds finished by then", "kept to the byte", "exit code"]
    head += ["commands until all was done", "records as undisturbed", "seconds"]
    page = RESULTS / "sweeps.md"
    sections = page.read_text().split("# hydra/launcher=")[1:] if page.exists() else []
    others = [each for each in sections if not each.startswith(launcher)]
    found = [*others, f"{launcher}\n\n{heading()}\n\n{table(head, rows)}\n\n"]
    page.write_text("".join(f"# hydra/launcher={each}" for each in sorted(found)).rstrip() + "\n")
    print(table(head, rows))


if __name__ == "__main__":
    main()
