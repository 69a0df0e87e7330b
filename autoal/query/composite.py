"""Strategies made of strategies: their candidates and how these vote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from autoal.errors import UserError
from autoal.query import registry
from autoal.query.strategy import Facts, QueryStrategy, as_scored, demand_scores, demand_served
from autoal.query.turn import turn
from autoal.query.view import View


class Candidates:
    """Strategies that say together what rows are worth.

    Args:
        strategies: by their names.
    """

    def __init__(self, strategies: Mapping[str, QueryStrategy]) -> None:
        if not strategies:
            raise ValueError("`candidates` must name at least one strategy")
        self.strategies = dict(strategies)

    @classmethod
    def installed(cls, options: Mapping[str, Mapping[str, Any] | None]) -> Candidates:
        """Installed strategies by their names, with the options of each."""
        return cls({name: _built(name, own or {}) for name, own in options.items()})

    def __len__(self) -> int:
        return len(self.strategies)

    def __iter__(self) -> Iterator[str]:
        return iter(self.strategies)

    def reads(self) -> set[str]:
        """What at least one of them states that it reads."""
        return {name for strategy in self.strategies.values() for name in strategy.reads or ()}

    def check(self, facts: Facts, when: str = "") -> None:
        """Refuse, by its name, the first that cannot serve when these are the facts."""
        for name, strategy in self.strategies.items():
            try:
                demand_served(strategy, facts)
            except UserError as error:
                where = f"candidate {name!r} (strategy.candidates.{name})"
                raise UserError(f"{where}: {when}{error}") from error

    def fit(self, view: View) -> None:
        """Let each learn before scoring."""
        for name, strategy in self.strategies.items():
            with turn(f"candidate {name!r}", view):
                strategy.fit(view)

    def votes(self, view: View, budget: int) -> Tensor:
        """Every candidate's vote for every row of the pool, (n, candidates) in [0, 1]."""
        ballots = [_vote(*candidate, view, budget) for candidate in self.strategies.items()]
        return torch.stack(ballots, 1)

    def understudies(self) -> Candidates:
        """Copies, so that what they learn elsewhere is not for the pool."""
        return Candidates(deepcopy(self.strategies))

    def state_dict(self) -> dict[str, Any]:
        return {name: strategy.state_dict() for name, strategy in self.strategies.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, strategy in self.strategies.items():
            strategy.load_state_dict(state[name])


def _built(name: str, options: Mapping[str, Any]) -> QueryStrategy:
    try:
        strategy = registry.build(name, f"strategy.candidates.{name}", **options)
        if isinstance(getattr(strategy, "candidates", None), Candidates):
            raise ValueError("it has candidates itself, and so runs alone")
        if "outcomes" in (strategy.reads or ()):
            raise ValueError("it sees the labels of the pool, and so runs alone")
    except ValueError as error:
        raise UserError(f"candidate {name!r}: {error}") from error
    return strategy


def _vote(name: str, strategy: QueryStrategy, view: View, budget: int) -> Tensor:
    with turn(f"candidate {name!r}", view):
        scores = as_scored(strategy.score(view, budget)).scores
        demand_scores(f"candidate {name!r}: {type(strategy).__name__}", scores, len(view.pool))
        votes = strategy.votes(scores, view.classes)
    if not isinstance(votes, Tensor):
        raise UserError(f"candidate {name!r}: its votes are a {type(votes).__name__}, no Tensor")
    shares = votes.detach().to(torch.float32).cpu()
    if shares.shape != scores.shape or not ((shares >= 0) & (shares <= 1)).all():
        raise UserError(f"candidate {name!r}: its votes are not one number from 0 to 1 for a row")
    return shares
