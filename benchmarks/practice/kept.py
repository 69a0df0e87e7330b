"""Runs of a part, each in a folder of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from autoal import Experiment, Oracle
from autoal.record.reading import read_rounds
from autoal.record.round import Round
from benchmarks import runs
from benchmarks.practice.cases import PARTS, ROUNDS, Way
from benchmarks.practice.sets import pool_of
from benchmarks.practice.tables import Records
from benchmarks.quality.sets import head_of


class Run(NamedTuple):
    """One run, and its folder."""

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
        """Its rounds; none if it is unfinished."""
        path = self.folder / "rounds.jsonl"
        found = read_rounds(path.read_bytes(), path) if path.exists() else []
        return found if len(found) > ROUNDS else []

    def do(self) -> None:
        """Do the rest of it."""
        case = next(case for case in PARTS[self.part].cases() if case.name == self.case)
        settings = self._asdict() | {"out": str(self.out), "rounds": ROUNDS}
        runs.keep_run(
            self.folder, settings, partial(begun, case.data, case.ways[self.way], self.seed)
        )


def begun(name: str, way: Way, seed: int) -> tuple[Experiment, Oracle]:
    """A run that has not begun, and its oracle."""
    data = pool_of(name, seed)
    learner = head_of(data)
    made = Experiment(data, learner, way.strategy, way.plan, costs=way.costs, seed=seed)
    return made, way.oracle(data, seed)


def records(wanted: Sequence[Run]) -> Records:
    """The finished runs."""
    found: Records = {}
    for run in wanted:
        if rounds := run.record():
            found.setdefault(run.way, {})[run.seed] = rounds
    return found
