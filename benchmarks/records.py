"""Do two versions of the program do the same? Many short runs of train.py, record against record.

    python -m benchmarks.records run FOLDER        # the runs that FOLDER lacks
    python -m benchmarks.records compare OLD NEW   # names every record that differs, and where

`run` uses the code of the tree it stands in, so that OLD comes from another checkout. Sums depend
on the processor and on the number of threads: both folders must come from one machine, and every
run has one thread. Seconds are not compared, nor fields that older records lack.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits

ROOT = Path(__file__).resolve().parent.parent
MLP = ("data=digits", "task=mlp", "task.steps=60", "rounds=2", "budget=10", "start=30")
HELD = "data.validation=60"

STRATEGIES = {
    name: (f"strategy={name}",)
    for name in (
        *("random", "entropy", "margin", "least_confidence", "bald", "var_ratio", "mean_std"),
        *("batchbald", "power_bald", "power_margin", "kmeans", "coreset", "typiclust", "probcover"),
        *("maxherding", "uherding", "badge", "bait", "egl", "cal", "signal", "loss_prediction"),
        *("tod", "autoal", "refine", "tcm", "tailor", "selectal", "albl", "committee"),
        *("alfamix", "dropquery", "epig", "falcun"),
    )
}
NETWORK = ("task=resnet18", "task.steps=12", "rounds=2")
SEARCH = (*NETWORK, "strategy=autoal", "strategy.steps=3", "strategy.rehearsals=4")

RUNS: dict[str, tuple[str, ...]] = {
    **{name: (*MLP, *options) for name, options in STRATEGIES.items()},
    "salutary": (*MLP, HELD, "strategy=salutary"),
    "isal": (*MLP, HELD, "strategy=isal"),
    "ibds": (*MLP, "strategy=ibds", "strategy.folds=5"),
    "cheating": (*MLP, "strategy=cheating_oracle", "strategy.tries=4"),
    "cheating-held-out": (*MLP, HELD, "strategy=cheating_oracle", "strategy.tries=4"),
    "salutary-labels": (*MLP, HELD, "strategy=salutary", "oracle=salutary"),
    "pseudo-labels": (*MLP, "strategy=margin", "oracle=pseudo"),
    "margin-network": (*NETWORK, "strategy=margin"),
    "autoal-network": ("task=resnet18", "task.steps=12", "rounds=3", "strategy=autoal"),
    "autoal-validation": (*NETWORK, HELD, "strategy=autoal"),
    "autoal-warm": (*NETWORK, "strategy=autoal", "task.warm_start=true"),
    "autoal-rows": (*MLP, "strategy=autoal", "strategy.searchnet=rows"),
    "autoal-head": (*NETWORK, "strategy=autoal", "strategy.fitnet=head"),
    "autoal-unroll": (*SEARCH, "strategy.road=unroll"),
    "autoal-unroll-head": (
        *(*MLP, "strategy=autoal", "strategy.fitnet=head"),
        "strategy.road=unroll",
    ),
    "autoal-objective": (
        *SEARCH,
        *("strategy.road=paper", "strategy.paper.warmup=2"),
    ),
    "autoal-paper": (
        *(*NETWORK, "strategy=autoal_paper", "strategy.paper.warmup=2", "strategy.steps=2"),
    ),
    "autoal-prior": (*NETWORK, "strategy=autoal", "strategy.steps=0"),
    "autoal-topk": (*MLP, "strategy=autoal", "strategy.compose=topk"),
    "autoal-power": (*MLP, "strategy=autoal", "strategy.compose=power"),
    "autoal-mixture": (*MLP, "strategy=autoal", "strategy.relaxation=mixture"),
    "autoal-candidates": (
        *(*MLP, HELD, "strategy=autoal", "~strategy.candidates.badge"),
        *("strategy.candidates.coreset={}", "strategy.candidates.tod={}"),
        *("strategy.candidates.loss_prediction={}", "strategy.prior.margin=0.5"),
    ),
    "frozen-uherding": ("task=frozen", "task.steps=60", "rounds=2", "strategy=uherding"),
    "frozen-autoal": ("task=frozen", "task.steps=60", "rounds=2", "strategy=autoal"),
    "linear-warm": ("task=linear", "task.warm_start=true", "rounds=2", "strategy=bald"),
    "epochs": (*NETWORK, "task.epochs=3", "task.schedule=constant", "strategy=entropy"),
    "adam": (*NETWORK, "task.optimizer=adam", "task.label_smoothing=0.1", "strategy=badge"),
    "long-tail": (*MLP, "data.imbalance=long_tail", "strategy=typiclust"),
    "plain-rounds": (*MLP, "rounds=0"),
    "seed-7": (*MLP, "seed=7", "strategy=uherding"),
    "table-logistic": (
        *(
            "data=table",
            "data.path=FOLDER/table.csv",
            "task=logistic",
            "task.tune=false",
            "rounds=3",
        ),
        *("strategy=salutary", "oracle=salutary"),
    ),
    "table-autoal": (
        *("data=table", "data.path=FOLDER/table.csv", "task=mlp", "task.steps=60", "rounds=2"),
        *("strategy=autoal", "data.validation=0"),
    ),
    "npz": (
        *("data=npz", "data.path=FOLDER/digits.npz", "data.crop=1", "data.flip=true"),
        *(*NETWORK, "task.network.maxpool=true", "strategy=coreset"),
    ),
    "resumed": (*NETWORK, "rounds=4", "strategy=autoal"),
    "resumed-warm": (*MLP, "rounds=4", "task.warm_start=true", "strategy=tod"),
}
LATER = ("names", "by")  # fields that the first records lack
KILLED = ("resumed", "resumed-warm")  # after their second round, and started again


def main() -> int:
    """Run what is missing, or compare; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("folder", type=Path)
    running.add_argument("--only", nargs="+", default=list(RUNS), choices=list(RUNS))
    running.add_argument("--processes", type=int, default=2)
    comparing = commands.add_parser("compare")
    comparing.add_argument("old", type=Path)
    comparing.add_argument("new", type=Path)
    given = parser.parse_args()
    if given.command == "run":
        return run_all(given.folder.resolve(), given.only, given.processes)
    return compare(given.old, given.new)


def run_all(folder: Path, names: list[str], processes: int) -> int:
    """Do the runs of these names; return how many failed."""
    make_data(folder)
    with ThreadPoolExecutor(processes) as pool:
        failed = [name for name in pool.map(lambda name: _run(folder, name), names) if name]
    print(f"{len(names) - len(failed)} of {len(names)} runs are in {folder}")
    return len(failed)


def make_data(folder: Path) -> None:
    """A table and an npz file made from data that come with scikit-learn."""
    folder.mkdir(parents=True, exist_ok=True)
    cancer = load_breast_cancer()
    rows = np.column_stack([cancer.data, cancer.target])
    names = ",".join([*(name.replace(" ", "_") for name in cancer.feature_names), "label"])
    np.savetxt(folder / "table.csv", rows, delimiter=",", header=names, comments="", fmt="%.6g")
    digits = load_digits()
    images = np.round(digits.images / 16 * 255).astype(np.uint8)
    np.savez(folder / "digits.npz", train_images=images, train_labels=digits.target)


def _run(folder: Path, name: str) -> str:
    """Do a run; return its name if it failed."""
    options = [option.replace("FOLDER", str(folder)) for option in RUNS[name]]
    command = [sys.executable, "train.py", *options, "logger=none", f"out={folder}", f"name={name}"]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PYTHONPATH": str(ROOT),
    }
    with (folder / f"{name}.log").open("w") as log:
        start: dict[str, Any] = {"cwd": ROOT, "env": environment, "stdout": log, "stderr": log}
        if name in KILLED and not (folder / name).exists():
            _kill_after(subprocess.Popen(command, **start), folder / name / "rounds.jsonl", 2)
        code = subprocess.run(command, **start).returncode
    print(f"{name}: {code}", flush=True)
    return name if code else ""


def _kill_after(process: subprocess.Popen[bytes], record: Path, rounds: int) -> None:
    while process.poll() is None:
        if record.exists() and len(record.read_text().splitlines()) >= rounds:
            process.send_signal(signal.SIGKILL)
            process.wait()
        time.sleep(0.02)


def compare(old: Path, new: Path) -> int:
    """Print the differences between the records of two folders; return how many records differ."""
    differing = 0
    names = sorted(path.parent.name for path in old.glob("*/rounds.jsonl"))
    for name in names:
        found = list(_differences(*(_lines(folder / name) for folder in (old, new))))
        differing += bool(found)
        for difference in found:
            print(f"{name}: {difference}")
    print(f"{len(names) - differing} of {len(names)} records are the same, byte for byte")
    return differing


def _lines(run: Path) -> list[dict[str, Any]]:
    path = run / "rounds.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _differences(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[str]:
    """The differences between two records, except seconds; numbers must agree to the last digit."""
    if len(old) != len(new):
        return [f"{len(old)} rounds were {len(new)}"]
    found = []
    for before, after in zip(old, new, strict=True):
        for key in dict.fromkeys([*before, *after]):
            if key == "seconds" or (key in LATER and key not in before):
                continue
            first, second = (json.dumps(line.get(key)) for line in (before, after))
            if first != second:
                found.append(f"round {before['round']}, {key}: {first[:300]} -> {second[:300]}")
    return found


if __name__ == "__main__":
    sys.exit(main())
