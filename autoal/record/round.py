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

CHECK, CROSS_VALIDATION = "check", "cross-validation"  # by what else than a test set is judged
SPENT = "spend"  # the rule in `stop` where nothing fits into what a plan has left to spend
NEEDED = ("round", "labelled", "queried", "labels", "seconds", "steps")
OF_THE_RUN = ("strategy", "seed")  # stand in every line of a folder, for readers of many runs
PHASES = ("train", "test", "features", "score")  # of every round; a strategy may add its own

# Of the fields of a line; older records lack some. Every other field is a metric.
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
    """What one round did: rows were labelled, the task was trained on all so far and tested.

    Round 0 labels the start set. The labelled rows of round k are those queried in rounds 0 to k.
    """

    number: int
    labelled: int  # rows so far, this round's and those held out for validation among them
    queried: list[int]  # rows of the data set, in the order of the query
    labels: list[int]  # what they were labelled with
    metrics: dict[str, float]  # on the test set; val_... on the validation rows
    seconds: dict[str, float]  # train, test, features, score, phases of the strategy's own, total
    steps: int  # of the optimizer
    notes: dict[str, Any] = field(default_factory=dict)  # what the strategy says about its query
    bought: int | None = None  # labels paid for in this round; in round 0 the held-out rows' too
    wrong: int | None = None  # of `labels`, that differ from the truth; None where nobody knows it
    declined: list[int] = field(default_factory=list)  # rows asked about that got no label
    cost: float | None = None  # of what was bought, where it is not one for each
    made: int = 0  # rows that joined the pool before the query
    looked: int = 0  # rows that were looked at for the query, where the plan says how many
    names: list[str] = field(default_factory=list)  # of the queried rows; older records lack them
    by: str = ""  # who answered; "" where it is not told
    given: dict[int, int] = field(default_factory=dict)  # rows that came labelled, by their labels
    amended: dict[int, int] = field(default_factory=dict)  # other labels for rows of earlier rounds
    checked: list[int] = field(default_factory=list)  # rows that judge, and are not trained on
    checked_labels: list[int] = field(default_factory=list)
    judged: str = ""  # by what the metrics are, where it is no test set
    majority: float = 0.0  # in round 0: the test rows' share of their largest class
    stop: dict[str, Any] = field(default_factory=dict)  # `rule`, its `value`, its `reason` if any
    people: dict[str, Any] = field(default_factory=dict)  # how many labels, in how many seconds
    machine: list[int] = field(default_factory=list)  # rows that a language model labelled
    growth: dict[str, Any] = field(default_factory=dict)  # what made rows has to say of itself
    taken: float | None = None  # seconds that its labels cost, where seconds are what they cost
    timed: dict[int, float] = field(default_factory=dict)  # seconds of what was answered, by row
    expected: float | None = None  # what its labels would cost, by what was known before
    beliefs: dict[int, list[float]] = field(default_factory=dict)  # of labelled rows, by class
    ruled_out: dict[int, list[int]] = field(default_factory=dict)  # classes that rows are not
    later: list[int] = field(default_factory=list)  # got no answer, and may be asked about again
    said: dict[str, dict[int, int]] = field(default_factory=dict)  # by each of several people
    one_each: float | None = None  # what a label of each row asked about costs; see `expected`
    words: dict[str, list[float]] = field(default_factory=dict)  # how much they speak for classes

    @property
    def told(self) -> dict[int, int]:
        """All labels that it brought, by their rows; corrections, and rows that judge, too."""
        queried = zip(self.queried, self.labels, strict=True)
        checked = zip(self.checked, self.checked_labels, strict=True)
        return {**dict(queried), **dict(checked), **self.given, **self.amended}

    @property
    def unasked(self) -> bool:
        """Whether labels were given that no person was asked for."""
        return bool(self.machine) or self.paid < len(self.queried)

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """What is told of language models that answered; of them alone calls are counted."""
        return {name: facts for name, facts in self.people.items() if "calls" in facts}

    @property
    def persons(self) -> dict[str, dict[str, Any]]:
        """What is told of people who answered."""
        return {name: facts for name, facts in self.people.items() if "calls" not in facts}

    @property
    def sources(self) -> dict[int, str]:
        """Who gave the labels of the rows that were queried and checked."""
        people = dict.fromkeys([*self.queried, *self.checked], self.by)
        models = ", ".join(self.models) or self.by
        return people | {row: models for row in self.machine if row in people}

    @property
    def paid(self) -> int:
        """How many labels were paid for; all, in older records."""
        return len(self.queried) if self.bought is None else self.bought

    @property
    def money(self) -> float:
        """What all of its labels cost; one each where nobody says so."""
        return self.paid if self.cost is None else self.cost

    @property
    def time(self) -> float:
        """The seconds that its labels took; none where nobody says so."""
        by_person = [float(facts.get("seconds", 0.0)) for facts in self.persons.values()]
        return sum(by_person) if self.taken is None else self.taken

    @property
    def weights(self) -> dict[str, float]:
        """Of the candidates, where the strategy notes such."""
        return self._noted("weights")

    @property
    def settled(self) -> dict[str, float]:
        """What the learner chose by itself, such as its penalty."""
        return self._noted("learner")

    def _noted(self, name: str) -> dict[str, float]:
        """Numbers that are noted under this name; older and foreign notes may hold other things."""
        noted = self.notes.get(name, {})
        return noted if NUMBERS.holds(noted) else {}

    def to_line(self) -> dict[str, Any]:
        """The round as a flat mapping, ready for JSON; what is rare stands there if it is so."""
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
        """The round that `to_line` wrote; whatever else stands there is a metric."""
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
    """As rows have it, which are numbers."""
    return {int(row): value for row, value in told.items()}


def _by_text(by_row: Mapping[int, Value]) -> dict[str, Value]:
    """As JSON has it, whose keys are texts."""
    return {str(row): value for row, value in by_row.items()}


def phases_of(seconds: Iterable[Mapping[str, float]]) -> list[str]:
    """The phases that these rounds have: those of every round, and strategies' own after them."""
    own = {name for by_phase in seconds for name in by_phase} - {*PHASES, "total"}
    return [*PHASES, *sorted(own)]
