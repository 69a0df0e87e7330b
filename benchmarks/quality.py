"""Does the search beat its candidates? Paired experiments, many seeds, several settings.

    AUTOAL_DATA=FOLDER python -m benchmarks.quality            # all of it, in two processes
    AUTOAL_DATA=FOLDER python -m benchmarks.quality --settings digits --seeds 3

The folder has cifar10_10k.npz, mnist.npz and pneumoniamnist.npz, in MedMNIST's layout. Runs of one
seed share the start set and the first weights, so that they can be compared in pairs. A run that
is there already is not run again; the table is made of all that are there.
"""

import argparse
import json
import os
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats

from autoal import ImageData, Plan, Task, Training, TrueLabels, registry, rounds
from autoal.backbones.frozen import FrozenData
from autoal.backbones.patches import Patches
from autoal.networks import MLP, ResNet18
from autoal.search.autoal import CANDIDATES
from autoal.seeding import seeded
from benchmarks.report import interval, keep, table

POOL = 4_000  # images of a larger set that make the pool, the same for all seeds
COMPONENTS = 200  # of the patch features


@dataclass(frozen=True)
class Setting:
    """A data set, a network and a budget."""

    data: str
    plan: Plan
    deep: bool = False  # ResNet-18 on the images, in place of a head on patch features


SETTINGS = {
    "mnist-low": Setting("mnist", Plan(20, 10, 6)),
    "mnist-high": Setting("mnist", Plan(100, 50, 5)),
    "cifar10-low": Setting("cifar10_10k", Plan(50, 25, 5)),
    "cifar10-high": Setting("cifar10_10k", Plan(300, 150, 5)),
    "pneumonia-low": Setting("pneumoniamnist", Plan(10, 5, 6)),
    "pneumonia-high": Setting("pneumoniamnist", Plan(60, 30, 5)),
    "digits": Setting("digits", Plan(20, 10, 10), deep=True),
}

# Everything that was tried; `autoal` is what ships.
VARIANTS: dict[str, dict[str, Any]] = {
    "autoal": {"name": "autoal"},
    "uniform mix": {"name": "autoal", "prior": {}, "steps": 0},
    "random": {"name": "random"},
    **{name: {"name": name} for name in CANDIDATES},
    "maxherding": {"name": "maxherding"},
    "prior only": {"name": "autoal", "steps": 0},
    "uniform prior": {"name": "autoal", "prior": {}},
    "rows": {"name": "autoal", "searchnet": "rows"},
    "uherding prior": {"name": "autoal", "prior": {"margin": 0.45, "uherding": 0.45}},
    "weak pull": {"name": "autoal", "pull": 0.3},
    "paper": {"name": "autoal", "hypergradient": "first_order", "objective": "paper"},
    "unroll": {"name": "autoal", "hypergradient": "unroll"},
    "topk": {"name": "autoal", "compose": "topk"},
}


def dataset(setting: Setting) -> ImageData:
    """The data of a setting, ready."""
    from datamodules.digits import Digits
    from datamodules.npz import Npz

    if setting.data == "digits":
        data: ImageData = Digits(crop=1)
    else:
        data = Npz(str(Path(os.environ["AUTOAL_DATA"], f"{setting.data}.npz")))
    data.setup()
    if len(data.train) > POOL:
        drawn = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))
        data.train = data.train.take(drawn[:POOL].sort().values)
    if not setting.deep:
        data = FrozenData(data, Patches(components=COMPONENTS), torch.device("cpu"))
        data.setup()
    return data


def run(name: str, variant: str, seed: int, path: Path) -> None:
    """One experiment; leaves its curve."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    setting = SETTINGS[name]
    data = dataset(setting)
    if setting.deep:
        build: Callable[..., Any] = partial(ResNet18, maxpool=True)
        options: dict[str, Any] = {}
    else:
        build = partial(MLP, hidden=(), dropout=0.2)
        options = {"optimizer": "adamw", "learning_rate": 0.003, "weight_decay": 0.01}
        options["steps"] = 300
    with seeded(seed, "task"):
        task = Task(build, data.shape, len(data.classes), data.preprocess(), **options)
    history = rounds(
        data,
        task,
        registry.build(VARIANTS[variant]),
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


def area(path: Path) -> float:
    """Under the curve of accuracy over labels by the trapezoid rule, divided by their range."""
    lines = json.loads(path.read_text())
    labels, accuracy = ([line[key] for line in lines] for key in ("labelled", "accuracy"))
    return float(np.trapezoid(accuracy, labels) / (labels[-1] - labels[0]))


def main() -> None:
    """Run what is missing, and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="of the seeds")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/quality"))
    parser.add_argument("--keep", action="store_true", help="write the table to results/")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    jobs = [
        (name, variant, seed, path_of(given.out, name, variant, seed))
        for seed in seeds  # a session that ends early has whole seeds
        for name in given.settings
        for variant in given.variants
    ]
    missing = [job for job in jobs if not job[3].exists()]
    for data in {SETTINGS[name].data: SETTINGS[name] for name, *_ in missing}.values():
        dataset(data)  # its features, before two processes ask for them at once
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        running = [pool.submit(run, *job) for job in missing]
        for count, done in enumerate(as_completed(running), 1):
            done.result()
            print(f"{count} of {len(missing)} runs", end="\r", flush=True)
    text = report(given.out, given.settings, given.variants, list(seeds))
    if given.keep:
        keep("quality", text)
    else:
        print(text)


def path_of(out: Path, setting: str, variant: str, seed: int) -> Path:
    """Where a run's curve is."""
    return out / setting / f"{variant.replace(' ', '_')}-{seed}.json"


def report(out: Path, settings: list[str], variants: list[str], seeds: list[int]) -> str:
    """Mean rank over all settings, and for each setting the areas and the paired differences."""
    areas: dict[str, dict[str, list[float]]] = {}
    for name in settings:
        areas[name] = {
            variant: [area(path_of(out, name, variant, seed)) for seed in seeds]
            for variant in variants
        }
    parts = [_ranks(areas)]
    for name, found in areas.items():
        plan = SETTINGS[name].plan
        labels = f"{plan.start} + {plan.rounds} x {plan.budget} labels"
        parts += [f"## {name}: {labels}, {len(seeds)} seeds", _differences(found)]
    return "\n\n".join(parts)


def _ranks(areas: dict[str, dict[str, list[float]]]) -> str:
    means = {name: {v: np.mean(a) for v, a in found.items()} for name, found in areas.items()}
    ranked = {
        name: dict(zip(found, stats.rankdata([-m for m in found.values()]), strict=True))
        for name, found in means.items()
    }
    variants = list(next(iter(areas.values())))
    mean = {v: float(np.mean([ranks[v] for ranks in ranked.values()])) for v in variants}
    cells = [
        [v, f"{mean[v]:.2f}", *(f"{ranked[name][v]:.0f}" for name in areas)]
        for v in sorted(variants, key=mean.__getitem__)
    ]
    return table(["strategy", "mean rank", *areas], cells)


def _differences(found: dict[str, list[float]]) -> str:
    single = [name for name in found if name in CANDIDATES]
    best = max(single, key=lambda name: np.mean(found[name])) if single else None
    against = [each for each in (best, "random", "uniform mix") if each in found]
    rows = []
    for variant, values in sorted(found.items(), key=lambda pair: -float(np.mean(pair[1]))):
        spread = f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"
        paired = [interval(np.subtract(values, found[other])) for other in against]
        rows.append([variant, spread, *paired])
    names = [f"minus {each}{' (best single)' if each == best else ''}" for each in against]
    return table(["strategy", "area under the curve", *names], rows)


if __name__ == "__main__":
    main()
