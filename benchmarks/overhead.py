"""The cost of the framework itself: start-up, and a round with next to no training.

    python -m benchmarks.overhead                                    # this checkout
    AUTOAL_BESIDE="FOLDER PYTHON" python -m benchmarks.overhead      # and another, in turns

Rounds are those of an MLP on digits that takes one step. Another checkout is given by its folder
and by the Python of its environment.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import keep, table

ROOT = Path(__file__).resolve().parent.parent
STRATEGIES = ("random", "margin", "coreset", "badge", "uherding")
ROUNDS, TURNS = 12, 3
STARTS = {
    "import autoal": ("-c", "import autoal"),
    "from autoal import View": ("-c", "from autoal import View"),
    "import autoal.command": ("-c", "import autoal.command"),
    "train.py --help": ("train.py", "--help"),
    "train.py bugdet=5": ("train.py", "bugdet=5"),
    "train.py strategy.unroll.stpes=2": ("train.py", "strategy.unroll.stpes=2"),
}

Checkout = tuple[Path, str]  # its folder, and the Python of its environment


def started(checkout: Checkout, arguments: tuple[str, ...]) -> float:
    """Seconds of one fresh process."""
    root, python = checkout
    begin = time.perf_counter()
    subprocess.run([python, *arguments], cwd=root, capture_output=True, check=False)
    return time.perf_counter() - begin


def rounds(checkout: Checkout, strategy: str) -> list[float]:
    """Total seconds of every round but the first two."""
    root, python = checkout
    with tempfile.TemporaryDirectory() as folder:
        options = (f"strategy={strategy}", f"rounds={ROUNDS}", "task.steps=1", f"out={folder}")
        command = [python, "train.py", "task=mlp", "logger=none", "name=run", *options]
        subprocess.run(command, cwd=root, capture_output=True, check=True)
        lines = Path(folder, "run", "rounds.jsonl").read_text().splitlines()
    return [json.loads(line)["seconds"]["total"] for line in lines[2:]]


def main() -> None:
    """Measure in turns, and keep the tables."""
    checkouts: dict[str, Checkout] = {"this": (ROOT, sys.executable)}
    if beside := os.environ.get("AUTOAL_BESIDE"):
        folder, python = beside.split()
        checkouts["the other"] = (Path(folder), python)
    spent: dict[tuple[str, str], list[float]] = {}
    for _ in range(TURNS):
        for name, checkout in checkouts.items():
            for what, arguments in STARTS.items():
                spent.setdefault((what, name), []).append(started(checkout, arguments))
            for strategy in STRATEGIES:
                seconds = rounds(checkout, strategy)
                spent.setdefault((f"a round of {strategy}", name), []).extend(seconds)
    rows = [
        [what, *(f"{statistics.median(spent[what, name]):.3f}" for name in checkouts)]
        for what in dict.fromkeys(what for what, _ in spent)
    ]
    keep("overhead", table(["median seconds", *checkouts], rows))


if __name__ == "__main__":
    main()
