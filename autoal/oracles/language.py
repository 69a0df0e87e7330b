"""A language model labels what it is sure of, and leaves the rest to somebody else."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from autoal import bounds
from autoal.data.contract import Data
from autoal.data.rows import UNKNOWN
from autoal.language.classes import FORMS, classifier
from autoal.language.client import Client, demanded
from autoal.language.spent import Spent
from autoal.oracles.annotator import Annotator
from autoal.oracles.blind import demand_blind
from autoal.oracles.priced import Priced
from autoal.oracles.question import Answers, Oracle, Question, answered
from autoal.oracles.truth import truth_of
from autoal.query.strategy import QueryStrategy


class Language:
    """Takes the labels of a language model where it is sure, and asks another oracle where not.

    The model is shown examples: rows that are labelled already. While there are none of two
    classes, the other oracle answers everything. Where there is no other, the model answers without
    examples then, and rows of which it is not sure are declined.

    Args:
        language: the client of the model.
        data: whose rows are asked about.
        oracle: answers in the model's place; None: nobody does.
        accept: the probability of a class from which on the model is sure.
        shots: examples in a prompt.
        form: of the prompts.
        noun: what a row is called in them; None: as the data have it.
        question: what its class is called in them; None: as the data have it.
        draws: of a chat, whose shares are probabilities.
        verify: further prompts with other examples that must lead to the same class.
        again: labels of the model's own that are in doubt and asked anew, a round, at most.
        price: of a label by the other oracle, in the money in which the model's answers are paid.
        strategy: that chooses the rows; one that sees true outcomes is refused.
        labels: the true ones of all rows, where they are known, for the record alone.
    """

    offers = False  # it reads the whole question

    def __init__(
        self,
        language: Client | None,
        data: Data,
        oracle: Oracle | None = None,
        accept: float = 0.6,
        shots: int = 8,
        form: str = FORMS[0],
        noun: str | None = None,
        question: str | None = None,
        draws: int = 5,
        verify: int = 0,
        again: int = 0,
        price: float = 1.0,
        strategy: QueryStrategy | None = None,
        labels: Tensor | None = None,
    ) -> None:
        demand_blind("language", strategy)
        bounds.whole("again", again, least=0)
        bounds.number("price", price, least=0)
        client = demanded(language, "oracle=language")
        words = data.words.but(noun=noun, question=question)
        asked = classifier(client, data.classes, form, words, draws, "oracle.form")
        self.annotator = Annotator(asked, data.train, accept, shots, verify)
        self.client = client
        self.oracle = None if oracle is None else Priced(oracle, price)
        self.again = again
        self.labels = labels

    def __call__(self, question: Question) -> Answers:
        begins = len(question.known.labels.unique()) < 2
        if begins and self.oracle is not None:
            return answered(self.oracle, question)
        before, asked = self.client.spent, self.annotator.classifier
        asked.refused = asked.malformed = 0
        mine = self._mine(question)
        facts = self._facts(mine, len(question.rows), self.client.spent - before)
        left = question.of((~torch.isin(question.rows, mine.rows)).nonzero().flatten())
        theirs = answered(self.oracle, left) if self.oracle and len(left.rows) else Answers.none()
        both = _joined(replace(mine, people={self.client.model: facts}), theirs)
        return _paid(both, facts["cost"])

    def _mine(self, question: Question) -> Answers:
        """What the model is sure of, and what it now says of labels that it gave before."""
        labels = self.annotator.labels(question)
        revised = self.annotator.revised(question, self.again) if self.again else {}
        sure = labels != UNKNOWN
        rows = question.rows[sure]
        return Answers(
            rows,
            labels[sure],
            self.client.model,
            cost=torch.zeros(len(rows)),  # until it is known who shares it
            truth=truth_of(self.labels, rows),
            machine=torch.ones(len(rows), dtype=torch.bool),
            corrected=revised,
            revised=frozenset(revised),
        )

    def _facts(self, mine: Answers, asked: int, spent: Spent) -> dict[str, float]:
        """What the record tells of the model; what answers cost, they cost in every run."""
        facts = {
            "labels": len(mine.rows),
            "routed": asked - len(mine.rows) if self.oracle else 0,
            "calls": spent.calls + spent.cached,
            "cached": spent.cached,
            "tokens_in": spent.tokens_in,
            "tokens_out": spent.tokens_out,
            "cost": self.client.price(spent.tokens_in, spent.tokens_out),
            "seconds": round(spent.seconds, 3),
            **{name: getattr(self.annotator.classifier, name) for name in ("refused", "malformed")},
        }
        wrong = mine.wrong
        return facts if wrong is None else {**facts, "right": len(mine.rows) - wrong}


def _joined(mine: Answers, theirs: Answers) -> Answers:
    """A model's answers and somebody else's; of rows that both correct, the other one's count."""
    truths = [each.truth for each in (mine, theirs) if each.truth is not None]
    return replace(
        theirs,
        rows=torch.cat([mine.rows, theirs.rows]),
        labels=torch.cat([mine.labels, theirs.labels]),
        by=theirs.by if len(theirs.rows) else mine.by,
        cost=torch.cat([mine.costs, theirs.costs]),
        truth=torch.cat(truths) if len(truths) == 2 else None,
        corrected={**mine.corrected, **theirs.corrected},
        people={**theirs.people, **mine.people},
        machine=torch.cat([mine.by_machine, theirs.by_machine]),
        revised=mine.revised - theirs.corrected.keys(),
    )


def _paid(answers: Answers, money: float) -> Answers:
    """With what the model's answers cost shared by its labels; by all, where it gave none."""
    machine = answers.by_machine
    paying = (machine if machine.any() else torch.ones_like(machine)).double()
    return replace(answers, cost=answers.costs + paying * money / paying.sum().clamp(min=1))
