"""Practice: wrong answers, several people, prices and other questions, each at equal cost.

    AUTOAL_DATA=FOLDER python -m benchmarks.practice noise --keep
    AUTOAL_DATA=FOLDER python -m benchmarks.practice votes --seeds 3

The folder is that of `benchmarks.frozen`, whose sets these are; a seed draws 2,000 rows as a pool,
and all ways of a seed share it, the start set and the errors. A logistic regression that tunes
itself learns. Every way to ask pays the same in every round, so that a mean over the rounds is one
over the cost. Nothing here was tuned: rates, people and prices were set before anything was run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from autoal import Experiment, Oracle
from autoal.record.reading import read_rounds
from autoal.record.round import Round
from autoal.report.svg import standalone
from benchmarks import runs
from benchmarks.frozen import whole
from benchmarks.practice.cases import BASES, PARTS, ROUNDS, Way
from benchmarks.practice.tables import Records, figure, summary, tables
from benchmarks.quality.sets import head_of, pooled
from benchmarks.report import RESULTS

POOL = 2_000


class Run(NamedTuple):
    """One run, and where it is kept."""

    part: str
    case: str
    way: str
    seed: int
    out: Path

    @property
    def folder(self) -> Path:
        words = "".join(sign if sign.isalnum() else "_" for sign in f"{self.case} {self.way}")
        return self.out / self.part / f"{words}-{self.seed}"

    def record(self) -> list[Round]:
        """Its rounds; none of one that is not finished."""
        path = self.folder / "rounds.jsonl"
        found = read_rounds(path.read_bytes(), path) if path.exists() else []
        return found if len(found) > ROUNDS else []

    def do(self) -> None:
        """Do what is not done yet."""
        case = next(case for case in PARTS[self.part]() if case.name == self.case)
        settings = self._asdict() | {"out": str(self.out), "rounds": ROUNDS}
        runs.keep_run(
            self.folder, settings, partial(begun, case.data, case.ways[self.way], self.seed)
        )


def begun(name: str, way: Way, seed: int) -> tuple[Experiment, Oracle]:
    """A run, not begun, and who answers."""
    data = pooled(whole(name), POOL, seed)
    made = Experiment(data, head_of(data), way.strategy, way.plan, seed=seed)
    return made, way.oracle(data, seed)


def main() -> None:
    """Run what is missing, and print or keep the table and the picture."""
    options = runs.parser("practice")
    options.add_argument("part", choices=PARTS)
    given_options = options.parse_args()
    part, out = given_options.part, given_options.out.absolute()
    cases = [*PARTS[part]()]
    seeds = range(given_options.first, given_options.seeds)
    every = [
        Run(part, case.name, way, seed, out)
        for seed in seeds
        for case in cases
        for way in case.ways
    ]
    if not given_options.report:
        for data in {case.data for case in cases}:
            whole(data)  # its features, before two processes ask for them at once
        missing = [run for run in every if not run.record()]
        runs.run_all([(run.do,) for run in missing], given_options.processes)
    found = {case.name: records([run for run in every if run.case == case.name]) for case in cases}
    base = BASES[part]
    name = f"practice_{part}"
    runs.show(name, [summary(found, base), *tables(found, base)], save=given_options.keep)
    if given_options.keep:
        (RESULTS / f"{name}.svg").write_text(standalone(figure(part, cases, found)))


def records(wanted: Sequence[Run]) -> Records:
    """The runs that are finished."""
    found: Records = {}
    for run in wanted:
        if rounds := run.record():
            found.setdefault(run.way, {})[run.seed] = rounds
    return found


if __name__ == "__main__":
    main()
