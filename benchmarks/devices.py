"""Two processes on two cores against one: what a round spends its seconds on.

    python -m benchmarks.devices [--steps 30]

Each process has one thread, as each of several GPUs has one process. ResNet-18 learns digits in
batches of 32 of all processes together. How busy the machine was before is told beside it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import keep, table

ROOT = Path(__file__).resolve().parent.parent
COMMAND = ("train.py", "strategy=margin", "start=64", "budget=64", "rounds=3", "logger=none")
PHASES = ("train", "features", "test")


def seconds(devices: int, steps: int) -> dict[str, float]:
    """The median seconds of the rounds after the first, by phase."""
    with tempfile.TemporaryDirectory() as folder:
        options = (f"task.steps={steps}", f"out={folder}", "name=run", f"trainer.devices={devices}")
        command = [sys.executable, *COMMAND, *options, "trainer.accelerator=cpu"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        lines = Path(folder, "run", "rounds.jsonl").read_text().splitlines()
    spent = [json.loads(line)["seconds"] for line in lines[1:]]
    return {phase: statistics.median(each[phase] for each in spent) for phase in PHASES}


def main() -> None:
    """Measure both, and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=30)
    given = parser.parse_args()
    busy = os.getloadavg()[0]
    found = {devices: seconds(devices, given.steps) for devices in (1, 2)}
    rows = [
        [phase, *(f"{found[devices][phase]:.2f}" for devices in found), _gain(found, phase)]
        for phase in PHASES
    ]
    text = table(["of a round", "one process, s", "two, s", "faster"], rows)
    note = (
        f"{given.steps} steps of ResNet-18, a look at some 1,100 rows, a test on 500, which are "
        f"one block and so one process's; {os.cpu_count()} cores, of which others used {busy:.1f} "
        "before it began (the load of the last minute)"
    )
    keep("devices", f"{text}\n\n{note}")


def _gain(found: dict[int, dict[str, float]], phase: str) -> str:
    return f"{found[1][phase] / found[2][phase]:.2f} x"


if __name__ == "__main__":
    main()
