"""Questions about rows, and answers to them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from autoal.data.classes import class_numbers
from autoal.data.inputs import tensor_of
from autoal.data.rows import UNKNOWN, Rows, Shown, chosen
from autoal.data.word import Evidence, Word
from autoal.errors import UserError
from autoal.query.view import View

SEEN = ("shown", "names", "keys")  # fields of rows for people
Doubts = Mapping[int, tuple[int, float]]  # by row: the likelier class, and how likely it is
Said = Mapping[str, Mapping[int, int]]  # by who said so: the classes of rows


class Expected(NamedTuple):
    """Labelled rows, ascending, with predictions by models that did not learn them."""

    rows: Tensor  # (n,) long
    probs: Tensor  # (n, classes)


@dataclass(frozen=True, eq=False)
class Question:
    """A question: of which classes are these rows?"""

    number: int  # of the round
    rows: Tensor  # of the data set, best first
    classes: tuple[str, ...]
    shown: Shown | None = None  # what a person sees of them
    names: Sequence[str] | None = None  # what a person calls them
    keys: Sequence[str] | None = None  # of their contents, if the data set has them
    pool: Rows | None = None  # all existing rows, without labels
    real: int | None = None  # how many of them are from the data set; later ones were made
    view: View | None = None  # of the query; None at the start
    suggested: Tensor | None = None  # the classes that the strategy itself would give, (rows,)
    possible: Tensor | None = None  # (rows, classes) bool, classes each may still have; None: any
    choices: Tensor | None = None  # classes on offer, (rows, k), padded with -1; None: all
    words: tuple[Word, ...] = ()  # to ask about beside the rows
    evidence: Evidence = field(default_factory=dict)  # of words asked about before
    person: int = 0  # who is asked, if there are several
    known: Answers = field(default_factory=lambda: Answers.none())  # to earlier ones, in order
    said: Said = field(default_factory=dict)  # so far, if several were asked
    doubting: Callable[[], Doubts] = dict  # finds rows of earlier rounds that may be labelled wrong
    expecting: Callable[[], Expected | None] = lambda: None  # has other models look at those rows

    @cached_property
    def expected(self) -> Expected | None:
        """Predictions for rows of earlier rounds, without their labels; it trains models."""
        return self.expecting()

    @cached_property
    def doubts(self) -> Doubts:
        """Rows of earlier rounds whose labels may be wrong; finding them trains models."""
        return self.doubting()

    @cached_property
    def probs(self) -> Tensor | None:
        """The class probabilities of each row, (rows, classes); None without a model."""
        if self.view is None or not len(self.rows):
            return None
        pool = self.view.pool
        return pool.probs[pool.places(self.rows)].cpu()

    @property
    def made(self) -> Tensor:
        """True for rows that were made, (rows,)."""
        none = torch.zeros(len(self.rows), dtype=torch.bool)
        return none if self.real is None else self.rows >= self.real

    def about(self, rows: Tensor) -> Question:
        """The same question about other rows of the pool, or some of these."""
        places = {row: place for place, row in enumerate(self.rows.tolist())}
        if all(row in places for row in rows.tolist()):
            return self.of(torch.tensor([places[row] for row in rows.tolist()], dtype=torch.long))
        some = None if self.pool is None else self.pool.take(rows)
        seen: dict[str, Any] = {name: getattr(some, name, None) for name in SEEN}
        return replace(self, rows=rows, suggested=None, possible=None, choices=None, **seen)

    def of(self, places: Tensor) -> Question:
        """The same question about some of the rows."""
        return replace(
            self,
            rows=self.rows[places],
            shown=chosen(self.shown, places),
            names=chosen(self.names, places),
            keys=chosen(self.keys, places),
            suggested=chosen(self.suggested, places),
            possible=chosen(self.possible, places),
            choices=chosen(self.choices, places),
        )


@dataclass(frozen=True, eq=False)
class Answers:
    """The classes of the rows in question; a row that is left out was declined.

    Rows among the `ruled_out` or the `later` ones are exceptions, which may be asked about again.
    Arrays and lists become tensors.
    """

    rows: Tensor  # (answered,) long, of those asked about
    labels: Tensor  # (answered,) long
    by: str = ""  # who answered
    cost: Tensor | None = None  # (answered,) of each; None: 1, the cost of a label
    truth: Tensor | None = None  # (answered,) only for the record, if known
    corrected: Mapping[int, int] = field(default_factory=dict)  # other classes of earlier rows
    people: Mapping[str, Mapping[str, float]] = field(
        default_factory=dict
    )  # labels, seconds of each
    machine: Tensor | None = None  # (answered,) bool: a language model answered; None: it never did
    revised: frozenset[int] = frozenset()  # rows of `corrected` that a language model corrected
    timed: Mapping[int, float] = field(default_factory=dict)  # seconds by row, declined ones too
    # Class probabilities by row, for rows labelled now or before.
    beliefs: Mapping[int, Sequence[float]] = field(default_factory=dict)
    ruled_out: Mapping[int, tuple[int, ...]] = field(default_factory=dict)  # classes ruled out
    later: frozenset[int] = frozenset()  # rows without an answer that stay in the pool
    paid: Mapping[int, float] = field(default_factory=dict)  # for answers that gave no label
    said: Said = field(default_factory=dict)  # if several were asked; also about other rows
    words: Evidence = field(default_factory=dict)  # all 0 for a word that speaks for no class
    beside: float = 0.0  # paid for answers about words and comparisons
    notes: Mapping[str, Any] = field(default_factory=dict)  # for the record of the round

    def __post_init__(self) -> None:
        for name in ("rows", "labels", "truth"):
            if (values := getattr(self, name)) is not None:
                self._set(name, _whole(name, values))
        if self.machine is not None:
            self._set("machine", tensor_of(self.machine, "`machine` of answers").bool())
        if self.cost is not None:
            self._set("cost", tensor_of(self.cost, "the costs of answers").double())
            if not bool((self.costs.isfinite() & (self.costs >= 0)).all()):
                raise UserError("the cost of an answer must be a finite number of at least 0")
        for name in ("labels", "cost", "truth", "machine"):
            values = getattr(self, name)
            if values is not None and values.shape != self.rows.shape:
                raise UserError(
                    f"answers: {name} of the shape {tuple(values.shape)} for {len(self.rows)} rows"
                )

    @classmethod
    def none(cls) -> Answers:
        """Empty answers."""
        empty = torch.zeros(0, dtype=torch.long)
        return cls(empty, empty, truth=empty)

    def _set(self, name: str, value: Tensor) -> None:
        object.__setattr__(self, name, value)  # as frozen data classes do it

    @property
    def costs(self) -> Tensor:
        """The cost of each answer; 1 if none is given."""
        return torch.ones(len(self.rows)) if self.cost is None else self.cost

    @property
    def spent(self) -> float:
        """The cost of all answers; 1 for one that only ruled out classes, unless in `paid`."""
        unlabelled = {**dict.fromkeys(self.ruled_out, 1.0), **self.paid}
        return float(self.costs.sum()) + sum(unlabelled.values()) + self.beside

    @property
    def by_machine(self) -> Tensor:
        """True for answers that a language model gave, (answered,)."""
        nobody = torch.zeros(len(self.rows), dtype=torch.bool)
        return nobody if self.machine is None else self.machine

    @property
    def wrong(self) -> int | None:
        """How many answers differ from the truth; None if nobody knows it."""
        return None if self.truth is None else int((self.labels != self.truth).sum())

    def take(self, places: Tensor) -> Answers:
        """Some of them, by places or by a mask."""
        return replace(
            self,
            rows=self.rows[places],
            labels=self.labels[places],
            cost=None if self.cost is None else self.cost[places],
            truth=None if self.truth is None else self.truth[places],
            machine=None if self.machine is None else self.machine[places],
        )

    @classmethod
    def of(cls, question: Question, given: Any) -> Answers:
        """Make answers from an array or a list, in the order of the question.

        Classes go by number or by name; -1, NaN or None declines a row.
        """
        if isinstance(given, Answers):
            return in_order(question, given)
        values = given.tolist() if hasattr(given, "tolist") else given
        if not isinstance(values, list | tuple) or len(values) != len(question.rows):
            count = len(values) if isinstance(values, list | tuple) else "no list of"
            raise UserError(
                f"{count} answers to {len(question.rows)} questions: give one for each row, "
                "-1 or None to decline it"
            )
        labels = class_numbers(values, question.classes)
        answered = labels != UNKNOWN
        return cls(question.rows[answered], labels[answered])


class Asking(ABC):
    """An oracle that asks people, who take their time.

    The question is saved before they are asked, so that they are asked the same when the command
    goes on. They cannot take part in a sweep, whose runs nobody sees.
    """

    timing = True  # it reports how many seconds they take
    offers = False  # whether they can be shown only the `choices` of a question

    @abstractmethod
    def __call__(self, question: Question) -> Answers:
        """Their answers; `Waiting` ends the command, which goes on later."""


# Anything that answers with `Answers`, or with what `Answers.of` accepts. A wrapper has the wrapped
# oracle as its `oracle`.
Oracle = Callable[[Question], Any]


def layers(oracle: Oracle) -> Iterator[Oracle]:
    """An oracle, the one it wraps, and so on to the innermost one."""
    layer: Oracle | None = oracle
    while layer is not None:
        yield layer
        layer = getattr(layer, "oracle", None)


def asks_people(oracle: Oracle) -> bool:
    """Whether people are asked, by this oracle or by one inside it."""
    return any(isinstance(layer, Asking) for layer in layers(oracle))


def times_people(oracle: Oracle) -> bool:
    """Whether people are asked, and their time is reported."""
    return any(isinstance(layer, Asking) and layer.timing for layer in layers(oracle))


def together(first: Said, second: Said) -> dict[str, dict[int, int]]:
    """Both mappings merged; the second takes precedence."""
    names = dict.fromkeys([*first, *second])
    return {name: {**first.get(name, {}), **second.get(name, {})} for name in names}


def answered(oracle: Oracle, question: Question) -> Answers:
    """An oracle's answers, in the order of the question."""
    return Answers.of(question, oracle(question))


def in_order(question: Question, answers: Answers) -> Answers:
    """The answers in the order of the question; answers to anything else are refused."""
    rows, labels = answers.rows, answers.labels
    foreign = {*rows.tolist(), *answers.ruled_out, *answers.later} - {*question.rows.tolist()}
    if foreign:
        raise UserError(f"the oracle answered for row {min(foreign)}, which nobody had asked about")
    if len(rows.unique()) < len(rows):
        raise UserError("the oracle answered twice for a row")
    if both := {*rows.tolist()} & {*answers.ruled_out, *answers.later}:
        raise UserError(f"the oracle answered for row {min(both)}, and left it open as well")
    wrong = labels[(labels < 0) | (labels >= len(question.classes))]
    if len(wrong):
        raise UserError(
            f"the oracle answered {wrong[0]}; classes go from 0 to {len(question.classes) - 1}"
        )
    order = question.rows.argsort()
    places = order[torch.searchsorted(question.rows[order], rows)]
    return answers.take(places.argsort())


def _whole(name: str, values: Any) -> Tensor:
    """Whole numbers, one for each answer."""
    given = tensor_of(values, f"the {name} of answers")
    numbers = given.long()
    odd = given[numbers != given]
    if given.ndim != 1 or len(odd):
        what = f"{odd[0]:g}" if len(odd) else f"the shape {tuple(given.shape)}"
        raise UserError(f"the {name} of answers must be whole numbers, one for each, got {what}")
    return numbers
