"""An oracle that makes mistakes: by chance, by what rows look like, or as people did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from autoal.bounds import choice, number, whole
from autoal.data.contract import Data
from autoal.data.rows import UNKNOWN
from autoal.errors import UserError
from autoal.oracles.blind import demand_blind
from autoal.oracles.humans import labels_of, matrix_of
from autoal.oracles.mistakes import Looks, pairs, symmetric
from autoal.oracles.question import Answers, Oracle, Question, answered
from autoal.query.strategy import QueryStrategy
from autoal.seeding import generator

SYMMETRIC, PAIRS, MATRIX, INSTANCE = KINDS = ("symmetric", "pairs", "matrix", "instance")


class Noisy:
    """Answers that are sometimes wrong.

    An answer depends only on the seed, the row and the person, so that the same question always
    gets the same answer.

    Args:
        oracle: the one whose answers become noisy.
        rate: of wrong answers; or a list with each person's.
        kind: `symmetric`: all wrong classes are equally likely; `pairs`: each class is mistaken for
            the next one; `matrix`: a file says how often each class is taken for each; `instance`:
            mistakes depend on what a row looks like.
        matrix: a CSV file without a header, whose line i says how often class i is taken for each.
        labels: what people really said, instead of simulated errors: `file.npz:member` or
            `file.csv:column`, or a list of these, one for each person.
        seed: for the errors.
        data: the data set of the rows.
        strategy: the one that chooses the rows; refused if it sees true outcomes.
    """

    def __init__(
        self,
        oracle: Oracle,
        rate: float | Sequence[float] = 0.2,
        kind: str = SYMMETRIC,
        matrix: str | None = None,
        labels: str | Sequence[str] | None = None,
        seed: int = 0,
        data: Data | None = None,
        strategy: QueryStrategy | None = None,
    ) -> None:
        demand_blind("noisy", strategy)
        choice("kind", kind, KINDS)
        whole("seed", seed, least=0)
        if (kind == MATRIX) != (matrix is not None):
            raise ValueError("kind=matrix and matrix=, the path of its file, go together")
        if data is None and (labels is not None or kind == INSTANCE):
            raise ValueError("labels= and kind=instance need `data`, the data set of the rows")
        self.oracle = oracle
        self.kind = kind
        self.seed = seed
        self.rates = _rates(rate)
        self._matrix = None if matrix is None else matrix_of(matrix)
        self._looks = Looks(data, seed) if data is not None and kind == INSTANCE else None
        self._said: list[Tensor] = []
        if labels is not None and not labels:
            raise ValueError("`labels` names no file: give one for each person")
        if data is not None:
            places = [labels] if isinstance(labels, str) else labels or ()
            self._said = [labels_of(place, data.train, data.classes) for place in places]
            self._demand_classes(len(data.classes))

    @property
    def people(self) -> int | None:
        """The number of people for whom it can answer; None: any number."""
        own = self._said or self.rates
        return len(own) if isinstance(own, list) else None

    def __call__(self, question: Question) -> Answers:
        person = question.person
        if self.people is not None and person >= self.people:
            raise UserError(
                f"oracle=noisy knows {self.people} people, and person {person + 1} is asked"
            )
        answers = answered(self.oracle, question)
        if self._said:
            labels = self._of_people(answers.rows, person)
        else:
            labels = self._drawn(answers, person, len(question.classes))
        return replace(answers, labels=labels, by="noisy").take(labels != UNKNOWN)

    def _of_people(self, rows: Tensor, person: int) -> Tensor:
        """This person's real labels, (rows,)."""
        said = self._said[person]
        beyond = rows[rows >= len(said)]
        if len(beyond):
            raise UserError(f"row {beyond[0]} has no label by people: it was made")
        return said[rows]

    def _drawn(self, answers: Answers, person: int, classes: int) -> Tensor:
        """An answer for each row by these probabilities, drawn by row and person."""
        streams = (generator(self.seed, "noise", row, person) for row in answers.rows.tolist())
        draws = [float(torch.rand(1, generator=stream)) for stream in streams]
        ends = self._chances(answers, person, classes).cumsum(1)
        places = torch.tensor(draws, dtype=torch.float64)[:, None]
        return torch.searchsorted(ends / ends[:, -1:], places, right=True)[:, 0]

    def _chances(self, answers: Answers, person: int, classes: int) -> Tensor:
        """The probability of each class as the answer about each row, (answered, classes)."""
        rate = self.rates[person] if isinstance(self.rates, list) else self.rates
        if self._looks is not None:
            return self._looks.chances(answers.rows, answers.labels, rate, person)
        self._demand_classes(classes)
        if self._matrix is not None:
            return self._matrix[answers.labels]
        return (pairs if self.kind == PAIRS else symmetric)(rate, classes)[answers.labels]

    def _demand_classes(self, count: int) -> None:
        """Refuse a matrix with a different number of classes."""
        if self._matrix is not None and len(self._matrix) != count:
            raise UserError(
                f"the matrix is of {len(self._matrix)} classes, and the data has {count}"
            )


def _rates(rate: float | Sequence[float]) -> float | list[float]:
    """One for all people, or one for each of them."""
    found = [*rate] if isinstance(rate, Sequence) else rate
    if found == []:
        raise ValueError("`rate` is an empty list: give a rate for each person")
    for one in found if isinstance(found, list) else [found]:
        number("rate", one, least=0, most=1)
    return found
