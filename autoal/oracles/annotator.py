"""Classes of which a language model is sure, from prompts with labelled examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from autoal import bounds
from autoal.data.picturefile import file_of
from autoal.data.rows import UNKNOWN, Rows, Shown, chosen
from autoal.data.seen import seen
from autoal.errors import UserError
from autoal.language.asked import Picture
from autoal.language.classes import Classifier
from autoal.language.classes import Shown as Asked
from autoal.oracles.examples import examples_among
from autoal.oracles.question import Answers, Question


class Annotator:
    """Labels rows if several prompts lead to the same class.

    Args:
        classifier: asks the model.
        rows: of the pool; labelled ones serve as examples.
        accept: the least probability of a class for the model to be sure.
        shots: examples in a prompt.
        verify: further prompts, with other examples, that must lead to the same class.
    """

    def __init__(
        self, classifier: Classifier, rows: Rows, accept: float, shots: int, verify: int
    ) -> None:
        bounds.number("accept", accept, above=0, most=1)
        bounds.whole("shots", shots, least=0)
        bounds.whole("verify", verify, least=0)
        _demand_shown(rows.shown)
        for one in asked_of(chosen(rows.shown, torch.arange(len(rows))[:1])):
            classifier.demand_readable(one)
        self.classifier = classifier
        self.rows = rows
        self.accept = accept
        self.shots = shots
        self.verify = verify

    def labels(self, question: Question) -> Tensor:
        """The classes of the rows in question; UNKNOWN where the model is not sure."""
        return self._agreed(question.shown, self._examples(question), first=0)

    def revised(self, question: Question, most: int) -> dict[int, int]:
        """New classes for the most doubtful rows that the model labelled before.

        A row never serves as its own example, and the prompts have different examples this time.
        """
        known = self._examples(question)
        own = {*known.rows[known.by_machine].tolist()}
        doubted = {row: p for row, (_, p) in question.doubts.items() if row in own}
        rows = torch.tensor(sorted(doubted, key=doubted.__getitem__, reverse=True)[:most]).long()
        among = torch.isin(known.rows, rows)
        shown = chosen(self.rows.shown, rows)
        labels = self._agreed(shown, known.take(~among), first=self.verify + 1).tolist()
        before = dict(zip(known.rows[among].tolist(), known.labels[among].tolist(), strict=True))
        pairs = zip(rows.tolist(), labels, strict=True)
        return {row: label for row, label in pairs if label not in (UNKNOWN, before[row])}

    def _examples(self, question: Question) -> Answers:
        """The known labels of rows that can serve as examples, which made rows cannot."""
        known = question.known
        return known.take(known.rows < len(self.rows))

    def _agreed(self, shown: Shown | None, known: Answers, first: int) -> Tensor:
        """The classes on which all prompts agree, the first of them with certainty."""
        asked = asked_of(shown)
        labels = self._likeliest(asked, known, first, self.accept)
        for turn in range(first + 1, first + 1 + self.verify):
            sure = (labels != UNKNOWN).nonzero().flatten()
            others = self._likeliest(chosen(asked, sure), known, turn, least=0)
            labels[sure[others != labels[sure]]] = UNKNOWN
        return labels

    def _likeliest(self, asked: Sequence[Asked], known: Answers, turn: int, least: float) -> Tensor:
        """The likeliest class of each by one prompt; UNKNOWN if it is not likely enough."""
        places = torch.tensor(examples_among(known, self.shots, turn), dtype=torch.long)
        shown = asked_of(chosen(self.rows.shown, known.rows[places]))
        names = [self.classifier.classes[label] for label in known.labels[places].tolist()]
        found = self.classifier.probs(asked, [*zip(shown, names, strict=True)])
        return torch.tensor([_surest(probs, least) for probs in found], dtype=torch.long)


def _surest(probs: Sequence[float] | None, least: float) -> int:
    """The likeliest class, if its probability reaches this."""
    if probs is None or max(probs) < least:
        return UNKNOWN
    return probs.index(max(probs))


def asked_of(shown: Shown | None) -> list[Asked]:
    """Show a language model of rows exactly what a person would see."""
    _demand_shown(shown)
    return [_asked(each) for each in shown] if shown is not None else []


def _asked(shown: Any) -> Asked:
    found = seen(shown)
    if found.picture is not None:
        return Picture(file_of(found.picture).url)
    return found.text or "\n".join(f"{name}: {cell}" for name, cell in found.cells.items())


def _demand_shown(shown: Shown | None) -> None:
    if shown is None:
        raise UserError(
            "a language model reads what people see of rows, and these rows show nothing"
        )
