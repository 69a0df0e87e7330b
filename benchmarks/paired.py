"""Strategies against each other in pairs: many seeds, several settings.

Runs of one seed share the start set and the first weights.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from autoal import (
    Data,
    Encoded,
    Experiment,
    ImageData,
    Oracle,
    Plan,
    QueryStrategy,
    Rows,
    Task,
    Trained,
    Training,
    TrueLabels,
)
from autoal.encoders.patches import Patches
from autoal.model.logistic import Logistic
from autoal.model.networks import MLP, ResNet18
from autoal.seeding import seeded
from benchmarks import runs

COMPONENTS = 200  # of the patch features
ADAMW: dict[str, Any] = {"optimizer": "adamw", "learning_rate": 0.003, "weight_decay": 0.01}

# What is trained, and whether it reads images or the patch features of a frozen encoder.
TASKS: dict[str, Callable[..., Task]] = {
    "head": partial(Task, partial(MLP, hidden=(), dropout=0.2), steps=300, **ADAMW),
    "solved head": partial(Logistic, l2=1.0),
    "small network": partial(Task, partial(MLP, hidden=(128,), dropout=0.2), steps=150, **ADAMW),
    "resnet18": partial(Task, partial(ResNet18, maxpool=True)),
}

Strategies = Mapping[str, Callable[[], QueryStrategy]]


@dataclass(frozen=True)
class Setting:
    """A data set, a budget, and what is trained."""

    data: str  # digits, or the name of an npz file
    plan: Plan
    task: str = "head"  # of TASKS
    pool: int = 4_000  # images of a larger set that make the pool, the same for all seeds
    first: int = 0  # so many classes are one, and all others the other; 0: each is its own

    def load(self) -> Data:
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
            assert data.test is not None
            data.train, data.test = self._in_two(data.train), self._in_two(data.test)
            data.classes = (f"the first {self.first}", "others")
        if self.task == "resnet18":
            return data
        # Digits are 8x8: a patch of the usual six would see nearly all.
        patches = Patches(count=200, size=3) if self.data == "digits" else Patches()
        patches.components = COMPONENTS
        encoded = Encoded(data, patches, torch.device("cpu"))
        encoded.setup()
        return encoded

    def settings(self, name: str, variant: str, seed: int) -> dict[str, Any]:
        """What the run's folder says of it."""
        return {
            "data": {"name": name, "file": self.data, "pool": self.pool, "first": self.first},
            "task": self.task,
            "strategy": {"name": variant},
            "seed": seed,
            "start": self.plan.start,
            "budget": self.plan.budget,
            "rounds": self.plan.rounds,
        }

    def _in_two(self, rows: Rows) -> Rows:
        return replace(rows, labels=(rows.labels >= self.first).long())


def experiment(
    setting: Setting, strategy: Callable[[], QueryStrategy], seed: int
) -> tuple[Experiment, Oracle]:
    """A run of a setting, not begun."""
    data = setting.load()
    with seeded(seed, "task"):
        task = TASKS[setting.task](
            shape=data.train.shape, classes=len(data.classes), preprocess=data.preprocess()
        )
    learner = Trained(task, Training(accelerator="cpu"))
    made = Experiment(data, learner, strategy(), setting.plan, seed=seed)
    return made, TrueLabels(data.train.labels)


def compare(name: str, settings: Mapping[str, Setting], strategies: Strategies) -> None:
    """The command line: run what is missing, and print or keep the tables."""
    options = runs.parser(name)
    options.add_argument("--settings", nargs="+", default=list(settings), choices=list(settings))
    options.add_argument(
        "--variants", nargs="+", default=list(strategies), choices=list(strategies)
    )
    given = options.parse_args()
    jobs: list[runs.Job] = [
        (
            runs.keep_run,
            folder_of(given.out, setting, variant, seed),
            settings[setting].settings(setting, variant, seed),
            partial(experiment, settings[setting], strategies[variant], seed),
        )
        for seed in range(given.first, given.first + given.seeds)  # whole seeds, if it ends early
        for setting in given.settings
        for variant in given.variants
    ]
    if not given.report:
        for setting in {settings[name].data: settings[name] for name in given.settings}.values():
            setting.load()  # its features, before two processes ask for them at once
        runs.run_all(jobs, given.processes)
    tops = [given.out / setting for setting in given.settings]
    runs.show(name, runs.tables(tops, ("random", "autoal")), save=given.keep)


def folder_of(out: Path, setting: str, variant: str, seed: int) -> Path:
    """Where a run is."""
    return out / setting / f"{re.sub(r'[^a-z0-9.]+', '_', variant)}-{seed}"
