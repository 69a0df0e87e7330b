"""The cost of a query: seconds and memory of every installed strategy, beside other packages.

    python -m benchmarks.strategies [--rows 50000] [--large] [--only NAME ...]

Each measurement is a fresh process with two threads, in which the features, and what else of the
view the strategy reads, are there already; the time is that of `select`, with the strategy's `fit`.
Beside it stands how long the matrix products alone take that the strategy's definition needs.
--large measures a million rows in half precision instead, in a table of its own.
"""

import argparse
import json
import os
import statistics
import sys
from tempfile import TemporaryDirectory
from typing import Any

import torch

from autoal.errors import UserError
from autoal.plugins import STRATEGIES
from autoal.query import registry
from benchmarks.report import keep, table
from benchmarks.strategies.measure import KEPT, measure, measured
from benchmarks.strategies.rows import FOLDER, Size

READER = "active_llm"  # as fast as the language model it asks
TRAINING = ("cheating_oracle", "committee", "selectal")  # these train learners, so they wait
LARGE = Size(1_000_000, 1000, 1000, half=True)
SMALL = Size(2000, 100, 100)
COST = ["seconds", "products, s", "runs", "MiB"]
NOTE = (
    "Median seconds of so many runs, and the most memory beyond the features, two threads. "
    "Products: those of matrices that the definition needs, alone, in the same process."
)


def shown(found: dict[str, Any]) -> list[str]:
    """Median seconds, those of the necessary products, the number of queries, and memory."""
    if "seconds" not in found:
        return [found.get("failed", ""), "", "", ""]
    times = found["seconds"]
    return [_median(times), _median(found["products"]), str(len(times)), f"{found['memory']:,.0f}"]


def _median(times: list[float]) -> str:
    return f"{statistics.median(times):.3f}" if times else ""


def costs(names: list[str], size: Size) -> str:
    """The table of our strategies at one size."""
    header = ["strategy", *COST]
    on_gpu = torch.cuda.is_available()
    rows = []
    for name in names:
        row = [name, *shown(measured(name, "ours", size))]
        if on_gpu:
            row += shown(measured(name, "ours", size._replace(device="cuda")))
        rows.append(row)
        print(row, file=sys.stderr, flush=True)
    return f"{size}\n\n{table(header + [f'GPU {name}' for name in COST] * on_gpu, rows)}"


def side_by_side(names: list[str], size: Size) -> str:
    """The table of ours, scikit-activeml's and naive ones."""
    rows = []
    for name in names:
        ours = measured(name, "ours", size)
        others = [measured(name, way, size) for way in ("theirs", "naive")]
        if "seconds" not in ours or not any(others):
            continue
        seconds, needed, _, memory = shown(ours)
        row = [name, seconds, needed, memory]
        for other in others:
            seconds, _, _, memory = shown(other)
            ratio = ""
            if "seconds" in other:
                quick = statistics.median(other["seconds"]) / statistics.median(ours["seconds"])
                ratio = f"{quick:.1f}"
            row += [seconds, ratio, memory]
        rows.append(row)
        print(row, file=sys.stderr, flush=True)
    header = ["strategy", "ours, s", "products, s", "MiB"]
    for way in ("scikit-activeml", "naive NumPy"):
        header += [f"{way}, s", "times ours", "MiB"]
    return f"{size}\n\n{table(header, rows)}"


def present(names: list[str]) -> list[str]:
    """The strategies that can be loaded."""
    found = []
    for name in names:
        try:
            registry.load(name)
        except UserError as error:
            print(f"skipped: {error}", file=sys.stderr)
        else:
            if name not in TRAINING:
                found.append(name)
    return found


def main() -> None:
    """Measure everything, and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--large", action="store_true", help="a million rows")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="strategies, instead of all")
    parser.add_argument("--resume", metavar="FOLDER", help="measurements there are not repeated")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        name, way, *size = json.loads(given.measure)
        print(json.dumps(measure(name, way, Size(*size))))
        return
    if given.resume:
        os.environ[KEPT] = given.resume
    with TemporaryDirectory() as folder:
        os.environ[FOLDER] = folder
        names = present(given.only or [name for name in STRATEGIES.installed() if name != READER])
        if given.large:
            keep("strategies_large", f"{costs(names, LARGE)}\n\n{NOTE}")
        else:
            usual = costs(names, Size(given.rows, 1000, 1000))
            small = costs(names, SMALL)
            beside = side_by_side(names, Size(5000, 100, 100))
            keep("strategies", f"{usual}\n\n{small}\n\n{beside}\n\n{NOTE}")


if __name__ == "__main__":
    main()
