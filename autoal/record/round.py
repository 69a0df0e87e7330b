"""One round of an experiment, as plain numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autoal.errors import UserError
from autoal.record.kinds import (
    AMOUNT,
    AMOUNTS,
    GIVEN,
    MAPPING,
    NUMBER,
    NUMBERS,
    TEXT,
    TEXTS,
    WHOLE,
    WHOLES,
    Kind,
    once,
)

CHECK, CROSS_VALIDATION = "check", "cross-validation"  # by what else than a test set is judged
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
    "made": WHOLE,
    "given": GIVEN,
    "amended": GIVEN,
    "checked": WHOLES,
    "checked_labels": WHOLES,
    "judged": TEXT,
    "majority": AMOUNT,
    "stop": MAPPING,
    "people": MAPPING,
    "growth": MAPPING,
    "seconds": AMOUNTS,
    "steps": WHOLE,
    "notes": MAPPING,
}
_NO_METRICS = frozenset({*_KINDS, *OF_THE_RUN})


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
    growth: dict[str, Any] = field(default_factory=dict)  # what made rows has to say of itself

    @property
    def told(self) -> dict[int, int]:
        """All labels that it brought, by their rows; corrections, and rows that judge, too."""
        queried = zip(self.queried, self.labels, strict=True)
        checked = zip(self.checked, self.checked_labels, strict=True)
        return {**dict(queried), **dict(checked), **self.given, **self.amended}

    @property
    def unasked(self) -> bool:
        """Whether labels were given that nobody was asked for."""
        return self.bought is not None and self.bought < len(self.queried)

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
            "made": self.made,
            "given": _by_text(self.given),
            "amended": _by_text(self.amended),
            "checked": self.checked,
            "checked_labels": self.checked_labels,
            "judged": self.judged,
            "majority": self.majority,
            "stop": self.stop,
            "people": self.people,
            "growth": self.growth,
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
        for key in ("given", "amended"):
            known[key] = {int(row): label for row, label in known.get(key, {}).items()}
        found = cls(number=known.pop("round"), metrics=metrics, **known)
        found._demand_lengths()
        return found

    def _demand_lengths(self) -> None:
        rows = len(self.queried)
        for name, given in (("labels", self.labels), ("names", self.names or self.queried)):
            if len(given) != rows:
                raise UserError(f"{rows} rows were queried, and `{name}` has {len(given)}")
        if len(self.checked) != len(self.checked_labels):
            raise UserError(
                f"`checked` has {len(self.checked)} rows, and `checked_labels` "
                f"{len(self.checked_labels)}"
            )


def _by_text(labels: Mapping[int, int]) -> dict[str, int]:
    """As JSON has it, whose keys are texts."""
    return {str(row): label for row, label in labels.items()}


def phases_of(seconds: Iterable[Mapping[str, float]]) -> list[str]:
    """The phases that these rounds have: those of every round, and strategies' own after them."""
    own = {name for by_phase in seconds for name in by_phase} - {*PHASES, "total"}
    return [*PHASES, *sorted(own)]


def read_rounds(content: bytes, where: object) -> list[Round]:
    """The rounds that a record holds; messages say in `where` and in which line what is wrong."""
    found: list[Round] = []
    asked: set[int] = set()
    for number, line in enumerate(content.removesuffix(b"\n").split(b"\n") if content else []):
        try:
            found.append(read_round(line))
            _demand_next(found, asked)
        except UserError as error:
            raise UserError(f"{where}, line {number + 1} is not round {number}: {error}") from error
    return found


def read_round(line: bytes) -> Round:
    """The round of one line of a record."""
    try:
        values = json.loads(line.decode(), object_pairs_hook=once)
    except UserError:
        raise
    except UnicodeDecodeError as error:
        raise UserError("it is not text in UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"it is not JSON, {error}" if line.strip() else "it is empty") from error
    MAPPING.demand("a line", values)
    return Round.from_line(values)


def _demand_next(found: Sequence[Round], asked: set[int]) -> None:
    """Refuse a last round that cannot follow the ones before; count the rows that it asked about.

    Args:
        found: the rounds so far.
        asked: the rows that those before the last asked about.
    """
    done, rows = found[-1], _taken(found[-1])
    if done.number != len(found) - 1:
        raise UserError(f"`round` is {done.number}")
    new = len(done.queried) + len(done.given)
    before = found[-2].labelled if len(found) > 1 else done.labelled - new
    if before < 0 or done.labelled != before + new:
        raise UserError(f"`labelled` is {done.labelled}, which the rows queried do not add up to")
    count = len(asked)
    asked.update(rows)
    if len(asked) < count + len(rows):
        raise UserError(f"row {_first_again(found)} was asked about before")


def _first_again(found: Iterable[Round]) -> int:
    counts = Counter(row for done in found for row in _taken(done))
    return next(row for row, count in counts.items() if count > 1)


def _taken(done: Round) -> list[int]:
    """The rows that a round took from those that may be asked about."""
    return [*done.queried, *done.declined, *done.given, *done.checked]
