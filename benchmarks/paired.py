"""Strategies against each other in pairs: many seeds, several settings, runs that are kept.

Runs of one seed share the start set and the first weights. A run that is there already is not run
again; the tables are made of all that are there.
"""

import argparse
import json
import os
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats

from autoal import ImageData, Plan, QueryStrategy, Task, Training, TrueLabels, rounds
from autoal.data.rows import Rows
from autoal.encoders.encoded import Encoded
from autoal.encoders.patches import Patches
from autoal.model.logistic import Logistic
from autoal.model.networks import MLP, ResNet18
from autoal.search.autoal import CANDIDATES
from autoal.seeding import seeded
from benchmarks.report import interval, keep, table

COMPONENTS = 200  # of the patch features
ADAMW: dict[str, Any] = {"optimizer": "adamw", "learning_rate": 0.003, "weight_decay": 0.01}

# What is trained, and whether it reads images or the patch features of a frozen backbone.
TASKS: dict[str, Callable[..., Task]] = {
    "head": partial(Task, partial(MLP, hidden=(), dropout=0.2), steps=300, **ADAMW),
    "solved head": partial(Logistic, l2=1.0),
    "small network": partial(Task, partial(MLP, hidden=(128,), dropout=0.2), steps=150, **ADAMW),
    "resnet18": partial(Task, partial(ResNet18, maxpool=True)),
}

Strategies = Mapping[str, Callable[[], QueryStrategy]]
Areas = dict[str, list[float]]  # of each variant, a seed each


@dataclass(frozen=True)
class Setting:
    """A data set, a budget, and what is trained."""

    data: str  # digits, or the name of an npz file
    plan: Plan
    task: str = "head"  # of TASKS
    pool: int = 4_000  # images of a larger set that make the pool, the same for all seeds
    first: int = 0  # so many classes are one, and all others the other; 0: each is its own

    def __str__(self) -> str:
        plan, first = self.plan, self.first
        classes = f", the first {first} classes against the others" if first else ""
        labels = f"{plan.start} + {plan.rounds} x {plan.budget} labels"
        return f"{self.data}{classes}, {self.task}, {labels}"

    def load(self) -> ImageData:
        """The data, ready."""
        from autoal.datamodules.digits import Digits
        from autoal.datamodules.npz import Npz

        if self.data == "digits":
            data: ImageData = Digits(crop=1 if self.task == "resnet18" else 0)
        else:
            data = Npz(str(Path(os.environ["AUTOAL_DATA"], f"{self.data}.npz")))
        data.setup()
        if len(data.train) > self.pool:
            drawn = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))
            data.train = data.train.take(drawn[: self.pool].sort().values)
        if self.first:
            data.train, data.test = map(self._in_two, (data.train, data.test))
            data.classes = (f"the first {self.first}", "others")
        if self.task != "resnet18":
            # Digits are 8x8: a patch of the usual six would see nearly all.
            patches = Patches(count=200, size=3) if self.data == "digits" else Patches()
            patches.components = COMPONENTS
            data = Encoded(data, patches, torch.device("cpu"))
            data.setup()
        return data

    def _in_two(self, images: Rows) -> Images:
        return replace(images, labels=(images.labels >= self.first).long())


def run(setting: Setting, strategy: Callable[[], QueryStrategy], seed: int, path: Path) -> None:
    """One experiment; leaves its rounds."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    data = setting.load()
    with seeded(seed, "task"):
        task = TASKS[setting.task](
            shape=data.shape, classes=len(data.classes), preprocess=data.preprocess()
        )
    history = rounds(
        data,
        task,
        strategy(),
        TrueLabels(data.train.labels),
        setting.plan,
        seed=seed,
        training=Training(accelerator="cpu"),
    )
    lines = [each.to_line() for each in history]
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(lines))
    part.replace(path)


def compare(name: str, settings: Mapping[str, Setting], strategies: Strategies) -> None:
    """The command line: run what is missing, and print or keep the tables."""
    about = sys.modules["__main__"].__doc__
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--settings", nargs="+", default=list(settings), choices=list(settings))
    parser.add_argument("--variants", nargs="+", default=list(strategies), choices=list(strategies))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="of the seeds")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs", name))
    parser.add_argument("--keep", action="store_true", help="write the tables to results/")
    parser.add_argument("--report", action="store_true", help="only of what is there; run nothing")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    jobs = [
        (settings[setting], strategies[variant], seed, path)
        for seed in seeds  # a session that ends early has whole seeds
        for setting in given.settings
        for variant in given.variants
        if not (path := path_of(given.out, setting, variant, seed)).exists()
    ]
    if not given.report:
        _run_all(jobs, given.processes)
    found: dict[str, Areas] = {}
    for setting in given.settings:
        paths = {
            variant: [path_of(given.out, setting, variant, seed) for seed in seeds]
            for variant in given.variants
        }
        found[f"{setting}: {settings[setting]}"] = {
            variant: [area(path) for path in runs]
            for variant, runs in paths.items()
            if all(path.exists() for path in runs)
        }
    text = report(found, len(seeds))
    if given.keep:
        keep(name, text)
    else:
        print(text)


def _run_all(jobs: list[tuple[Any, ...]], processes: int) -> None:
    for setting in {job[0].data: job[0] for job in jobs}.values():
        setting.load()  # its features, before two processes ask for them at once
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        running = [pool.submit(run, *job) for job in jobs]
        for count, done in enumerate(as_completed(running), 1):
            done.result()
            print(f"{count} of {len(jobs)} runs", end="\r", flush=True)


def path_of(out: Path, setting: str, variant: str, seed: int) -> Path:
    """Where a run's rounds are."""
    return out / setting / f"{re.sub(r'[^a-z0-9.]+', '_', variant)}-{seed}.json"


def area(path: Path) -> float:
    """Under the curve of accuracy over labels by the trapezoid rule, divided by their range."""
    lines = json.loads(path.read_text())
    labels, accuracy = ([line[key] for line in lines] for key in ("labelled", "accuracy"))
    return float(np.trapezoid(accuracy, labels) / (labels[-1] - labels[0]))


def report(found: dict[str, Areas], seeds: int) -> str:
    """Mean rank of the variants that all settings have, then each with its paired differences."""
    common = set.intersection(*(set(areas) for areas in found.values()))
    ranked = {
        title.partition(":")[0]: {name: areas[name] for name in areas if name in common}
        for title, areas in found.items()
    }
    left = sorted(set().union(*found.values()) - common)
    parts = [_ranks(ranked)] if common else []
    if left:
        parts.append(f"Not in all settings, and so without a rank: {', '.join(left)}.")
    for title, areas in found.items():
        parts += [f"## {title}, {seeds} seeds", _differences(areas)]
    return "\n\n".join(parts)


def _ranks(found: dict[str, Areas]) -> str:
    ranked: dict[str, dict[str, float]] = {}
    for name, areas in found.items():
        places = stats.rankdata([-np.mean(each) for each in areas.values()])
        ranked[name] = dict(zip(areas, places, strict=True))
    variants = list(next(iter(found.values())))
    mean = {each: float(np.mean([ranks[each] for ranks in ranked.values()])) for each in variants}
    cells = [
        [each, f"{mean[each]:.2f}", *(f"{ranks[each]:.0f}" for ranks in ranked.values())]
        for each in sorted(variants, key=mean.__getitem__)
    ]
    return table(["strategy", "mean rank", *ranked], cells)


def _differences(areas: Areas) -> str:
    """Against the best single candidate, the shipped search and the two plain ones."""
    single = [name for name in areas if name in CANDIDATES]
    best = max(single, key=lambda name: np.mean(areas[name])) if single else None
    against = [each for each in (best, "autoal", "random", "uniform mix") if each in areas]
    rows = []
    for variant, values in sorted(areas.items(), key=lambda pair: -float(np.mean(pair[1]))):
        spread = f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"
        paired = [interval(np.subtract(values, areas[other])) for other in against]
        rows.append([variant, spread, *paired])
    names = [f"minus {each}{' (best single)' if each == best else ''}" for each in against]
    return table(["strategy", "area under the curve", *names], rows)
