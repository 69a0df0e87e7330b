"""The questions and answers in each round of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from autoal.data.contract import Data
from autoal.data.seen import Seen
from autoal.exported.labelled import Label, Labelled, seen_of
from autoal.people.events import DECLINED, LABEL, Event
from autoal.record.round import Round


@dataclass(frozen=True)
class Card:
    """One row in question."""

    name: str
    seen: Seen
    label: str | None  # None: it was declined
    place: str = ""  # rank among the wanted rows, such as 3 of 10
    before: str | None = None  # an earlier label, corrected later
    by: str = ""  # who answered
    seconds: float | None = None
    declined: str = ""  # the word used to decline it
    guess: str | None = None  # of the model, if people were asked
    shown: bool = False  # whether the guess was shown
    made: bool = False  # by the computer

    @property
    def wrong(self) -> bool:
        """Whether the model predicted another class."""
        return None not in (self.guess, self.label) and self.guess != self.label


@dataclass(frozen=True)
class Batch:
    """The rows of one round."""

    done: Round
    chosen_by: str  # a strategy, or the chooser of the start
    queried: list[Card]  # best first
    checked: list[Card]  # drawn at random, to judge the model
    declined: list[Card]

    @property
    def cards(self) -> list[Card]:
        """All cards."""
        return [*self.queried, *self.checked, *self.declined]


def batches(
    data: Data,
    labelled: Labelled,
    history: Sequence[Round],
    events: Iterable[Event] = (),
    *,
    start: str,
    strategy: str,
) -> list[Batch]:
    """All rounds with a question.

    Args:
        data: the data set of the rows.
        labelled: the labelled rows.
        history: the finished rounds.
        events: people's answers, if they were asked.
        start: the chooser of round 0.
        strategy: the chooser of the other rounds.
    """
    answers: dict[int, Event] = {}
    for event in events:
        if event.kind in (LABEL, *DECLINED):
            answers.setdefault(event.row, event)
    labels = {label.row: label for label in labelled.labels if label.row is not None}
    deck = _Deck(data, labels, answers, labelled.is_made)
    return [
        Batch(
            done,
            strategy if done.number else start,
            deck.queried(done.queried, done.labels),
            deck.labelled(done.checked, done.checked_labels),
            deck.declined(done.declined),
        )
        for done in history
    ]


@dataclass(frozen=True)
class _Deck:
    """Makes the cards.

    Args:
        data: the data set of the rows.
        labels: the final labels of rows.
        answers: people's first answers about rows.
        is_made: whether a row is not from the data set.
    """

    data: Data
    labels: Mapping[int, Label]
    answers: Mapping[int, Event]
    is_made: Callable[[int], bool]

    def queried(self, rows: Sequence[int], first: Sequence[int]) -> list[Card]:
        """Cards of rows in order of preference."""
        cards = self.labelled(rows, first)
        return [
            replace(card, place=f"{number} of {len(cards)}")
            for number, card in enumerate(cards, start=1)
        ]

    def labelled(self, rows: Sequence[int], first: Sequence[int]) -> list[Card]:
        """Cards of rows that first got these labels."""
        names, seen = self._known(rows)
        return [self._labelled(*each) for each in zip(rows, first, names, seen, strict=True)]

    def declined(self, rows: Sequence[int]) -> list[Card]:
        """Cards of rows that got no label."""
        names, seen = self._known(rows)
        return [self._declined(*each) for each in zip(rows, names, seen, strict=True)]

    def _known(self, rows: Sequence[int]) -> tuple[list[str], list[Seen]]:
        """The names of rows, and their visible parts."""
        taken = self.data.train.take(torch.tensor(rows, dtype=torch.long))
        return taken.named(torch.arange(len(rows))), seen_of(taken)

    def _labelled(self, row: int, first: int, name: str, seen: Seen) -> Card:
        label, event, before = self.labels[row], self.answers.get(row), self.data.classes[first]
        return Card(
            name,
            seen,
            label.label,
            before=None if before == label.label else before,
            by=label.source,
            seconds=label.seconds,
            guess=None if event is None else event.guess,
            shown=event is not None and event.shown,
            made=label.made,
        )

    def _declined(self, row: int, name: str, seen: Seen) -> Card:
        event = self.answers.get(row)
        if event is None:
            return Card(name, seen, None, made=self.is_made(row))
        return Card(
            name,
            seen,
            None,
            by=event.by,
            seconds=event.seconds,
            declined=event.kind,
            guess=event.guess,
            shown=event.shown,
            made=self.is_made(row),
        )
