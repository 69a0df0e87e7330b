"""Paired comparisons of strategies: many seeds, several settings.

Runs of one seed share the pool, the start set, the first weights and the oracle's errors.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from autoal import (
    Data,
    Experiment,
    Oracle,
    Plan,
    QueryStrategy,
    Task,
    Trained,
    Training,
    TrueLabels,
)
from autoal.model.bert import Bert
from autoal.model.logistic import Logistic
from autoal.model.networks import MLP, ResNet18
from autoal.model.svm import Svm
from autoal.report.svg import Figure, standalone
from autoal.report.tables import Table
from autoal.seeding import generator, seeded
from benchmarks import runs
from benchmarks.noise import NOISES
from benchmarks.quality.sets import l2_of, pool_of, whole
from benchmarks.report import RESULTS

POOL = 2_000  # rows that a seed draws from a larger set
TOLERANCE = 1e-5  # norm of the heads' gradient at which predictions no longer move

# Tasks, built from the name of the data set.
TASKS: dict[str, Callable[[str], Callable[..., Task]]] = {
    "head": lambda data: partial(Logistic, l2=l2_of(data), tolerance=TOLERANCE),
    "l2=1": lambda data: partial(Logistic, l2=1.0, tolerance=TOLERANCE),
    "tuned head": lambda data: partial(Logistic, tolerance=TOLERANCE),
    "small network": lambda data: partial(
        Task,
        partial(MLP, hidden=(128,), dropout=0.2),
        steps=150,
        optimizer="adamw",
        learning_rate=0.003,
        weight_decay=0.01,
    ),
    "resnet18": lambda data: partial(Task, partial(ResNet18, maxpool=True)),
    "svm": lambda data: Svm,
    "bert": lambda data: Bert,
}

Strategies = Mapping[str, Callable[[], QueryStrategy]]


@dataclass(frozen=True)
class Setting:
    """A data set, a budget, a task, and the oracle."""

    data: str  # a key of the sets
    plan: Plan
    task: str = "head"  # a key of TASKS
    noise: str = "clean"  # a key of NOISES, for the answers
    pool: int = POOL  # rows that a seed draws
    precision: str = "auto"  # of the networks' training
    accelerator: str = "cpu"  # that trains the networks, in the words of `trainer.accelerator`

    def experiment(
        self, strategy: Callable[[], QueryStrategy], seed: int
    ) -> tuple[Experiment, Oracle]:
        """A run that has not begun."""
        data = pool_of(self.data, seed, self.pool)
        made = Experiment(data, self._learner(data, seed), strategy(), self.plan, seed=seed)
        stream = generator(seed, "noise")
        return made, TrueLabels(NOISES[self.noise](data.train.labels, len(data.classes), stream))

    def settings(self, variant: str, seed: int) -> dict[str, Any]:
        """The settings that the run's folder keeps."""
        noise = {} if self.noise == "clean" else {"noise": self.noise}
        return {
            "data": {"name": self.data, "pool": self.pool, **noise},
            "task": self.task,
            "strategy": {"name": variant},
            "seed": seed,
            "start": self.plan.start,
            "budget": self.plan.budget,
            "rounds": self.plan.rounds,
            **({} if self.precision == "auto" else {"precision": self.precision}),
        }

    def _learner(self, data: Data, seed: int) -> Trained:
        with seeded(seed, "task"):
            task = TASKS[self.task](self.data)(
                shape=data.train.shape, classes=len(data.classes), preprocess=data.preprocess()
            )
        return Trained(task, Training(accelerator=self.accelerator, precision=self.precision))


@dataclass(frozen=True)
class Field:
    """Strategies that run with the same number of seeds and the same task."""

    strategies: Strategies
    seeds: int
    task: str = ""  # a key of TASKS; by default each setting's own


def compare(
    name: str,
    settings: Mapping[str, Setting],
    fields: Sequence[Field],
    tables: Callable[[Sequence[Path]], Sequence[Table]] = runs.tables,
    figure: Callable[[Sequence[Path]], Figure | None] = lambda tops: None,
) -> None:
    """The command line: run what is missing, and print or keep the tables of the runs."""
    every = [variant for field in fields for variant in field.strategies]
    options = runs.parser(name)
    options.set_defaults(seeds=max(field.seeds for field in fields))
    options.add_argument("--settings", nargs="+", default=list(settings), choices=list(settings))
    options.add_argument("--variants", nargs="+", default=every, choices=every)
    given = options.parse_args()
    jobs: list[runs.Job] = [
        (
            runs.keep_run,
            folder_of(given.out, setting, variant, seed),
            settings[setting].settings(variant, seed),
            partial(_taught(settings[setting], field).experiment, field.strategies[variant], seed),
        )
        for seed in range(given.first, given.seeds)  # complete seeds first, in case it ends early
        for field in fields
        if seed < field.seeds
        for setting in given.settings
        for variant in field.strategies
        if variant in given.variants
    ]
    if not given.report:
        for data in {settings[name].data for name in given.settings}:
            whole(data)  # encode once, before two processes ask for the features at the same time
        runs.run_all(jobs, given.processes)
    tops = [given.out / setting for setting in given.settings]
    runs.show(name, tables(tops), save=given.keep)
    if given.keep and (drawn := figure(tops)):
        (RESULTS / f"{name}.svg").write_text(standalone(drawn))


def _taught(setting: Setting, field: Field) -> Setting:
    return replace(setting, task=field.task) if field.task else setting


def folder_of(out: Path, setting: str, variant: str, seed: int) -> Path:
    """The folder of a run."""
    return out / setting / f"{re.sub(r'[^a-z0-9.]+', '_', variant)}-{seed}"
