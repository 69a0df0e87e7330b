"""How long people wait for the page: until an answer is on disk, and until the next picture.

    python -m benchmarks.people [--rows 200]

The server runs in this process, idle or while a ResNet-18 is trained in it, as in a run; whoever
labels is another process, and thinks a tenth of a second about a row.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from autoal.datamodules.digits import Digits
from PIL import Image

from autoal.model.networks import ResNet18
from autoal.model.task import Task
from autoal.model.training import Training
from autoal.people.asked import AskedRow
from autoal.people.desk import Desk
from autoal.people.events import Ledger
from autoal.people.server import Server
from autoal.people.standing import Standing
from autoal.people.tokens import Tokens
from autoal.record.layout import LABELS
from autoal.seeding import seeded
from benchmarks.report import keep, table

SIDES = (500, 400)
CROWD = 20
TURNS = 4
Answered = list[dict[str, Any]]  # for each person: rows, and seconds of answers and pictures


def pictures(folder: Path, count: int) -> list[AskedRow]:
    """Rows whose pictures are files like those of cameras, but small."""
    smooth = np.random.default_rng(0).integers(255, size=(8, 10, 3), dtype=np.uint8)
    large = Image.fromarray(smooth).resize(SIDES, Image.Resampling.BICUBIC)
    asked = []
    for row in range(count):
        path = folder / f"{row}.jpg"
        large.save(path, quality=90)
        asked.append(AskedRow(row, path.name, "", path, (("cat", 0.6), ("dog", 0.4)), "it is near"))
    return asked


def labelled(rows: int, people: Sequence[str], meanwhile: Callable[[], object]) -> Answered:
    """The times that people in another process see while the server's process is busy or idle."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        asked = pictures(folder, rows)
        desk = Desk(Ledger(folder / LABELS), people, ("cat", "dog"))
        desk.open(1, asked)
        tokens, standing = Tokens.kept(folder, people), Standing.of(folder, [])
        server = Server(desk, standing, tokens, "127.0.0.1", 0)
        urls = [server.url(person) for person in people]
        command = [sys.executable, "-m", "benchmarks.person", *urls]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        while process.poll() is None:
            meanwhile()
        assert process.stdout is not None
        found: Answered = json.load(process.stdout)
        server.close("done")
    return found


def training() -> Callable[[], object]:
    """Trains a ResNet-18 on digits, one epoch after the other."""
    data = Digits()
    data.setup()
    with seeded(0, "benchmark"):
        task = Task(ResNet18, data.train.shape, 10, data.preprocess(), steps=5)
    rows = data.train.take(torch.arange(640))
    return lambda: Training().fit(task, rows, lambda step: None)


def main() -> None:
    """Measure one person, idle and busy, and a crowd."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=200)
    given = parser.parse_args()
    ways = {"idle": wait, "while ResNet-18 is trained": training()}
    ones: dict[str, Answered] = {way: [] for way in ways}
    for _ in range(TURNS):  # in turns, so that all see the machine in the same state
        for way, meanwhile in ways.items():
            ones[way] += labelled(given.rows // TURNS, ["ann"], meanwhile)
    lines = [
        [f"one person, {way}", *summed(together(seen, "answers", "pictures"))]
        for way, seen in ones.items()
    ]
    crowd = labelled(2 * given.rows, [f"person {number}" for number in range(CROWD)], wait)
    lines.append([f"{CROWD} people at once", *summed(together(crowd, "answers", "pictures"))])
    rows = [row for one in crowd for row in one["rows"]]
    twice = len(rows) - len(set(rows))
    head = ["", "answers", "answer, median ms", "95 %", "picture, median ms", "95 %"]
    note = (
        f"{CROWD} people answered {len(rows)} rows; given twice: {twice}. "
        f"Load of the machine, which has other work: {os.getloadavg()[0]:.0f}."
    )
    keep("people", f"{table(head, lines)}\n\n{note}")


def wait() -> None:
    """Leave the process to the server."""
    time.sleep(0.05)


def together(people: Answered, *kinds: str) -> list[list[float]]:
    """All seconds of each kind, over all people."""
    return [[seconds for one in people for seconds in one[kind]] for kind in kinds]


def summed(kinds: Sequence[Sequence[float]]) -> list[str]:
    """Counts, medians and 95th percentiles, in milliseconds."""
    found = [str(len(kinds[0]))]
    for seconds in kinds:
        late = statistics.quantiles(seconds, n=20)[-1]
        found += [f"{1000 * statistics.median(seconds):.1f}", f"{1000 * late:.1f}"]
    return found


if __name__ == "__main__":
    main()
