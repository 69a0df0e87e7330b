"""The upper reference: what a strategy could reach that saw the outcome of its choice."""

from __future__ import annotations

import torch

from autoal import QueryStrategy, Scored, View, from_order
from autoal.bounds import whole
from autoal.errors import UserError
from autoal.query.strategy import Facts, Reads


class CheatingOracle(QueryStrategy):
    """Best of many random batches by real retraining on their true labels: a cheat.

    Every batch is labelled and trained on as the round would do it, with the round's own random
    numbers, and the one that leads to the lowest loss is queried. The loss is that on the
    validation rows; where there are none, on the true labels of a random half of the pool, out of
    which nothing is queried in that round. The test set takes no part.

    Args:
        tries: random batches in a round, each of which costs a training.
        limit: rows of the largest pool that is not refused.
    """

    reads: Reads = ("outcomes",)

    def __init__(self, tries: int = 20, limit: int = 5000) -> None:
        whole("tries", tries, least=1, most=10_000)
        whole("limit", limit, least=1)
        self.tries = tries
        self.limit = limit

    def check(self, facts: Facts) -> None:
        if facts.pool > self.limit:
            raise UserError(
                f"cheating_oracle trains {self.tries} times a round and is meant for small pools: "
                f"this one has {facts.pool} rows, strategy.limit={self.limit}"
            )

    def score(self, view: View, budget: int) -> Scored:
        outcome = None if view.bench is None else view.bench.outcome
        if outcome is None:
            raise UserError(
                "cheating_oracle sees the labels of the pool, so it runs alone and only where all "
                "of them are known"
            )
        stream, size = view.generator(), len(view.pool)
        places, rest = torch.randperm(size, generator=stream), torch.zeros(size)
        # Without validation rows, half of the pool judges, as far as the budget leaves one.
        half = max(budget, size // 2) if view.validation is None else size
        asked, judges = places.tensor_split([half])
        if view.validation is None and not len(judges):
            return Scored(from_order(asked[:budget], rest))
        batches = [
            asked[torch.randperm(len(asked), generator=stream)[:budget]] for _ in range(self.tries)
        ]
        rows = view.pool.rows
        losses = [outcome(rows[batch], rows[judges]) for batch in batches]
        # The loss of the best batch, and the mean over all of them, which is random's.
        notes = {"best": min(losses), "random": sum(losses) / len(losses)}
        return Scored(from_order(batches[losses.index(min(losses))], rest), notes)
