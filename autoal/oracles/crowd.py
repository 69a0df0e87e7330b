"""Several people who err are asked about each row, and what they say together counts."""

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
    """What people say in a round, by row or by their names."""

    said: dict[str, dict[int, int]] = field(default_factory=dict)
    cost: Counter[int] = field(default_factory=Counter)
    truth: dict[int, int] = field(default_factory=dict)


class Crowd:
    """What several people say together of each row; all that they ever said counts.

    Labels of earlier rows change with it. Every answer is paid for, and nobody is asked about a row
    twice. A row that all decline is declined.

    Args:
        oracle: answers as one person or another.
        people: how many there are.
        votes: people who are asked about a row, at most.
        consensus: `majority`, where the answer of whoever was asked first counts of a tie;
            `dawid_skene`, by how often each person takes which class for which; `one_coin`, by how
            often each is right, and by what the model says.
        ask: `turns`, drawn for each row; `ie_thresh`: those who may be the most reliable, in turn.
        soft: models learn how likely each class is, as the consensus has it.
        again: answers of a round, at most, that are about rows of earlier rounds, where these are
            more in doubt than new ones, which are then left for later.
        known: rows of known classes that each person is asked about first, which shows how reliable
            they are, and does nothing else.
        prices: of an answer by each person; None: 1.
        seed: of the turns and of the rows of known classes.
        strategy: that chooses the rows; one that sees true outcomes is refused.
        labels: the true ones of all rows, of which those of `known` are used.
        learner: that is taught; soft labels are not for all.
    """

    offers = False  # some of the classes only, which would be asked about again for nothing

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
        """What is said together of all rows."""
        votes = Votes.of(said, self.names)
        orders = self.turns.orders(votes.rows)
        return agreed(votes, self.consensus, question, orders, self.known)

    def _heard(self, question: Question, asked: Mapping[int, Sequence[int]]) -> Heard:
        """What people answer about the rows that each of them is asked about."""
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
        """What follows for the rows that are asked about, and for earlier ones."""
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
        """What the record tells of each person."""
        pairs = zip(self.names, now.reliability(), strict=True)
        return {name: {"labels": len(said.get(name, ())), **told} for name, told in pairs}

    def _beliefs(self, now: Agreed, rows: set[int]) -> dict[int, list[float]]:
        """How likely each class is of these rows."""
        pairs = zip(now.votes.rows.tolist(), now.probs.tolist(), strict=True)
        return {row: [round(p, DECIMALS) for p in probs] for row, probs in pairs if row in rows}


def _demand_people(oracle: Oracle, people: int) -> None:
    """Refuse more people than there are, and such as are asked in a way of their own."""
    if asks_people(oracle):
        raise UserError("oracle=crowd asks simulated people: give oracle.human=noisy or truth")
    for layer in layers(oracle):
        there = getattr(layer, "people", None)
        if isinstance(there, int) and there < people:
            raise ValueError(f"`people` is {people}, and whoever answers knows {there} of them")


def _prices(prices: Sequence[float] | None, people: int) -> list[float]:
    """Of an answer by each person."""
    found = [1.0] * people if prices is None else [*prices]
    if len(found) != people:
        raise ValueError(f"`prices` has {len(found)}, and there are {people} people")
    for price in found:
        number("prices", price, least=0)
    return found


def _drawn(count: int, labels: Tensor | None, seed: int) -> dict[int, int]:
    """So many rows of known classes, with these."""
    truth = torch.zeros(0, dtype=torch.long) if labels is None else labels
    rows = (truth != UNKNOWN).nonzero().flatten()
    if count > len(rows):
        raise ValueError(f"`known` is {count}, and the class of {len(rows)} rows is known")
    order = torch.randperm(len(rows), generator=generator(seed, "known rows"))[:count]
    some = rows[order].sort().values
    return dict(zip(some.tolist(), truth[some].tolist(), strict=True))
