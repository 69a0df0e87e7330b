"""Two processes on two cores against one: seconds of a training and a look, by clock and by core.

    python -m benchmarks.devices [--steps 20] [--rows 2048]

Each process has one thread. ResNet-18 learns noise of 3x32x32 in batches of 64 of all processes
together. On a machine where others work, seconds say little; those that the first process
computed, waiting left out, are what it would take where each has a core of its own, at best.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial

import torch

from autoal.data.images import Preprocess
from autoal.data.rows import Rows
from autoal.model.fitstep import unwatched
from autoal.model.networks import ResNet18
from autoal.model.task import Task
from autoal.model.training import Training
from autoal.seeding import seeded
from benchmarks.report import keep, table

SHAPE, CLASSES, BATCH = (3, 32, 32), 10, 64

Spent = tuple[float, float]  # seconds on the clock, and of this process's computing


def measured(steps: int, rows: Rows) -> dict[str, Spent]:
    """The seconds of a training and a look, on whatever device is current."""
    training = _training()
    with seeded(0, "benchmark"):
        preprocess = Preprocess([0.5] * 3, [0.25] * 3)
        task = Task(ResNet18, SHAPE, CLASSES, preprocess, steps=steps, batch_size=BATCH)
        return {
            "training": _timed(partial(training.fit, task, rows, unwatched)),
            "look": _timed(partial(training.embed, task, rows, torch.arange(len(rows)))),
        }


def main() -> None:
    """Measure both, and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rows", type=int, default=2048)
    given = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    ranks = _training().ranks()
    if not ranks.first:
        ranks.follow()
        sys.exit()
    with seeded(0, "benchmark"):
        images = torch.randint(256, (given.rows, *SHAPE), dtype=torch.uint8)
        rows = Rows(images, torch.randint(CLASSES, (given.rows,)))
    load = os.getloadavg()[0]
    one = measured(given.steps, rows)
    with ranks.lead():
        two = measured(given.steps, rows)
    lines = [
        [phase, *(f"{seconds:.1f}" for spent in (one, two) for seconds in spent[phase])]
        + [f"{one[phase][number] / two[phase][number]:.2f} x" for number in (0, 1)]
        for phase in one
    ]
    header = ["", "one, s", "computed", "two, s", "computed by the first", "faster", "at best"]
    note = (
        f"{given.steps} steps of {BATCH} rows, a look at {given.rows:,}; {os.cpu_count()} cores, "
        f"for which {load:.0f} processes waited before this one came"
    )
    keep("devices", f"{table(header, lines)}\n\n{note}")


def _training() -> Training:
    return Training(accelerator="cpu", devices=2, strategy="ddp")


def _timed(work: Callable[[], object]) -> Spent:
    start, computed = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - computed


if __name__ == "__main__":
    main()
