"""What the report of many runs takes: 500 made-up runs of 20 rounds.

python -m benchmarks.report_size
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

from benchmarks.report import keep, table

STRATEGIES = ("random", *(f"strategy{number}" for number in range(1, 10)))
BUDGETS = (100, 200, 500, 1000, 2000)
# The peak of the process itself: what the kernel tells its parent counts the parent's memory too.
REPORT = """
import sys
from autoal.report.__main__ import main
code = main(sys.argv[1:])
print(next(each for each in open("/proc/self/status") if each.startswith("VmHWM")))
sys.exit(code)
"""
SEEDS, ROUNDS, CLASSES = 10, 20, 10


def write_run(top: Path, strategy: str, budget: int, seed: int) -> None:
    """A folder as an experiment of this size leaves it; the numbers are drawn."""
    stream = np.random.default_rng([STRATEGIES.index(strategy), budget, seed])
    path = top / f"{strategy}-{budget}-{seed}"
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
        "notes": {"weights": weights} if number else {},
    }


def main() -> None:
    """Write the runs, report on them in a process of its own, and keep what that took."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        for strategy in STRATEGIES:
            for budget in BUDGETS:
                for seed in range(SEEDS):
                    write_run(top, strategy, budget, seed)
        begin = time.perf_counter()
        command = [sys.executable, "-c", REPORT, folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - begin
        memory = int(done.stdout.split()[-2]) / 1024  # from kB
        size = (top / "report" / "report.html").stat().st_size / 2**20
    count = len(STRATEGIES) * len(BUDGETS) * SEEDS
    row = [str(count), str(ROUNDS), f"{seconds:.1f}", f"{memory:.0f}", f"{size:.1f}"]
    header = ["runs", "rounds of querying", "seconds", "peak memory, MiB", "page, MiB"]
    keep("report_size", table(header, [row]))


if __name__ == "__main__":
    main()
