"""Disturbed sweeps: finished rounds stay, and the same command does the rest.

    python -m benchmarks.sweeps submitit
    python -m benchmarks.sweeps ray         # in an environment that has the extra `ray`

Eight runs of six rounds, two at a time, on a cluster that this machine alone plays: that of
`tests/slurm.py`, whose `sbatch`, `srun`, `sacct`, `scancel` and `scontrol` are small programs, or
two nodes of Ray with a core each. Once some rounds are finished, a node is lost, the time limit
comes, or the command itself is killed by SIGKILL, with its jobs. What the runs leave behind must be
what they leave undisturbed, and the rounds finished by then the same to the byte, seconds included.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.clusters import CLUSTERS, Cluster, Harm
from benchmarks.report import RESULTS, heading, table

ROOT = Path(__file__).resolve().parent.parent
Records = dict[str, bytes]  # the record of each run, by the name of its folder


@dataclass(frozen=True)
class Sweep:
    """A sweep."""

    strategies: str = "random,margin"
    seeds: str = "0,1,2,3"
    rounds: int = 5
    steps: int = 30

    @property
    def runs(self) -> int:
        return (1 + self.strategies.count(",")) * (1 + self.seeds.count(","))

    @property
    def lines(self) -> int:
        """The number of rounds in all records together, at the end."""
        return self.runs * (1 + self.rounds)

    @property
    def words(self) -> list[str]:
        """The arguments of the command."""
        return [
            *("-m", "data=digits", f"strategy={self.strategies}", f"seed={self.seeds}"),
            *("start=20", "budget=10", f"rounds={self.rounds}"),
            *("task=mlp", f"task.steps={self.steps}", "logger=none"),
        ]


@dataclass(frozen=True)
class Ended:
    """The outcome of a sweep."""

    finished: int  # finished rounds when it was disturbed
    kept: int  # of these, rounds that are the same to the byte afterwards
    code: int  # exit code of the disturbed command
    commands: int  # commands until everything was done
    records: Records
    seconds: float


def started(sweep: Sweep, cluster: Cluster | None, out: Path) -> subprocess.Popen[bytes]:
    """The command, on a cluster or in one process."""
    options, more = (cluster.options, cluster.environment) if cluster else ((), {})
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **more}
    words = [sys.executable, "train.py", *sweep.words, *options, f"out={out}"]
    with out.with_suffix(".log").open("ab") as log:
        return subprocess.Popen(words, cwd=ROOT, env=environment, stdout=log, stderr=log)


def undisturbed(sweep: Sweep, out: Path) -> Records:
    """The records of undisturbed runs, done one after the other."""
    if started(sweep, None, out).wait():
        raise RuntimeError(_log(out))
    return records(out)


def disturbed(
    sweep: Sweep, cluster: Cluster, out: Path, harms: Sequence[Harm], *, killed: bool = False
) -> Ended:
    """A sweep that is disturbed several times, whose command may be killed in the end, completed.

    Each disturbance comes when more rounds are finished than at the one before.
    """
    begun = time.monotonic()
    command, before = started(sweep, cluster, out), Records()
    all_harms = [*harms, command.kill] if killed else harms
    for number, harm in enumerate(all_harms, 1):
        before = _at(sweep, out, command, number / (1 + len(all_harms)))
        harm()
    code, commands = command.wait(), 1
    if killed:
        cluster.cancel()
    while _count(records(out)) < sweep.lines:
        if commands == 3:
            raise RuntimeError(_log(out))
        started(sweep, cluster, out).wait()
        commands += 1
    after = records(out)
    kept = _count({name: old for name, old in before.items() if after[name].startswith(old)})
    seconds = time.monotonic() - begun
    return Ended(_count(before), kept, code, commands, after, seconds)


def records(out: Path) -> Records:
    """The records of all runs on disk."""
    return {path.parent.name: path.read_bytes() for path in out.glob("*/rounds.jsonl")}


def lasting(found: Records) -> dict[str, list[Any]]:
    """The records without the seconds, which differ between identical runs."""
    lines = {name: map(json.loads, record.splitlines()) for name, record in found.items()}
    return {
        name: [{key: value for key, value in line.items() if key != "seconds"} for line in each]
        for name, each in lines.items()
    }


def _count(found: Records) -> int:
    """The number of finished rounds."""
    return sum(len(record.splitlines()) for record in found.values())


def _at(sweep: Sweep, out: Path, command: subprocess.Popen[bytes], share: float) -> Records:
    """The records once this share of the rounds is finished."""
    while _count(found := records(out)) < share * sweep.lines:
        if command.poll() is not None:
            raise RuntimeError(_log(out))
        time.sleep(0.02)
    return found


def _log(out: Path) -> str:
    return out.with_suffix(".log").read_text()[-3000:]


def main() -> None:
    """Disturb, complete, compare, and keep the table."""
    parser = argparse.ArgumentParser(description="Sweeps that are disturbed and completed.")
    parser.add_argument("launcher", choices=CLUSTERS)
    launcher, sweep = parser.parse_args().launcher, Sweep()
    with TemporaryDirectory() as name:
        top = Path(name)
        expected = lasting(undisturbed(sweep, top / "undisturbed"))
        cluster = CLUSTERS[launcher](top)
        try:
            harms = [*cluster.harms.values()]
            outcomes = {
                ", then ".join(cluster.harms): partial(disturbed, harms=harms),
                "the command is killed, and its jobs": partial(disturbed, harms=[], killed=True),
            }
            rows = []
            for number, (what, outcome) in enumerate(outcomes.items()):
                ended = outcome(sweep, cluster, top / f"disturbed{number}")
                rows.append(_row(what, ended, expected))
                print(" | ".join(rows[-1]), flush=True)
        finally:
            cluster.close()
    keep(launcher, rows)


def _row(what: str, ended: Ended, expected: Mapping[str, list[Any]]) -> list[str]:
    found = lasting(ended.records)
    same = sum(found[name] == record for name, record in expected.items())
    counts = (ended.finished, ended.kept, ended.code, ended.commands, f"{same} of {len(expected)}")
    return [what, *map(str, counts), f"{ended.seconds:.0f}"]


def keep(launcher: str, rows: list[list[str]]) -> None:
    """Write this launcher's section of results/sweeps.md, and leave the other's."""
    head = ["what happens", "rounds finished by then", "kept to the byte", "exit code"]
    head += ["commands until all was done", "records as undisturbed", "seconds"]
    page = RESULTS / "sweeps.md"
    sections = page.read_text().split("# hydra/launcher=")[1:] if page.exists() else []
    others = [each for each in sections if not each.startswith(launcher)]
    about = heading(*CLUSTERS[launcher].packages)
    found = [*others, f"{launcher}\n\n{about}\n\n{table(head, rows)}\n\n"]
    page.write_text("".join(f"# hydra/launcher={each}" for each in sorted(found)).rstrip() + "\n")
    print(table(head, rows))


if __name__ == "__main__":
    main()
