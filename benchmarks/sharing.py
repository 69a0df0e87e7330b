"""The cost of a busy neighbour: a fit alone, and with another process on one core.

    python -m benchmarks.sharing

OpenMP's idle threads spin while they wait for the others. That is fastest alone, and stalls
training where a thread waits for one that has no core. `train.py` lets them spin briefly.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import keep, table

ROOT = Path(__file__).resolve().parent.parent
COMMAND = ("train.py", "task.steps=20", "rounds=2", "logger=none", "name=run")
NEIGHBOUR = (sys.executable, "-c", "while True: pass")
WAITING = {"OpenMP's own": {"GOMP_SPINCOUNT": "300000"}, "train.py's": {}}


def train_seconds(environment: dict[str, str]) -> float:
    """The median seconds of the fits of a run, without the first."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *COMMAND, f"out={folder}"]
        environment = {**os.environ, **environment}
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        lines = Path(folder, "run", "rounds.jsonl").read_text().splitlines()
    return statistics.median(json.loads(line)["seconds"]["train"] for line in lines[1:])


def main() -> None:
    """Measure each way of waiting, alone and beside a neighbour."""
    rows = []
    for name, environment in WAITING.items():
        alone = train_seconds(environment)
        neighbour = subprocess.Popen(NEIGHBOUR)
        shared = train_seconds(environment)
        neighbour.kill()
        neighbour.wait()
        rows.append([name, f"{alone:.2f}", f"{shared:.2f}"])
    text = table(["threads wait", "alone, s", "beside a busy process, s"], rows)
    note = "20 steps of ResNet-18 on digits, the median of two fits"
    keep("sharing", f"{text}\n\n{note}")


if __name__ == "__main__":
    main()
