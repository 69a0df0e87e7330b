"""What is known of the pool's rows, and what a round adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from autoal.costs.contract import Timed
from autoal.cycle.pool import Pool
from autoal.data.rows import UNKNOWN, Rows
from autoal.errors import UserError
from autoal.oracles.question import Answers, Question
from autoal.record.round import Round

Labels = Mapping[int, int]  # from rows to classes


@dataclass(frozen=True)
class Told:
    """What one round adds."""

    queried: Labels = field(default_factory=dict)  # rows to learn, in the order of the query
    declined: tuple[int, ...] = ()
    checked: Labels = field(default_factory=dict)  # rows that judge the model
    given: Labels = field(default_factory=dict)  # rows that came labelled
    amended: Labels = field(default_factory=dict)  # other classes for rows of earlier rounds
    timed: Timed = field(default_factory=dict)  # seconds that answers took

    @classmethod
    def by(cls, answers: Answers, question: Question, judging: Tensor) -> Told:
        """What answers add.

        Args:
            answers: to the question, in its order.
            question: that was asked.
            judging: rows of it that are to judge the model.
        """
        judges = set(judging.tolist())
        pairs = [*zip(answers.rows.tolist(), answers.labels.tolist(), strict=True)]
        answered = {row for row, _ in pairs}
        return cls(
            queried={row: label for row, label in pairs if row not in judges},
            declined=tuple(row for row in question.rows.tolist() if row not in answered),
            checked={row: label for row, label in pairs if row in judges},
            amended={int(row): int(label) for row, label in answers.corrected.items()},
            timed={int(row): float(seconds) for row, seconds in answers.timed.items()},
        )

    @classmethod
    def again(cls, done: Round) -> Told:
        """What a round that is on record added."""
        return cls(
            queried=dict(zip(done.queried, done.labels, strict=True)),
            declined=tuple(done.declined),
            checked=dict(zip(done.checked, done.checked_labels, strict=True)),
            given=done.given,
            amended=done.amended,
            timed=done.timed,
        )


@dataclass(frozen=True, eq=False)
class Knowledge:
    """The pool's rows with the labels that were told; what is added makes another one."""

    rows: Rows  # with the labels of those that are learnt
    pool: Pool
    verdicts: Tensor  # (n,) long, the labels of rows that judge; UNKNOWN of all others
    timed: Timed = field(default_factory=dict)  # seconds that answers took, in their order

    @classmethod
    def nothing(cls, rows: Rows) -> Knowledge:
        """Of rows whose labels nobody told yet."""
        return cls(rows.without_labels(), Pool.of(len(rows)), torch.full((len(rows),), UNKNOWN))

    @property
    def lesson(self) -> Rows:
        """The rows that a model may learn."""
        return self.rows.take(self.pool.labelled)

    @property
    def judges(self) -> Rows:
        """The rows that judge a model, which never learns them."""
        return replace(self.rows, labels=self.verdicts).take(self.pool.judging)

    def after(self, told: Told) -> Knowledge:
        """What is known once this was told."""
        for row in told.amended:
            if not 0 <= row < len(self.pool) or not (self.pool.mask | self.pool.judging)[row]:
                raise UserError(f"row {row} has no label of an earlier round to be corrected")
        learnt, checked = _tensors({**told.given, **told.queried}), _tensors(told.checked)
        pool = self.pool.label(learnt[0]).set_aside(torch.tensor(told.declined, dtype=torch.long))
        verdicts = self.verdicts.clone()
        verdicts[checked[0]] = checked[1]
        known = Knowledge(
            self.rows.with_labels(*learnt),
            pool.let_judge(checked[0]),
            verdicts,
            {**self.timed, **told.timed},
        )
        return known._amended(told.amended) if told.amended else known

    def grown(self, made: Rows) -> Knowledge:
        """What is known once these rows have joined, of which nothing is."""
        return Knowledge(
            self.rows.joined(made.without_labels()),
            self.pool.grown(len(made)),
            torch.cat([self.verdicts, torch.full((len(made),), UNKNOWN)]),
            self.timed,
        )

    def _amended(self, labels: Labels) -> Knowledge:
        rows, values = _tensors(labels)
        judging = self.pool.judging[rows]
        verdicts = self.verdicts.clone()
        verdicts[rows[judging]] = values[judging]
        known = self.rows.with_labels(rows[~judging], values[~judging])
        return replace(self, rows=known, verdicts=verdicts)


def _tensors(labels: Labels) -> tuple[Tensor, Tensor]:
    """Rows and classes, in their order."""
    rows, values = [*labels.keys()], [*labels.values()]
    return torch.tensor(rows, dtype=torch.long), torch.tensor(values, dtype=torch.long)
