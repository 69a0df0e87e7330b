"""The rows that people are asked about, with the model's guess and the reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from autoal.data.rows import UNKNOWN
from autoal.oracles.question import Question

CLOSE = 0.3  # below this margin the model hesitates between two classes
BEST = 5  # classes of a guess
WORTH = "that tell most about the model's predictions"


@dataclass(frozen=True)
class AskedRow:
    """One row of a question."""

    row: int  # number in the pool, or of a word
    name: str  # its name for people
    key: str  # of its content; "" if unknown
    shown: Any  # a picture's path, pixels, cells by column, text, word; None: nothing to see
    guess: tuple[tuple[str, float], ...]  # likeliest classes first; empty without a model
    why: str  # it is asked
    made: bool = False  # by the computer; the row is not from the data set
    choices: tuple[str, ...] = ()  # the classes on offer; empty: all

    @property
    def margin(self) -> float | None:
        """The lead of the likeliest class over the next."""
        return self.guess[0][1] - self.guess[1][1] if len(self.guess) > 1 else None


def asked(question: Question) -> list[AskedRow]:
    """The rows of a question, in its order."""
    probs = question.probs
    rows = question.rows.tolist()
    shown = question.shown if question.shown is not None else [None] * len(rows)
    names = question.names or [f"row {row}" for row in rows]
    keys = question.keys or [""] * len(rows)
    made = question.made.tolist()
    guesses = [_guess(line, question) for line in probs] if probs is not None else [()] * len(rows)
    found = [
        AskedRow(row, str(name), key, item, guess, _why(place, len(rows), guess), ours)
        for place, (row, name, key, item, guess, ours) in enumerate(
            zip(rows, names, keys, shown, guesses, made, strict=True)
        )
    ]
    if question.choices is None or probs is None:
        return found
    lines = zip(found, probs, question.choices.tolist(), strict=True)
    return [_offering(one, line, labels, question) for one, line, labels in lines]


def asked_words(question: Question) -> list[AskedRow]:
    """The words to ask about beside the rows of a question."""
    count = len(question.words)
    return [
        AskedRow(
            word.number, word.text, "", word, (), f"number {place} of the {count} words {WORTH}"
        )
        for place, word in enumerate(question.words, start=1)
    ]


def _offering(one: AskedRow, probs: Tensor, labels: list[int], question: Question) -> AskedRow:
    """The row with the classes on offer, which include the guess."""
    offered = [label for label in labels if label != UNKNOWN]
    guess = tuple((question.classes[label], round(float(probs[label]), 4)) for label in offered)
    return replace(one, guess=guess, choices=tuple(name for name, _ in guess))


def _guess(probs: Tensor, question: Question) -> tuple[tuple[str, float], ...]:
    best = probs.topk(min(BEST, len(question.classes)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return tuple((question.classes[number], round(p, 4)) for number, p in pairs)


def _why(place: int, count: int, guess: tuple[tuple[str, float], ...]) -> str:
    if not guess:
        return ""
    wanted = f"number {place + 1} of the {count} rows that the strategy wants"
    (first, p), (second, q) = guess[:2]
    if p - q < CLOSE:
        return f"{wanted}; the model hesitates between {first} and {second}"
    return f"{wanted}; the model takes it for {first}"
