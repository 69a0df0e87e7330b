"""People's answers about words, which a desk numbers as if they were rows."""

from __future__ import annotations

from collections.abc import Sequence

from autoal.data.word import Word
from autoal.oracles.question import Question
from autoal.people.asked import AskedRow
from autoal.people.desk import Desk
from autoal.people.events import Event
from autoal.people.tasks import Outcome
from autoal.record.round import Round


def evidence_of(outcome: Outcome, question: Question) -> dict[str, list[float]]:
    """The classes that a question's words, and corrected earlier ones, speak for."""
    told = {**outcome.corrected, **outcome.labels}
    before = [word for word in map(Word, question.evidence) if word.number in outcome.corrected]
    return {
        word.text: _speaking(told.get(word.number), question.classes)
        for word in (*before, *question.words)
    }


def word_again(event: Event) -> AskedRow:
    """A word asked about earlier."""
    return AskedRow(event.row, event.name, "", Word(event.name), (), "")


def take_up(desk: Desk, done: Round, classes: Sequence[str]) -> None:
    """Tell a desk what a finished round recorded about words."""
    for text, speaks in done.words.items():
        number = Word(text).number
        if any(speaks):
            desk.known[number] = classes[speaks.index(max(speaks))]
        else:
            desk.agenda.declined.add(number)


def _speaking(label: str | None, classes: Sequence[str]) -> list[float]:
    """How much a word for this class, or for none, speaks for each class."""
    return [float(name == label) for name in classes]
