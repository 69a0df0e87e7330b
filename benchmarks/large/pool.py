"""The cost of one query in a pool of millions of rows: seconds and memory, a process each.

    python -m benchmarks.large pool [--rows 10000000] [--only NAME ...] [--look N] [--folder FOLDER]

A query is that of `Experiment.ask`, with logistic regression on 100 labels and a batch of 100 rows.
The features, 384 numbers of half precision a row, are mapped from a file. Memory is what the
process made, at most (RssAnon), beyond what it had before the query; what the file has in memory is
told apart, which the system takes back where it is short. What was measured is kept in the folder,
beside the features, and is not measured again.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import torch

from autoal import Experiment, Plan, Trained, Training, TrueLabels
from autoal.bounds import LARGEST
from autoal.data.rows import Rows
from autoal.errors import UserError
from autoal.model.logistic import Logistic
from autoal.query import registry
from benchmarks.large.memory import resident, watched
from benchmarks.large.rows import Mapped, make
from benchmarks.report import keep, table

STRATEGIES = ("margin", "badge", "coreset", "uherding", "typiclust", "salutary", "autoal")
OPTIONS = {"salutary": {"folds": 5}}
SIZES = (100_000, 1_000_000, 10_000_000)
LABELS = 100  # labels of the start, and rows in a batch
LIMIT = 1800  # limit of one measurement in seconds
READING = "reading"  # reads the file once, in single precision
BLOCK = 4096  # rows that are read at a time
ROOT = Path(__file__).resolve().parents[2]
TIMES = ("seconds", "elapsed", "opening")
HEADER = ["query", "rows", "look", *TIMES, "MiB made", "MiB of the file"]
NOTE = (
    "One thread, 100 labels, a batch of 100 rows. Seconds: of the processor, and beside them those "
    "that went by, in which others may have had it, or a file was waited for. Opening: seconds of "
    "the processor before round 0, in which the rows are checked. "
    "MiB made: the most that the query took beyond what the process had (RssAnon). MiB of the "
    "file: what of it was in memory at most, which the system takes back where memory is short. "
    "`reading` goes through the file once. What the table lacks was not run."
)


def main(arguments: Sequence[str]) -> None:
    """Measure, and keep the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.large pool", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[READING, *STRATEGIES])
    parser.add_argument("--look", type=int, help="rows that are looked at, instead of all")
    parser.add_argument("--folder", default=f"{gettempdir()}/autoal_pool", help="of the features")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    folder = Path(given.folder)
    if given.measure:
        print(json.dumps(measure(folder, *json.loads(given.measure))))
        return
    kept = folder / "measured"
    kept.mkdir(parents=True, exist_ok=True)
    make(folder, max(given.rows))
    for name in given.only:
        for rows in sorted(given.rows):
            found = measured(kept, ["--folder", given.folder], [name, rows, given.look])
            print(found, file=sys.stderr, flush=True)
    every = [json.loads(path.read_text()) for path in kept.glob("*.json")]
    every.sort(key=lambda found: _place(*found["key"]))
    keep("large_pool", f"{table(HEADER, [_line(found) for found in every])}\n\n{NOTE}")


def _place(name: str, rows: int, look: int | None) -> tuple[int, int, int]:
    """The place of a measurement in the table."""
    return [READING, *STRATEGIES].index(name), rows, look or LARGEST


def measure(folder: Path, name: str, rows: int, look: int | None) -> dict[str, Any]:
    """One query, or one pass over the file, in this process."""
    torch.set_num_threads(1)
    begin = time.process_time()
    data = Mapped(folder, rows)
    data.setup()
    if name == READING:
        return _watched(lambda: _read(data.train))
    preprocess = data.preprocess()
    learner = Trained(Logistic(data.train.shape, len(data.classes), preprocess), Training("cpu"))
    plan = Plan(start=LABELS, budget=LABELS, rounds=1, look=look)
    strategy = registry.build(name, **OPTIONS.get(name, {}))
    experiment = Experiment(data, learner, strategy, plan)
    opened = time.process_time() - begin
    question = experiment.ask()
    assert question is not None
    experiment.tell(TrueLabels(data.train.labels)(question))
    try:
        found = _watched(experiment.ask)
    except UserError as refused:
        return {"refused": str(refused)}
    asked = experiment.ask()
    assert asked is not None
    assert len(asked.rows) == LABELS
    return {**found, "opening": opened}


def measured(kept: Path, given: Sequence[str], key: Sequence[Any]) -> dict[str, Any]:
    """The same in a fresh process, or an earlier measurement."""
    path = kept / ("-".join(map(str, key)).replace(" ", "_") + ".json")
    if not path.exists():
        found = _measured(given, key)
        path.write_text(json.dumps({"key": key, **found}))
    return json.loads(path.read_text())


def _measured(given: Sequence[str], key: Sequence[Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.large", "pool", *given]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [*command, "--measure", json.dumps(key)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired:
        return {"refused": f"above {LIMIT} s"}
    if done.returncode:
        told = done.stderr.strip() or f"ended by signal {-done.returncode}"
        return {"refused": told.splitlines()[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def _read(rows: Rows) -> None:
    for block in rows.inputs.split(BLOCK):
        block.float().sum()


def _watched(act: Callable[[], Any]) -> dict[str, Any]:
    """Seconds, and peak memory of each kind beyond that at the start."""
    before, began, begin = resident(), time.perf_counter(), time.process_time()
    with watched() as watch:
        act()
    return {
        "seconds": time.process_time() - begin,
        "elapsed": time.perf_counter() - began,
        "made": watch.peak.anonymous - before.anonymous,
        "file": watch.peak.files,
    }


def _line(found: dict[str, Any]) -> list[str]:
    """The line's numbers."""
    name, rows, look = found["key"]
    line = [name, f"{rows:,}", f"{look:,}" if look else "all"]
    if "refused" in found:
        return [*line, found["refused"], "", "", "", ""]
    times = [f"{found[each]:.1f}" if each in found else "" for each in TIMES]
    return [*line, *times, *(f"{found[each]:,.0f}" for each in ("made", "file"))]


if __name__ == "__main__":
    main(sys.argv[1:])
