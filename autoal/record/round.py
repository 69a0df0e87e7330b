"""One round of an experiment, as plain numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from autoal.errors import UserError
from autoal.record.kinds import (
    AMOUNT,
    AMOUNTS,
    BELIEFS,
    CLASSES,
    COUNTS,
    GIVEN,
    MAPPING,
    NUMBER,
    NUMBERS,
    SAID,
    TEXT,
    TEXTS,
    TIMED,
    WHOLE,
    WHOLES,
    WORDS,
    Kind,
)

CHECK, CROSS_VALIDATION = "check", "cross-validation"  # judges other than a test set
SPENT = "spend"  # the rule in `stop` when nothing fits into what is left to spend
NEEDED = ("round", "labelled", "queried", "labels", "seconds", "steps")
OF_THE_RUN = ("strategy", "seed")  # in every line of a folder, for readers of many runs
PHASES = ("train", "test", "features", "score")  # of every round; a strategy may add its own

# The kinds of a line's fields; older records lack some. Every other field is a metric.
_KINDS: dict[str, Kind] = {
    "round": WHOLE,
    "labelled": WHOLE,
    "queried": WHOLES,
    "labels": WHOLES,
    "names": TEXTS,
    "by": TEXT,
    "bought": WHOLE.or_null(),
    "wrong": WHOLE.or_null(),
    "declined": WHOLES,
    "cost": AMOUNT.or_null(),
    "taken": AMOUNT.or_null(),
    "expected": AMOUNT.or_null(),
    "one_each": AMOUNT.or_null(),
    "timed": TIMED,
    "made": WHOLE,
    "looked": WHOLE,
    "given": GIVEN,
    "amended": GIVEN,
    "checked": WHOLES,
    "checked_labels": WHOLES,
    "judged": TEXT,
    "majority": AMOUNT,
    "stop": MAPPING,
    "people": COUNTS,
    "machine": WHOLES,
    "growth": MAPPING,
    "beliefs": BELIEFS,
    "ruled_out": CLASSES,
    "later": WHOLES,
    "said": SAID,
    "words": WORDS,
    "seconds": AMOUNTS,
    "steps": WHOLE,
    "notes": MAPPING,
}
_NO_METRICS = frozenset({*_KINDS, *OF_THE_RUN})

Value = TypeVar("Value")


@dataclass(frozen=True)
class Round:
    """One round: rows were labelled, and the task was trained on all so far and tested.

    Round 0 labels the start set. The labelled rows of round k are those queried in rounds 0 to k.
    """

    number: int
    labelled: int  # rows so far, including this round's and held-out ones
    queried: list[int]  # rows of the data set, in the order of the query
    labels: list[int]  # their labels
    metrics: dict[str, float]  # on the test set; val_... on the validation rows
    seconds: dict[str, float]  # train, test, features, score, phases of the strategy's own, total
    steps: int  # of the optimizer
    notes: dict[str, Any] = field(default_factory=dict)  # the strategy's notes on its query
    bought: int | None = None  # labels paid for in this round; in round 0 also held-out rows'
    wrong: int | None = None  # how many `labels` differ from the truth; None if unknown
    declined: list[int] = field(default_factory=list)  # rows asked about that got no label
    cost: float | None = None  # of what was bought, if not one for each
    made: int = 0  # rows that joined the pool before the query
    looked: int = 0  # rows looked at for the query, if the plan limits them
    names: list[str] = field(default_factory=list)  # of the queried rows; older records lack them
    by: str = ""  # who answered; "" if unknown
    given: dict[int, int] = field(default_factory=dict)  # rows that came labelled, by their labels
    amended: dict[int, int] = field(default_factory=dict)  # other labels for rows of earlier rounds
    checked: list[int] = field(default_factory=list)  # rows that judge, and are not trained on
    checked_labels: list[int] = field(default_factory=list)
    judged: str = ""  # the source of the metrics, if not a test set
    majority: float = 0.0  # in round 0: the test rows' share of their largest class
    stop: dict[str, Any] = field(default_factory=dict)  # `rule`, its `value`, its `reason` if any
    people: dict[str, Any] = field(default_factory=dict)  # how many labels, in how many seconds
    machine: list[int] = field(default_factory=list)  # rows that a language model labelled
    growth: dict[str, Any] = field(default_factory=dict)  # the growth's notes
    taken: float | None = None  # seconds that its labels cost, if costs are seconds
    timed: dict[int, float] = field(default_factory=dict)  # seconds of answers, by row
    expected: float | None = None  # expected cost of its labels
    beliefs: dict[int, list[float]] = field(default_factory=dict)  # of labelled rows, by class
    ruled_out: dict[int, list[int]] = field(default_factory=dict)  # classes ruled out, by row
    later: list[int] = field(default_factory=list)  # without an answer, may be asked about again
    said: dict[str, dict[int, int]] = field(default_factory=dict)  # by each of several people
    one_each: float | None = None  # cost of one label of each row in question; see `expected`
    words: dict[str, list[float]] = field(default_factory=dict)  # how much they speak for classes

    @property
    def told(self) -> dict[int, int]:
        """All its labels by row, including corrections and judging rows."""
        queried = zip(self.queried, self.labels, strict=True)
        checked = zip(self.checked, self.checked_labels, strict=True)
        return {**dict(queried), **dict(checked), **self.given, **self.amended}

    @property
    def unasked(self) -> bool:
        """Whether it has labels that no person was asked for."""
        return bool(self.machine) or self.paid < len(self.queried)

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """The entries of language models, the only ones with counted calls."""
        return {name: facts for name, facts in self.people.items() if "calls" in facts}

    @property
    def persons(self) -> dict[str, dict[str, Any]]:
        """The entries of people."""
        return {name: facts for name, facts in self.people.items() if "calls" not in facts}

    @property
    def sources(self) -> dict[int, str]:
        """The sources of the labels of queried and checked rows."""
        people = dict.fromkeys([*self.queried, *self.checked], self.by)
        models = ", ".join(self.models) or self.by
        return people | {row: models for row in self.machine if row in people}

    @property
    def paid(self) -> int:
        """How many labels were paid for; in older records, all."""
        return len(self.queried) if self.bought is None else self.bought

    @property
    def money(self) -> float:
        """The cost of all its labels; by default one each."""
        return self.paid if self.cost is None else self.cost

    @property
    def time(self) -> float:
        """The seconds that its labels took; by default none."""
        by_person = [float(facts.get("seconds", 0.0)) for facts in self.persons.values()]
        return sum(by_person) if self.taken is None else self.taken

    @property
    def weights(self) -> dict[str, float]:
        """The candidates' weights, if the strategy notes them."""
        return self._noted("weights")

    @property
    def settled(self) -> dict[str, float]:
        """The numbers that the learner chose by itself, such as its penalty."""
        return self._noted("learner")

    def _noted(self, name: str) -> dict[str, float]:
        """The numbers noted under this name; older and foreign notes may hold other things."""
        noted = self.notes.get(name, {})
        return noted if NUMBERS.holds(noted) else {}

    def to_line(self) -> dict[str, Any]:
        """The round as a flat mapping, ready for JSON; rare fields appear only if set."""
        rare = {
            "declined": self.declined,
            "cost": self.cost,
            "taken": self.taken,
            "timed": _by_text(self.timed),
            "expected": self.expected,
            "one_each": self.one_each,
            "made": self.made,
            "looked": self.looked,
            "given": _by_text(self.given),
            "amended": _by_text(self.amended),
            "checked": self.checked,
            "checked_labels": self.checked_labels,
            "judged": self.judged,
            "majority": self.majority,
            "stop": self.stop,
            "people": self.people,
            "machine": self.machine,
            "growth": self.growth,
            "beliefs": _by_text(self.beliefs),
            "ruled_out": _by_text(self.ruled_out),
            "later": self.later,
            "said": {name: _by_text(told) for name, told in self.said.items()},
            "words": self.words,
        }
        return {
            "round": self.number,
            "labelled": self.labelled,
            "queried": self.queried,
            "labels": self.labels,
            "names": self.names,
            "by": self.by,
            "bought": self.bought,
            "wrong": self.wrong,
            **{name: value for name, value in rare.items() if value},
            **self.metrics,
            "seconds": self.seconds,
            "steps": self.steps,
            "notes": self.notes,
        }

    @classmethod
    def from_line(cls, line: Mapping[str, Any]) -> Round:
        """The round that `to_line` wrote; every other field is a metric."""
        known = {key: line[key] for key in _KINDS if key in line}
        for key in NEEDED:
            if key not in known:
                raise UserError(f"it has no `{key}`")
        for key, value in known.items():
            _KINDS[key].demand(key, value)
        metrics = {key: value for key, value in line.items() if key not in _NO_METRICS}
        for key, value in metrics.items():
            NUMBER.demand(key, value)
        for key in ("given", "amended", "timed", "beliefs", "ruled_out"):
            known[key] = _by_row(known.get(key, {}))
        known["said"] = {name: _by_row(told) for name, told in known.get("said", {}).items()}
        found = cls(number=known.pop("round"), metrics=metrics, **known)
        found._demand_lengths()
        return found

    def _demand_lengths(self) -> None:
        rows = len(self.queried)
        for name, given in (("labels", self.labels), ("names", self.names or self.queried)):
            if len(given) != rows:
                raise UserError(f"{rows} rows were queried, and `{name}` has {len(given)}")
        checked, told = len(self.checked), len(self.checked_labels)
        if checked != told:
            raise UserError(f"`checked` has {checked} rows, and `checked_labels` {told}")
        if foreign := {*self.machine} - self.told.keys():
            raise UserError(f"`machine` has row {min(foreign)}, which got no label")


def _by_row(told: Mapping[str, Any]) -> dict[int, Any]:
    """The mapping with rows as numbers."""
    return {int(row): value for row, value in told.items()}


def _by_text(by_row: Mapping[int, Value]) -> dict[str, Value]:
    """The mapping with rows as texts, as JSON needs."""
    return {str(row): value for row, value in by_row.items()}


def phases_of(seconds: Iterable[Mapping[str, float]]) -> list[str]:
    """The phases of these rounds: the common ones, then strategies' own."""
    own = {name for by_phase in seconds for name in by_phase} - {*PHASES, "total"}
    return [*PHASES, *sorted(own)]
