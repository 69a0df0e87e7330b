"""The labels and other knowledge of the pool's rows, which every round extends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from autoal.costs.contract import Timed
from autoal.cycle.pool import Pool
from autoal.data.rows import UNKNOWN, Rows
from autoal.data.word import Evidence
from autoal.errors import UserError
from autoal.oracles.question import Answers, Question
from autoal.record.round import Round

Labels = Mapping[int, int]  # from rows to classes


@dataclass(frozen=True)
class Told:
    """The knowledge that one round adds."""

    queried: Labels = field(default_factory=dict)  # rows to learn, in the order of the query
    declined: tuple[int, ...] = ()
    checked: Labels = field(default_factory=dict)  # rows that judge the model
    given: Labels = field(default_factory=dict)  # rows that came labelled
    amended: Labels = field(default_factory=dict)  # other classes for rows of earlier rounds
    timed: Timed = field(default_factory=dict)  # seconds that answers took
    beliefs: Mapping[int, list[float]] = field(default_factory=dict)  # of labelled rows
    ruled_out: Mapping[int, list[int]] = field(default_factory=dict)  # classes ruled out
    words: Evidence = field(default_factory=dict)  # how much words speak for classes

    @classmethod
    def by(cls, answers: Answers, question: Question, judging: Tensor) -> Told:
        """The knowledge in answers.

        Args:
            answers: to the question, in its order.
            question: the question.
            judging: its rows that will judge the model.
        """
        judges = set(judging.tolist())
        pairs = [*zip(answers.rows.tolist(), answers.labels.tolist(), strict=True)]
        kept = {*answers.rows.tolist(), *answers.ruled_out, *answers.later}
        return cls(
            queried={row: label for row, label in pairs if row not in judges},
            declined=tuple(row for row in question.rows.tolist() if row not in kept),
            checked={row: label for row, label in pairs if row in judges},
            amended={int(row): int(label) for row, label in answers.corrected.items()},
            timed={int(row): float(seconds) for row, seconds in answers.timed.items()},
            beliefs={
                row: [*map(float, belief)]
                for row, belief in answers.beliefs.items()
                if row not in judges
            },
            ruled_out={row: [*classes] for row, classes in answers.ruled_out.items()},
            words={word: [*map(float, speaks)] for word, speaks in answers.words.items()},
        )

    @classmethod
    def again(cls, done: Round) -> Told:
        """The knowledge in a recorded round."""
        return cls(
            queried=dict(zip(done.queried, done.labels, strict=True)),
            declined=tuple(done.declined),
            checked=dict(zip(done.checked, done.checked_labels, strict=True)),
            given=done.given,
            amended=done.amended,
            timed=done.timed,
            beliefs=done.beliefs,
            ruled_out=done.ruled_out,
            words=done.words,
        )


@dataclass(frozen=True, eq=False)
class Knowledge:
    """The pool's rows with the told labels; adding to it returns a new one."""

    rows: Rows  # with labels to learn, and beliefs once there are any
    pool: Pool
    verdicts: Tensor  # (n,) long, the labels of judging rows; UNKNOWN for others
    classes: int
    timed: Timed = field(default_factory=dict)  # seconds that answers took, in order
    words: Evidence = field(default_factory=dict)  # words asked about

    @classmethod
    def nothing(cls, rows: Rows, classes: int) -> Knowledge:
        """The knowledge about rows without any told labels."""
        unknown = torch.full((len(rows),), UNKNOWN)
        return cls(rows.without_labels(), Pool.of(len(rows)), unknown, classes)

    @property
    def labelled(self) -> Rows:
        """The labelled rows that a model may learn."""
        return self.rows.take(self.pool.labelled)

    @property
    def lesson(self) -> Rows:
        """Everything a model may learn: labelled rows, and rows with ruled-out classes."""
        return self.rows.take(self.pool.mask | self._partly)

    @property
    def judges(self) -> Rows:
        """The rows that judge a model, which never learns them."""
        return replace(self.rows, labels=self.verdicts, beliefs=None).take(self.pool.judging)

    def after(self, told: Told) -> Knowledge:
        """The knowledge after adding this."""
        for row in told.amended:
            if not 0 <= row < len(self.pool) or not (self.pool.mask | self.pool.judging)[row]:
                raise UserError(f"row {row} has no label of an earlier round to correct")
        learnt, checked = _tensors({**told.given, **told.queried}), _tensors(told.checked)
        pool = self.pool.label(learnt[0]).set_aside(torch.tensor(told.declined, dtype=torch.long))
        verdicts = self.verdicts.clone()
        verdicts[checked[0]] = checked[1]
        rows, pool = self.rows.with_labels(*learnt), pool.let_judge(checked[0])
        timed, words = {**self.timed, **told.timed}, {**self.words, **told.words}
        known = replace(self, rows=rows, pool=pool, verdicts=verdicts, timed=timed, words=words)
        known = known._amended(told.amended) if told.amended else known
        return known._believing(told) if told.beliefs or told.ruled_out else known

    def grown(self, made: Rows) -> Knowledge:
        """The knowledge after these rows, still unknown, have joined."""
        return replace(
            self,
            rows=self.rows.joined(made.without_labels()),
            pool=self.pool.grown(len(made)),
            verdicts=torch.cat([self.verdicts, torch.full((len(made),), UNKNOWN)]),
        )

    @property
    def _partly(self) -> Tensor:
        """The unlabelled rows with ruled-out classes, (n,) bool."""
        if self.rows.beliefs is None:
            return torch.zeros(len(self.pool), dtype=torch.bool)
        return self.rows.beliefs.any(1) & ~self.pool.mask & ~self.pool.judging

    def _believing(self, told: Told) -> Knowledge:
        """The same with soft labels, and with further classes ruled out."""
        beliefs = self.rows.believed(self.classes).clone()
        for row, belief in told.beliefs.items():
            if not 0 <= row < len(self.pool) or not self.pool.mask[row]:
                raise UserError(f"row {row} has no label to soften")
            beliefs[row] = torch.tensor(belief).to(beliefs)
        for row, classes in told.ruled_out.items():
            beliefs[row] = beliefs[row] if beliefs[row].any() else 1.0
            beliefs[row, [*classes]] = 0.0
        return replace(self, rows=replace(self.rows, beliefs=beliefs))

    def _amended(self, labels: Labels) -> Knowledge:
        rows, values = _tensors(labels)
        judging = self.pool.judging[rows]
        verdicts = self.verdicts.clone()
        verdicts[rows[judging]] = values[judging]
        known = self.rows.with_labels(rows[~judging], values[~judging])
        return replace(self, rows=known, verdicts=verdicts)


def _tensors(labels: Labels) -> tuple[Tensor, Tensor]:
    """Rows and classes, in order."""
    rows, values = [*labels.keys()], [*labels.values()]
    return torch.tensor(rows, dtype=torch.long), torch.tensor(values, dtype=torch.long)
