"""Strategies made of strategies: their candidates, and how these judge a pool."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from autoal.errors import UserError
from autoal.query import registry
from autoal.query.batch import best_first, demand_scores, select, votes_of
from autoal.query.strategy import Facts, QueryStrategy, Reads, Scored, as_scored, demand_served
from autoal.query.turn import turn
from autoal.query.view import View

SECTION = "strategy.candidates"  # of the settings


class Candidates:
    """Strategies that together judge what rows are worth.

    Args:
        strategies: by their names.
        section: of the settings, which holds the options of each; empty: there are no settings.
    """

    def __init__(self, strategies: Mapping[str, QueryStrategy], section: str = SECTION) -> None:
        if not strategies:
            raise ValueError("`candidates` must name at least one strategy")
        self.strategies = dict(strategies)
        self.section = section

    @classmethod
    def installed(
        cls, options: Mapping[str, Mapping[str, Any] | None], section: str = SECTION
    ) -> Candidates:
        """Build installed strategies from their names and options."""
        return cls({name: _built(name, own or {}) for name, own in options.items()}, section)

    def __len__(self) -> int:
        return len(self.strategies)

    def __iter__(self) -> Iterator[str]:
        return iter(self.strategies)

    def reads(self) -> set[str]:
        """Everything that at least one of them declares to read."""
        return {name for strategy in self.strategies.values() for name in strategy.reads or ()}

    def check(self, facts: Facts, when: str = "") -> None:
        """Refuse, by name, the first candidate that cannot serve under these facts."""
        for name, strategy in self.strategies.items():
            try:
                demand_served(strategy, facts)
            except UserError as error:
                where = f" ({self.section}.{name})" if self.section else ""
                raise UserError(f"candidate {name!r}{where}: {when}{error}") from error

    def fit(self, view: View) -> None:
        """Let each learn before scoring."""
        for name, strategy in self.strategies.items():
            with turn(f"candidate {name!r}", view):
                strategy.fit(view)

    def votes(self, view: View, budget: int) -> Tensor:
        """Every candidate's vote for every row of the pool, (n, candidates) in [0, 1]."""
        return torch.stack([self._vote(name, view, budget) for name in self], 1)

    def scored(self, name: str, view: View, budget: int) -> Scored:
        """The scores that one of them gives the pool, checked."""
        strategy = self.strategies[name]
        with turn(f"candidate {name!r}", view):
            scored = as_scored(strategy.score(view, budget))
        demand_scores(
            f"candidate {name!r}: {type(strategy).__name__}", scored.scores, len(view.pool)
        )
        return scored

    def batches(self, view: View, budget: int) -> dict[str, Tensor]:
        """The places of the pool that each would ask for, best first, by name."""

        def batch(name: str) -> Tensor:
            return best_first(self.scored(name, view, budget).scores, view)[:budget]

        return {name: batch(name) for name in self}

    def understudies(self) -> Candidates:
        """Copies, so that what they learn elsewhere does not affect the pool."""
        return Candidates(deepcopy(self.strategies), self.section)

    def state_dict(self) -> dict[str, Any]:
        return {name: strategy.state_dict() for name, strategy in self.strategies.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, strategy in self.strategies.items():
            strategy.load_state_dict(state[name])

    def _vote(self, name: str, view: View, budget: int) -> Tensor:
        scores = self.scored(name, view, budget).scores
        return votes_of(f"candidate {name!r}", self.strategies[name], scores, view)


class Composite(QueryStrategy):
    """A strategy made of strategies, which cannot be a candidate of another.

    Args:
        candidates: the strategies it is made of.
        reads: what it reads itself, in addition to them.
    """

    def __init__(self, candidates: Candidates, reads: Reads = ()) -> None:
        self.candidates = candidates
        self.reads = tuple(sorted({*(reads or ()), *candidates.reads()}))
        self._seen: int | None = None  # seed of the last view learnt from

    def check(self, facts: Facts) -> None:
        self.candidates.check(facts)

    def fit(self, view: View) -> None:
        if view.seed == self._seen:  # of the same round
            return
        self._seen = view.seed
        self.learn(view)
        self.candidates.fit(view)

    def learn(self, view: View) -> None:
        """Learn something from a new round, before the candidates do."""

    def state_dict(self) -> dict[str, Any]:
        return {"seen": self._seen, "candidates": self.candidates.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._seen = state["seen"]
        self.candidates.load_state_dict(state["candidates"])

    def in_turn(self, name: str, view: View, budget: int) -> Scored:
        """The answer of a single candidate, whose turn it is."""
        scored = self.candidates.scored(name, view, budget)
        turns = {other: float(other == name) for other in self.candidates}
        return Scored(scored.scores, {**scored.notes, "weights": turns})

    def by_name(self, values: Iterable[float]) -> dict[str, float]:
        """A number for each of the candidates, for the record."""
        return dict(zip(self.candidates, map(float, values), strict=True))


class Asking(Composite):
    """A composite that repeatedly asks its candidates about parts of the pool.

    Candidates learn nothing from these questions, nor do they learn from the whole pool in between:
    the questions belong to this round, though not to its pool.

    Args:
        candidates: the strategies it is made of.
        reads: what it reads itself, in addition to them.
    """

    def __init__(self, candidates: Candidates, reads: Reads = ()) -> None:
        super().__init__(candidates, reads)
        self._askers = candidates.understudies()

    def learn(self, view: View) -> None:
        self._askers = self.candidates.understudies()

    def ask(self, name: str, view: View, places: Tensor, seed: int, budget: int) -> Tensor:
        """The rows of the data set that a candidate asks for.

        Args:
            name: the candidate's.
            view: the view with the pool.
            places: of the rows to ask about, ascending.
            seed: for what it draws.
            budget: how many rows it may ask for.
        """
        return select(deepcopy(self._askers.strategies[name]), view.among(places, seed), budget)


def _built(name: str, options: Mapping[str, Any]) -> QueryStrategy:
    try:
        strategy = registry.build(name, f"{SECTION}.{name}", **options)
        if registry.asks_language(type(strategy)):
            raise ValueError(
                "it asks a language model, which takes money and time at every call, and a "
                "candidate is called many times a round; so it runs alone"
            )
        if "outcomes" in (strategy.reads or ()):
            raise ValueError("it sees the labels of the pool, and so runs alone")
        if isinstance(strategy, Composite):
            raise ValueError("it has candidates itself, and so runs alone")
        if "fitted" in (strategy.reads or ()):
            raise ValueError("it trains learners of its own, and so runs alone")
    except ValueError as error:
        raise UserError(f"candidate {name!r}: {error}") from error
    return strategy
