"""Salutary labels on tables, at no cost: do they beat random rows and their own true labels?

    AUTOAL_DATA=FOLDER python -m benchmarks.salutary --keep          # all of it, in two processes
    AUTOAL_DATA=FOLDER python -m benchmarks.salutary --sets diabetic --seeds 3

The folder has diabetic.csv, waveform.csv and bank.csv, with the label last. A seed draws the split
and the start set, the same for all strategies, so that they can be compared in pairs. A run that is
there already is not run again; the tables are made of all that are there.

The paper's accuracy after the start set is below that of a sound logistic regression on as many
rows. The preset `nearest` was chosen by that accuracy alone, as the one that comes nearest to the
paper's; `sound` is what one would use.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from autoal import (
    ByModel,
    Data,
    Experiment,
    Oracle,
    Plan,
    QueryStrategy,
    Round,
    Salutary,
    Trained,
    Training,
    TrueLabels,
)
from autoal.model.logistic import Logistic
from autoal.query import registry
from autoal.record.reading import read_rounds
from autoal.report.measures import Spread
from autoal.report.statistics import bootstrap
from autoal.report.tables import Cell, Table
from autoal.seeding import generator
from benchmarks import runs

Floats = npt.NDArray[np.float64]

START, BUDGET, ROUNDS = 300, 10, 10
SETS = ("diabetic", "waveform", "bank")
# The gap to the paper's start hardly falls beyond l2=2000; see the first table of the result.
PRESETS: dict[str, dict[str, Any]] = {
    "nearest": {"l2": 2000.0, "intercept": False},
    "sound": {"l2": 1.0, "intercept": True},
}
TRIED = tuple(product((1.0, 10.0, 100.0, 1000.0, 2000.0, 5000.0), (True, False)))

# The paper's test accuracies in per cent, in the order of SETS.
PAPER = {
    "start": (56.43, 79.11, 65.89),
    "random": (58.41, 81.10, 67.77),
    "entropy": (65.34, 83.23, 73.84),
    "isal": (61.38, 79.40, 64.41),
    "ibds": (64.35, 82.91, 65.14),
    "badge": (64.16, 81.21, 74.92),
    "salutary, true labels": (68.31, 83.74, 66.45),
    "salutary": (71.28, 84.21, 78.07),
}


@dataclass(frozen=True)
class Variant:
    """A strategy, and the source of labels for its queries."""

    strategy: str
    oracle: str = "truth"

    def answers(self, data: Data, strategy: QueryStrategy) -> Oracle:
        """The oracle on these data."""
        labels = data.train.labels
        truth = TrueLabels(labels)
        kinds: dict[str, Callable[[], Oracle]] = {
            "truth": lambda: truth,
            "pseudo": lambda: ByModel(truth, strategy, labels),
            "salutary": lambda: Salutary(truth, strategy, labels),
        }
        return kinds[self.oracle]()


PLAIN = ("random", "entropy", "margin", "least_confidence", "coreset", "batchbald", "badge")
VARIANTS = {
    **{name: Variant(name) for name in (*PLAIN, "isal", "ibds")},
    "salutary, true labels": Variant("salutary"),
    "salutary": Variant("salutary", "salutary"),
}
SELF_TRAINING, FULL = "self-training", "full supervision"
HALF_VARIANTS = {
    **VARIANTS,
    SELF_TRAINING: Variant("random", "pseudo"),
    FULL: Variant("random"),
}


@dataclass(frozen=True)
class Run:
    """One run, and its folder."""

    experiment: str  # ten, half
    preset: str
    data: str
    variant: str
    seed: int

    def folder(self, out: Path) -> Path:
        name = f"{self.variant.replace(', ', '_').replace(' ', '_')}-{self.seed}"
        return out / self.experiment / self.preset / self.data / name

    def plan(self) -> Plan:
        """Its start, budget and rounds."""
        rows = len(dataset(self.data, self.seed).train)
        if self.variant == FULL:
            return Plan(rows, BUDGET, 0)
        half = (rows - START) // 2 // BUDGET
        return Plan(START, BUDGET, half if self.experiment == "half" else ROUNDS)

    def settings(self) -> dict[str, Any]:
        """The settings that its folder keeps."""
        variant, plan = HALF_VARIANTS[self.variant], self.plan()
        return {
            "data": {"name": f"{self.data}, {self.preset}, {self.experiment}"},
            "task": PRESETS[self.preset],
            "strategy": {"name": variant.strategy},
            "oracle": variant.oracle,
            "seed": self.seed,
            "start": plan.start,
            "budget": plan.budget,
            "rounds": plan.rounds,
        }

    def build(self) -> tuple[Experiment, Oracle]:
        """A run that has not begun."""
        data, variant = dataset(self.data, self.seed), HALF_VARIANTS[self.variant]
        strategy = registry.build(variant.strategy)
        learner = Trained(task(data, PRESETS[self.preset]), Training(accelerator="cpu"))
        experiment = Experiment(data, learner, strategy, self.plan(), seed=self.seed)
        return experiment, variant.answers(data, strategy)


def keep(run: Run, out: Path) -> None:
    """Do the rest of a run."""
    runs.keep_run(run.folder(out), run.settings(), run.build)


@cache
def dataset(name: str, seed: int) -> Data:
    """The table of this name, split by the seed."""
    from autoal.datamodules.table import Table as TableData

    data: Data = TableData(str(Path(os.environ["AUTOAL_DATA"], f"{name}.csv")), split_seed=seed)
    data.setup()
    return data


def task(data: Data, options: dict[str, Any]) -> Logistic:
    """The regression of a preset."""
    return Logistic(data.train.shape, len(data.classes), data.preprocess(), **options)


def start_accuracies(data: str, seed: int) -> dict[str, float]:
    """Accuracy in per cent after the start set alone, for every setting by name."""
    torch.set_num_threads(1)
    found = {}
    for (l2, intercept), even in product(TRIED, (False, True)):
        words = f"{'an' if intercept else 'no'} intercept{', even classes' if even else ''}"
        options = {"l2": l2, "intercept": intercept}
        found[f"l2={l2:g}, {words}"] = start_accuracy(dataset(data, seed), options, even, seed)
    return found


def start_accuracy(data: Data, options: dict[str, Any], even: bool, seed: int) -> float:
    """Test accuracy in per cent after the start set alone, with classes balanced on request."""
    labels, order = data.train.labels, torch.randperm(len(data.train), generator=generator(seed))
    if even:
        quota = START // len(data.classes)
        places = [(labels[order] == kind).nonzero()[:quota, 0] for kind in labels.unique()]
        order = order[torch.cat(places)]
    learner = Trained(task(data, options), Training(accelerator="cpu"))
    learner.fit(data.train.take(order[:START]), first=True, watch=lambda step: None)
    assert data.test is not None
    return 100 * learner.test(data.test)["accuracy"]


def main() -> None:
    """Run what is missing, and print or keep the tables."""
    options = runs.parser("salutary")
    options.set_defaults(seeds=5)
    options.add_argument("--experiments", nargs="+", default=["ten", "half"])
    options.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    options.add_argument("--presets", nargs="+", default=list(PRESETS), choices=list(PRESETS))
    options.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    options.add_argument("--half", nargs="+", default=["diabetic"], choices=SETS)
    given = options.parse_args()
    kinds = {"ten": (given.sets, given.variants), "half": (given.half, list(HALF_VARIANTS))}
    seeds = range(given.first, given.first + given.seeds)
    wanted = [
        Run(experiment, preset, data, variant, seed)
        for experiment in given.experiments
        for seed in seeds  # complete seeds first, in case the benchmark is stopped
        for preset, data, variant in product(given.presets, *kinds[experiment])
    ]
    if not given.report:
        runs.run_all([(keep, run, given.out) for run in wanted], given.processes)
    found = [_starts(given.sets, seeds, given.processes)]
    for experiment, preset in product(given.experiments, given.presets):
        data, names = kinds[experiment]
        for data_set in data:
            run_of = partial(Run, experiment, preset, data_set)
            found.append(_accuracies(run_of, names, seeds, given.out))
    runs.show("_".join(["salutary", *given.experiments]), found, save=given.keep)


def _accuracies(
    run_of: partial[Run], names: Sequence[str], seeds: Sequence[int], out: Path
) -> Table:
    """Test accuracy in per cent of every variant, the paper's, and the paired differences."""
    experiment, preset, data = run_of.args
    judged = _last if experiment == "ten" else _best
    records = {name: [_record(run_of(name, seed).folder(out)) for seed in seeds] for name in names}
    whole = {name: found for name, found in records.items() if all(found)}
    found = {
        name: np.array([judged(rounds) for rounds in by_seed]) for name, by_seed in whole.items()
    }
    if "random" in whole:
        found = {"start": np.array([_at(rounds[0]) for rounds in whole["random"]]), **found}
    against = [name for name in ("random", "salutary, true labels") if name in found]
    rows: list[list[Cell]] = []
    for name, values in found.items():
        theirs = PAPER.get(name) if experiment == "ten" else None
        row: list[Cell] = [name, Spread.of(values.tolist())]
        row.append(theirs[SETS.index(data)] if theirs else None)
        for other in against:
            differences = values - found[other]
            mean = float(differences.mean())
            row += [None, None] if other == name else [mean, bootstrap(differences)]
        rows.append(row)
    header = ["", "test accuracy, %", "paper"]
    header += [part for name in against for part in (f"minus {name}", "95 % interval")]
    return Table("accuracies", _title(experiment, preset, data), header, rows)


def _title(experiment: str, preset: str, data: str) -> str:
    options = ", ".join(f"{key}={value}" for key, value in PRESETS[preset].items())
    if experiment == "ten":
        return f"{data}, {preset} ({options}): {START} labels + {ROUNDS} x {BUDGET}"
    return (
        f"{data}, {preset} ({options}): {START} labels + {BUDGET} a round to half of the rest; "
        "the round of the best validation accuracy"
    )


def _starts(sets: Sequence[str], seeds: Sequence[int], processes: int) -> Table:
    """All settings tried for the accuracy of the start set, the nearest to the paper's first."""
    pairs = list(product(sets, seeds))
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        running = {pair: pool.submit(start_accuracies, *pair) for pair in pairs}
        accuracies = {pair: done.result() for pair, done in running.items()}
    theirs = [PAPER["start"][SETS.index(data)] for data in sets]
    found = {
        name: [Spread.of([accuracies[data, seed][name] for seed in seeds]) for data in sets]
        for name in accuracies[pairs[0]]
    }
    gaps = {name: _gap(spreads, theirs) for name, spreads in found.items()}
    rows: list[list[Cell]] = [["paper", *theirs, None]]
    rows += [[name, *found[name], gaps[name]] for name in sorted(found, key=gaps.__getitem__)]
    title = f"Accuracy in % after the start set, {START} labels, {len(seeds)} seeds"
    return Table("starts", title, ["", *sets, "root mean square gap"], rows)


def _gap(found: Sequence[Spread], theirs: Sequence[float]) -> float:
    means = np.array([spread.mean for spread in found])
    return float(np.sqrt(np.square(means - theirs).mean()))


def _record(folder: Path) -> list[Round]:
    """The rounds of a run, or none if it is unfinished."""
    path = folder / "rounds.jsonl"
    if not path.exists() or (folder / "state").exists():
        return []
    return read_rounds(path.read_bytes(), path)


def _at(finished: Round) -> float:
    return 100 * finished.metrics["accuracy"]


def _last(history: Sequence[Round]) -> float:
    return _at(history[-1])


def _best(history: Sequence[Round]) -> float:
    """Test accuracy in the first of the rounds with the highest validation accuracy."""
    return _at(max(history, key=lambda finished: finished.metrics["val_accuracy"]))


if __name__ == "__main__":
    main()
