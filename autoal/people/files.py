"""People answer in a file, filled in with anything they like: a spreadsheet, a program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from itertools import count
from pathlib import Path

from autoal.data.contract import Data
from autoal.errors import UserError, Waiting
from autoal.oracles.blind import demand_blind
from autoal.oracles.question import Answers, Asking, Question
from autoal.people.events import Event
from autoal.people.intake import Intake, few
from autoal.people.spreadsheet import Line, cell, read, written
from autoal.people.words import Words
from autoal.query.strategy import QueryStrategy
from autoal.record.layout import TO_LABEL
from autoal.record.whole import write_whole, writing

BY = "files"  # who answers


class Files(Asking):
    """Asks in `to_label.csv` in the run's folder, whose column `label` is to be filled in.

    The command ends if answers are missing, and the same command goes on with the existing ones. A
    file that somebody may have filled in is read before another replaces it, and is kept beside it.

    Args:
        data: the data set of the rows.
        folder: of the run.
        strategy: the one that chooses the rows; refused if it sees true outcomes.
    """

    timing = False

    def __init__(self, data: Data, folder: Path, strategy: QueryStrategy | None = None) -> None:
        demand_blind("files", strategy)
        self.data = data
        self.folder = folder
        self.path = folder / TO_LABEL

    def __call__(self, question: Question) -> Answers:
        intake = Intake(self.folder, self.data, question)
        words = Words(question.classes)
        filled = _Filled(self.path, intake, words)
        said = filled.said()
        for event in said:
            intake.take(event)
        _tell_spare([event for event in said if intake.is_spare(event.row)])
        if not intake.unanswered:
            return intake.answers()
        if not filled.asks():
            self._replace(written(intake.unanswered))
        raise Waiting(_request(self.path, intake, words))

    def _replace(self, content: bytes) -> None:
        """Ask again; the previous file, already read, is kept under a free name."""
        if self.path.exists():
            names = (self.path.with_stem(f"{self.path.stem}-{number}") for number in count())
            with writing(self.path):
                self.path.rename(next(name for name in names if not name.exists()))
        write_whole(self.path, content)


def _request(path: Path, intake: Intake, words: Words) -> str:
    """Instructions in two lines."""
    left, asked = len(intake.unanswered), len(intake.asked)
    kept = "" if left == asked else f" ({asked - left} of {asked} are answered, and kept)"
    return (
        f"{left} rows of round {intake.question.number} are to be labelled in {path}{kept}\n"
        f"  fill in its column `label` with {words.choices()}; then the same command goes on"
    )


def _tell_spare(said: Sequence[Event]) -> None:
    """Report answers that nobody asked for."""
    if said:
        print(
            f"{len(said)} labels, the first that of {said[0].name}, are of rows that are not asked "
            "about yet; they are kept until then",
            file=sys.stderr,
        )


class _Filled:
    """A file that somebody may have filled in, about the rows of a question and of earlier rounds.

    Args:
        path: of the file, which may be missing.
        intake: knows the rows.
        words: that may stand for classes.
    """

    def __init__(self, path: Path, intake: Intake, words: Words) -> None:
        self.path = path
        self.intake = intake
        self.words = words
        self.lines = read(path) if path.exists() else []
        self._rows = _by_name(intake.names())

    def asks(self) -> bool:
        """Whether it has a line for a row without an answer yet."""
        there = {self._row(line) for line in self.lines}
        return any(each.row in there for each in self.intake.unanswered)

    def said(self) -> list[Event]:
        """Its answers; refused as a whole if anything in it is wrong."""
        first: dict[int, tuple[Line, Event]] = {}
        problems = []
        for line in (line for line in self.lines if line.label):
            try:
                event = self._event(line)
                before, other = first.setdefault(event.row, (line, event))
                if event != other:
                    raise UserError(f"{event.name} was {before.label!r} in line {before.number}")
            except UserError as error:
                problems.append(f"  line {line.number}, {line.label!r}: {error}")
        if problems:
            raise UserError(self._refusal(problems))
        return [event for _, event in first.values()]

    def _event(self, line: Line) -> Event:
        row = self._row(line)
        if row is None:
            raise UserError(self._unknown(line.name))
        kind, label = self.words.meaning(line.label)
        event = self.intake.event(row, kind, label, by=BY)
        if objection := self.intake.objection(event):
            raise UserError(f"{event.name} {objection}")
        return event

    def _row(self, line: Line) -> int | None:
        return self._rows.get(line.name, self._rows.get(line.name.strip()))

    def _unknown(self, name: str) -> str:
        if not name.strip():
            return "its line has no name"
        names = {each.name.casefold(): each.name for each in self.intake.asked.values()}
        near = get_close_matches(name.strip().casefold(), names, n=1)
        hint = f"; did you mean {names[near[0]]!r}?" if near else ""
        return f"no row has the name {name!r}{hint}"

    def _refusal(self, problems: Sequence[str]) -> str:
        return "\n".join(
            [
                f"{self.path}: nothing was taken in, because of these problems:",
                *few(problems),
                f"  a label must be one of {self.words.choices()}",
            ]
        )


def _by_name(names: Mapping[int, str]) -> dict[str, int]:
    """The rows by possible spellings of their names; the written form takes precedence."""
    pairs = [(form(name), row) for form in _FORMS for row, name in names.items()]
    return dict(pairs)


# From the name as somebody may type it to the name as it is written.
_FORMS: tuple[Callable[[str], str], ...] = (str.strip, str, lambda name: cell(name).strip(), cell)
