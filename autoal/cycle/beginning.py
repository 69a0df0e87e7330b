"""The first question of an experiment: rows to begin with, and rows that judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass

import torch
from torch import Tensor

from autoal.cycle.parts import strategy_of
from autoal.cycle.plan import Plan
from autoal.cycle.pool import Pool
from autoal.data.contract import Data
from autoal.data.inputs import tensor_of
from autoal.errors import UserError
from autoal.query import registry
from autoal.query.batch import Query, query
from autoal.query.strategy import Facts, QueryStrategy, Reads, demand_served, demand_untaught
from autoal.query.view import View
from autoal.seeding import generator

Start = QueryStrategy | str | Sequence[int] | None


@dataclass(frozen=True, eq=False)
class Beginning:
    """Chooses the rows of the first question, before anything is labelled."""

    chooser: QueryStrategy | None  # None: a plain random draw
    given: Tensor  # rows chosen by the user, which precede the drawn ones
    judges: int  # how many rows judge the model instead of a test set
    seed: int

    @classmethod
    def of(cls, start: Start, plan: Plan, data: Data, facts: Facts, seed: int) -> Beginning:
        """The beginning that a start means for this data; an impossible one is refused."""
        judges = judges_of(data)
        none = torch.zeros(0, dtype=torch.long)
        if isinstance(start, Sized) and not isinstance(start, str):
            return cls(None, _rows_of(start, plan, len(data.train)), judges, seed)
        if start is None:
            return cls(None, none, judges, seed)
        chooser = strategy_of("start", start)
        demand_untaught(chooser, registry.untaught)
        demand_served(chooser, facts)
        return cls(chooser, none, judges, seed)

    def judging(self, pool: Pool) -> Tensor:
        """The rows that will judge, drawn from those that may be asked about."""
        left = pool.unlabelled
        drawn = torch.randperm(len(left), generator=generator(self.seed, "judges"))
        return left[drawn[: self.judges]]

    def rows(self, pool: Pool, size: int, look: Callable[[Reads], View]) -> Query:
        """This many rows of the pool to begin with.

        Args:
            pool: with the judging rows set apart.
            size: of the query.
            look: returns the view for a strategy with these `reads`.
        """
        if self.chooser is not None and size:
            return query(self.chooser, look(self.chooser.reads or ()), size)
        drawn = torch.randperm(len(pool), generator=generator(self.seed, "start"))
        order = torch.cat([self.given, drawn[~torch.isin(drawn, self.given)]])
        return Query(order[torch.isin(order, pool.unlabelled)][:size], {}, None)

    def with_judges(self, first: Query, judges: Tensor) -> Query:
        """The rows to begin with, with those that judge hidden among them."""
        if not len(judges):
            return first
        both = torch.cat([first.rows, judges])
        mixed = torch.randperm(len(both), generator=generator(self.seed, "mixed"))
        return first._replace(rows=both[mixed], suggested=None)


def judges_of(data: Data) -> int:
    """How many rows will judge; 0 with a test set."""
    return data.checked if data.test is None else 0


def _rows_of(start: Sized, plan: Plan, size: int) -> Tensor:
    """The rows of a given start, which must be as many rows of the pool as planned."""
    rows = tensor_of(start, "the rows of a start")
    if len(rows) != plan.start:
        raise UserError(f"the start has {len(rows)} rows, and the plan says start={plan.start}")
    Pool.of(size).label(rows)
    return rows
