"""Several fallible people are asked about each row, and their consensus counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from autoal.bounds import choice, number, whole
from autoal.data.rows import UNKNOWN
from autoal.errors import UserError
from autoal.model.learner import Learner, demand_believing
from autoal.oracles.blind import demand_blind
from autoal.oracles.question import (
    Answers,
    Oracle,
    Question,
    Said,
    answered,
    asks_people,
    layers,
    together,
)
from autoal.oracles.turns import TURNS, Turns
from autoal.oracles.votes import MAJORITY, METHODS, Agreed, Votes, agreed
from autoal.query.strategy import QueryStrategy
from autoal.seeding import generator

DECIMALS = 7  # of a belief
MOST = 1_000  # people


@dataclass
class Heard:
    """The answers of people in a round, by row or by name."""

    said: dict[str, dict[int, int]] = field(default_factory=dict)
    cost: Counter[int] = field(default_factory=Counter)
    truth: dict[int, int] = field(default_factory=dict)


class Crowd:
    """The consensus of several people about each row; all their answers so far count.

    Labels of earlier rows may change with it. Every answer is paid for, and nobody is asked about a
    row twice. A row that everybody declines is declined.

    Args:
        oracle: answers for each person.
        people: how many there are.
        votes: most people to ask about a row.
        consensus: `majority`, where in a tie the answer of the person asked first counts;
            `dawid_skene`, by how often each person takes which class for which; `one_coin`, by how
            often each is right, and by the model's predictions.
        ask: `turns`, in an order drawn for each row; `ie_thresh`: in that order, only people who
            may be the most reliable.
        soft: models learn the consensus's class probabilities.
        again: most answers of a round about rows of earlier rounds, if these are more in doubt than
            new ones, which are then left for later.
        known: how many rows of known class each person is asked about first, only to show how
            reliable they are.
        prices: of an answer by each person; None: 1.
        seed: for the turns and the rows of known class.
        strategy: the one that chooses the rows; refused if it sees true outcomes.
        labels: the true labels of all rows; only those of `known` rows are used.
        learner: the learner to teach; not all accept soft labels.
    """

    offers = False  # offering only some classes would ask again for nothing

    def __init__(
        self,
        oracle: Oracle,
        people: int = 5,
        votes: int = 3,
        consensus: str = MAJORITY,
        ask: str = TURNS,
        soft: bool = False,
        again: int = 0,
        known: int = 0,
        prices: Sequence[float] | None = None,
        seed: int = 0,
        strategy: QueryStrategy | None = None,
        labels: Tensor | None = None,
        learner: Learner | None = None,
    ) -> None:
        demand_blind("crowd", strategy)
        whole("people", people, least=1, most=MOST)
        whole("known", known, least=0)
        whole("seed", seed, least=0)
        choice("consensus", consensus, METHODS)
        _demand_people(oracle, people)
        if soft and learner is not None:
            demand_believing(learner, "oracle.soft=true tells")
        self.oracle = oracle
        self.names = [f"person {number + 1}" for number in range(people)]
        self.turns = Turns(self.names, votes, ask, again, seed)
        self.consensus = consensus
        self.soft = soft
        self.known = _drawn(known, labels, seed)
        self.prices = _prices(prices, people)

    def __call__(self, question: Question) -> Answers:
        before = self._agreed(question, question.said) if self.turns.looks_back else None
        asked, later = self.turns.asked(question, before, self.known)
        heard = self._heard(question, asked)
        now = self._agreed(question, together(question.said, heard.said))
        return self._answers(question, now, heard, later)

    def _agreed(self, question: Question, said: Said) -> Agreed:
        """The consensus about all rows."""
        votes = Votes.of(said, self.names)
        orders = self.turns.orders(votes.rows)
        return agreed(votes, self.consensus, question, orders, self.known)

    def _heard(self, question: Question, asked: Mapping[int, Sequence[int]]) -> Heard:
        """The answers of people to the rows that each of them is asked about."""
        heard = Heard(truth={**self.known})
        for person, rows in sorted(asked.items()):
            about = replace(question.about(torch.tensor(rows)), person=person)
            answers = answered(self.oracle, about)
            told = answers.rows.tolist()
            heard.said[self.names[person]] = dict(zip(told, answers.labels.tolist(), strict=True))
            costs = (answers.costs.double() * self.prices[person]).tolist()
            heard.cost.update(dict(zip(told, costs, strict=True)))
            if answers.truth is not None:
                heard.truth |= zip(told, answers.truth.tolist(), strict=True)
        return heard

    def _answers(
        self, question: Question, now: Agreed, heard: Heard, later: frozenset[int]
    ) -> Answers:
        """The consequences for the rows in question, and for earlier ones."""
        labels = dict(zip(now.votes.rows.tolist(), now.labels.tolist(), strict=True))
        new = [row for row in question.rows.tolist() if row in labels and row not in later]
        known = dict(zip(question.known.rows.tolist(), question.known.labels.tolist(), strict=True))
        truths = [heard.truth.get(row, UNKNOWN) for row in new]
        return Answers(
            torch.tensor(new, dtype=torch.long),
            torch.tensor([labels[row] for row in new], dtype=torch.long),
            f"{len(self.names)} people",
            cost=torch.tensor([heard.cost[row] for row in new], dtype=torch.float64),
            truth=None if UNKNOWN in truths else torch.tensor(truths, dtype=torch.long),
            corrected={
                row: labels[row] for row, label in known.items() if labels.get(row, label) != label
            },
            people=self._people(now, heard.said),
            beliefs=self._beliefs(now, {*new, *known}) if self.soft else {},
            later=later,
            paid={row: cost for row, cost in heard.cost.items() if row not in {*new}},
            said=heard.said,
        )

    def _people(self, now: Agreed, said: Said) -> dict[str, dict[str, float]]:
        """The record's notes on each person."""
        pairs = zip(self.names, now.reliability(), strict=True)
        return {name: {"labels": len(said.get(name, ())), **told} for name, told in pairs}

    def _beliefs(self, now: Agreed, rows: set[int]) -> dict[int, list[float]]:
        """The class probabilities of these rows."""
        pairs = zip(now.votes.rows.tolist(), now.probs.tolist(), strict=True)
        return {row: [round(p, DECIMALS) for p in probs] for row, probs in pairs if row in rows}


def _demand_people(oracle: Oracle, people: int) -> None:
    """Refuse more people than exist, and oracles that ask people in their own way."""
    if asks_people(oracle):
        raise UserError("oracle=crowd asks simulated people: give oracle.human=noisy or truth")
    for layer in layers(oracle):
        there = getattr(layer, "people", None)
        if isinstance(there, int) and there < people:
            raise ValueError(f"`people` is {people}, but the answers are from {there} people")


def _prices(prices: Sequence[float] | None, people: int) -> list[float]:
    """The price of an answer by each person."""
    found = [1.0] * people if prices is None else [*prices]
    if len(found) != people:
        raise ValueError(f"`prices` has {len(found)} entries, and there are {people} people")
    for price in found:
        number("prices", price, least=0)
    return found


def _drawn(count: int, labels: Tensor | None, seed: int) -> dict[int, int]:
    """This many rows of known class, with their classes."""
    truth = torch.zeros(0, dtype=torch.long) if labels is None else labels
    rows = (truth != UNKNOWN).nonzero().flatten()
    if count > len(rows):
        raise ValueError(f"`known` is {count}, and only {len(rows)} rows have a known class")
    order = torch.randperm(len(rows), generator=generator(seed, "known rows"))[:count]
    some = rows[order].sort().values
    return dict(zip(some.tolist(), truth[some].tolist(), strict=True))
