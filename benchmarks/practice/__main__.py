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
from benchmarks.practice.cases import PARTS, ROUNDS, Way
from benchmarks.practice.sets import pool_of, whole
from benchmarks.practice.tables import Records, by_case, figure, summary
from benchmarks.quality.sets import head_of
from benchmarks.report import RESULTS


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
        case = next(case for case in PARTS[self.part].cases() if case.name == self.case)
        settings = self._asdict() | {"out": str(self.out), "rounds": ROUNDS}
        runs.keep_run(
            self.folder, settings, partial(begun, case.data, case.ways[self.way], self.seed)
        )


def begun(name: str, way: Way, seed: int) -> tuple[Experiment, Oracle]:
    """A run, not begun, and who answers."""
    data = pool_of(name, seed)
    learner = head_of(data)
    made = Experiment(data, learner, way.strategy, way.plan, costs=way.costs, seed=seed)
    return made, way.oracle(data, seed)


def main() -> None:
    """Run what is missing, and print or keep the tables and the picture."""
    options = runs.parser("practice")
    options.add_argument("part", choices=PARTS)
    given = options.parse_args()
    part = PARTS[given.part]
    cases, seeds = [*part.cases()], range(given.first, given.seeds)
    every = [
        Run(given.part, case.name, way, seed, given.out.absolute())
        for seed in seeds  # whole seeds, if it ends early
        for case in cases
        for way in case.ways
    ]
    if not given.report:
        for data in {case.data for case in cases}:
            whole(data)  # its features, before two processes ask for them at once
        runs.run_all([(run.do,) for run in every if not run.record()], given.processes)
    found = {case.name: records([run for run in every if run.case == case.name]) for case in cases}
    name = f"practice_{given.part}"
    runs.show(name, [summary(found, part.base), by_case(found, part.base)], save=given.keep)
    if given.keep:
        (RESULTS / f"{name}.svg").write_text(standalone(figure(part, found)))


def records(wanted: Sequence[Run]) -> Records:
    """The runs that are finished."""
    found: Records = {}
    for run in wanted:
        if rounds := run.record():
            found.setdefault(run.way, {})[run.seed] = rounds
    return found


if __name__ == "__main__":
    main()
