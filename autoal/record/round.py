"""One round of an experiment, as plain numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autoal.errors import UserError

PHASES = ("train", "test", "features", "score")  # of every round; a strategy may add its own


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

    @property
    def unasked(self) -> bool:
        """Whether labels were given that nobody was asked for."""
        return self.bought is not None and self.bought < len(self.queried)

    def to_line(self) -> dict[str, Any]:
        """The round as a flat mapping, ready for JSON; what is rare stands there if it is so."""
        rare = {"declined": self.declined, "cost": self.cost, "made": self.made}
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
    def from_line(cls, line: dict[str, Any]) -> Round:
        """The round that `to_line` wrote; whatever else is a number is a metric."""
        rest = dict(line)
        return cls(
            number=rest.pop("round"),
            labelled=rest.pop("labelled"),
            queried=rest.pop("queried"),
            labels=rest.pop("labels"),
            bought=rest.pop("bought", None),  # older records lack it
            wrong=rest.pop("wrong", None),
            declined=rest.pop("declined", []),
            cost=rest.pop("cost", None),
            made=rest.pop("made", 0),
            names=rest.pop("names", []),
            by=rest.pop("by", ""),
            seconds=rest.pop("seconds"),
            steps=rest.pop("steps"),
            notes=rest.pop("notes", {}),
            metrics={name: value for name, value in rest.items() if isinstance(value, float)},
        )


def phases_of(seconds: Iterable[Mapping[str, float]]) -> list[str]:
    """The phases that these rounds have: those of every round, and strategies' own after them."""
    own = {name for by_phase in seconds for name in by_phase} - {*PHASES, "total"}
    return [*PHASES, *sorted(own)]


def rounds_of(lines: Iterable[str], where: object) -> list[Round]:
    """The rounds that these lines record; messages say in `where` they stand."""
    found: list[Round] = []
    for number, line in enumerate(lines):
        try:
            found.append(Round.from_line(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{where}, line {number + 1} is not a round: {error!r}") from error
        if found[-1].number != number:
            raise UserError(f"{where}, line {number + 1} is not round {number}")
    return found
