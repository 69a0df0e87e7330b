"""A language model labels the rows it is sure of, and leaves the rest to somebody else."""

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
    """Takes a language model's labels where it is sure, and asks another oracle otherwise.

    The model sees labelled rows as examples. Until there are examples of two classes, the other
    oracle answers everything. Without another oracle, the model then answers without examples, and
    rows of which it is not sure are declined.

    Args:
        language: the client of the model.
        data: the data set of the rows.
        oracle: answers if the model is not sure; None: nobody does.
        accept: the least probability of a class for the model to be sure.
        shots: examples in a prompt.
        form: of the prompts.
        noun: the name of a row in them; None: the data's own.
        question: the name of its class in them; None: the data's own.
        draws: answers drawn in a chat, whose shares are probabilities.
        verify: further prompts with other examples that must lead to the same class.
        again: most doubtful labels of the model's own to ask about again in a round.
        price: of a label by the other oracle, in the currency of the model's answers.
        strategy: the one that chooses the rows; refused if it sees true outcomes.
        labels: the true labels of all rows, if known, only for the record.
    """

    offers = False  # it answers only the whole question

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
        """The model's sure answers, and its revisions of labels it gave before."""
        labels = self.annotator.labels(question)
        revised = self.annotator.revised(question, self.again) if self.again else {}
        sure = labels != UNKNOWN
        rows = question.rows[sure]
        return Answers(
            rows,
            labels[sure],
            self.client.model,
            cost=torch.zeros(len(rows)),  # until it is known how many labels share it
            truth=truth_of(self.labels, rows),
            machine=torch.ones(len(rows), dtype=torch.bool),
            corrected=revised,
            revised=frozenset(revised),
        )

    def _facts(self, mine: Answers, asked: int, spent: Spent) -> dict[str, float]:
        """The record's notes on the model; cached answers count at full cost."""
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
    """A model's answers joined with somebody else's, whose corrections take precedence."""
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
    """Share the cost of the model's answers among its labels, or among all if it gave none."""
    machine = answers.by_machine
    paying = (machine if machine.any() else torch.ones_like(machine)).double()
    return replace(answers, cost=answers.costs + paying * money / paying.sum().clamp(min=1))
