"""The cost of a report on many runs: a few with long records, and a wide bench of short ones.

python -m benchmarks.report_size
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from benchmarks.report import keep, table

# The peak of the process itself: what the kernel tells its parent counts the parent's memory too.
REPORT = """
import sys, time
from autoal.report.__main__ import main
code = main(sys.argv[1:])
print(time.process_time())
print(next(each for each in open("/proc/self/status") if each.startswith("VmHWM")))
sys.exit(code)
"""
SEEDS, ROUNDS, CLASSES = 10, 20, 10


class Bench(NamedTuple):
    """This many strategies, among them random and an upper reference, at each of these budgets."""

    strategies: int
    budgets: Sequence[int]

    def runs(self) -> Iterator[tuple[str, int, int]]:
        """Strategy, budget and seed of each."""
        others = (f"strategy{number}" for number in range(2, self.strategies))
        return product(("random", "cheating_oracle", *others), self.budgets, range(SEEDS))


BENCHES = (Bench(10, (100, 200, 500, 1000, 2000)), Bench(25, range(11, 31)))


def write_run(top: Path, strategy: str, budget: int, seed: int) -> None:
    """A folder like that of an experiment of this size, with random numbers."""
    path = top / f"{strategy}-{budget}-{seed}"
    stream = np.random.default_rng([*path.name.encode()])
    path.mkdir()
    config = {
        **{"start": budget, "budget": budget, "rounds": ROUNDS, "seed": seed},
        "data": {"_target_": "autoal.datamodules.cifar.Cifar10", "imbalance": "none"},
        "task": {f"option{number}": number for number in range(40)},
        "strategy": {"name": strategy},
        "about": {"id": path.name, "versions": {"machine": "made up"}},
    }
    (path / "config.yaml").write_text(yaml.safe_dump(config))
    lines = [_line(stream, seed, number, budget) for number in range(ROUNDS + 1)]
    (path / "rounds.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def _line(stream: np.random.Generator, seed: int, number: int, budget: int) -> dict[str, object]:
    rows = np.arange(number * budget, (number + 1) * budget) + seed
    seconds = {"train": 9.0, "test": 1.0, "features": 2.0, "score": 0.5, "total": 13.0}
    weights = {f"candidate{place}": 0.1 for place in range(10)}
    return {
        "round": number,
        "labelled": (number + 1) * budget,
        "queried": rows.tolist(),
        "labels": stream.integers(0, CLASSES, budget).tolist(),
        "accuracy": float(0.3 + 0.03 * number + stream.normal(0, 0.01)),
        "seconds": seconds,
        "steps": 100,
        "notes": {"weights": weights if number else {}, "learner": {"l2": stream.lognormal()}},
    }


def row(bench: Bench) -> list[str]:
    """The cost of a report on these runs, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for run in bench.runs():
            write_run(Path(folder), *run)
        command = [sys.executable, "-c", REPORT, folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        size = (Path(folder) / "report" / "report.html").stat().st_size / 2**20
    *_, seconds, _, peak, _ = done.stdout.split()  # in kB
    settings, runs = len(bench.budgets), len(list(bench.runs()))
    counts = [str(count) for count in (runs, settings, bench.strategies, ROUNDS)]
    return [*counts, f"{float(seconds):.1f}", f"{int(peak) / 1024:.0f}", f"{size:.1f}"]


def main() -> None:
    """Report on made-up runs, and keep the costs."""
    header = ["runs", "settings", "strategies", "rounds of querying"]
    header += ["processor seconds", "peak memory, MiB", "page, MiB"]
    keep("report_size", table(header, [row(bench) for bench in BENCHES]))


if __name__ == "__main__":
    main()
