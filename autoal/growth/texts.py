"""The common base of growths of texts: how many they make, the record, and who labels them."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count as counted
from pathlib import Path
from typing import Any

from autoal.bounds import whole
from autoal.cycle.hooks import GrowthRule
from autoal.cycle.plan import Plan
from autoal.data.contract import Data
from autoal.data.rows import Rows
from autoal.growth.ground import Ground
from autoal.growth.share import Share
from autoal.oracles.question import Answers
from autoal.query.view import View
from autoal.record.generated import Made, made_again, plain_made, read_made, write_made
from autoal.record.layout import GENERATED
from autoal.record.round import Round


class TextGrowth(GrowthRule):
    """Makes texts, and keeps everything known about them, also in the run's folder.

    Args:
        data: whose pool grows.
        plan: of the experiment.
        folder: of the run; None: nothing is written.
        seed: for all draws.
        count: rows before each query; None: as many as it asks about.
        share: of made rows in each batch, or `adaptive`; None: take the best rows.
        annotator: the folder of a model that labels made rows; None: whoever labels real ones does.
    """

    def __init__(
        self,
        data: Data,
        plan: Plan,
        folder: Path | None = None,
        seed: int = 0,
        count: int | None = None,
        share: float | str | None = None,
        annotator: str | None = None,
    ) -> None:
        if count is not None:
            whole("count", count, least=1)
        self.ground = Ground(data)
        self.plan = plan
        self.seed = seed
        self.count = count
        self.annotator = annotator
        self._path = None if folder is None else folder / GENERATED
        self._share = Share(share)
        self._made: list[Made] = []  # in all rounds, including what did not join
        self._number = 0  # of the round of the last query
        self._notes: dict[str, Any] = {}  # of that round, until its answers arrive

    @property
    def share(self) -> float | None:
        return self._share.now

    def most(self, number: int) -> int:
        return self.plan.batch(number) if self.count is None else self.count

    def __call__(self, view: View, history: Sequence[Round]) -> Rows | None:
        self._number = number = len(history)
        fresh = self._made_before(number) or named(self.make(view, number))
        self._made = [*self._made, *fresh]
        self._write()
        self._notes = _counts(fresh)
        joined = [each for each in fresh if each.name]
        if not joined:
            return None
        return self.ground.rows([each.texts for each in joined], [each.name for each in joined])

    @abstractmethod
    def make(self, view: View, number: int) -> list[Made]:
        """Make rows before the query of a round; dropped ones do not join."""

    def scored(self, made: Mapping[int, float], batch: Mapping[int, float]) -> None:
        for row, score in made.items():
            self._change(row, score=score)
        if made:
            self._notes["reward"] = sum(made.values()) / len(made)
        ours = [score for row, score in batch.items() if row < len(self.ground)]
        theirs = [score for row, score in batch.items() if row >= len(self.ground)]
        self._notes |= self._share.heard(theirs, ours)
        self._write()

    def told(self, answers: Answers) -> Mapping[str, Any]:
        models = [name for name, facts in answers.people.items() if "calls" in facts]
        machine = ", ".join(models) or answers.by
        triples = (answers.rows.tolist(), answers.labels.tolist(), answers.by_machine.tolist())
        for row, label, ours in zip(*triples, strict=True):
            if row >= len(self.ground):
                by = machine if ours else answers.by
                self._change(row, label=self.ground.classes[label], by=by)
        self._write()
        notes, self._notes = self._notes, {}
        return notes

    def state_dict(self) -> dict[str, Any]:
        return {
            "made": plain_made(self._made),
            "number": self._number,
            "notes": self._notes,
            "share": self._share.now,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state:  # otherwise nothing has been made yet
            self._made = made_again(state["made"])
            self._number, self._notes = state["number"], state["notes"]
            self._share.now = state["share"]

    def joined(self) -> list[Made]:
        """The rows that joined, in order of their numbers."""
        return [each for each in self._made if each.name]

    def fresh(self) -> list[Made]:
        """The rows that joined for the last query."""
        return [each for each in self.joined() if each.round == self._number]

    def _made_before(self, number: int) -> list[Made]:
        """Rows that an earlier, killed process made for a round before it counted."""
        there = [] if self._path is None else read_made(self._path)
        return [each.untold() for each in there if each.round == number]

    def _change(self, row: int, **facts: Any) -> None:
        """Add facts about a made row, by its number."""
        places = [place for place, each in enumerate(self._made) if each.name]
        place = places[row - len(self.ground)]
        self._made[place] = replace(self._made[place], **facts)

    def _write(self) -> None:
        if self._path is not None:
            write_made(self._path, self._made)


def named(made: Sequence[Made]) -> list[Made]:
    """The same, with consecutive row names for those that join."""
    numbers = counted()
    return [
        each if each.dropped else replace(each, name=f"made-{each.round}-{next(numbers)}")
        for each in made
    ]


def _counts(made: Sequence[Made]) -> dict[str, Any]:
    """How many joined, and why others did not."""
    dropped = Counter(each.dropped for each in made if each.dropped)
    return {
        "asked": len(made),
        "kept": sum(bool(each.name) for each in made),
        "dropped": dict(sorted(dropped.items())),
    }
