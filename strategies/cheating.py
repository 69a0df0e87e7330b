"""The upper reference: a strategy that sees the outcome of its choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from autoal import Scored, View, from_order
from autoal.bounds import whole
from autoal.errors import UserError
from autoal.progress import progress
from autoal.query.composite import Asking, Candidates
from autoal.query.strategy import Facts, Reads

CANDIDATES: dict[str, dict[str, Any]] = {
    "random": {},
    "margin": {},
    "badge": {},
    "kmeans": {},
    "typiclust": {},
    "uherding": {},
}
LEAST, MOST = 4, 5_000  # of a query's rows: batches at least, rows at most


class _Try(NamedTuple):
    """A batch, and who asked for it."""

    name: str
    rows: Tensor  # of the data set, best first


class CheatingOracle(Asking):
    """Best of many strategies' batches by real retraining on their true labels: a cheat (2026).

    It is BoSS, "best of strategies". Each batch comes from a randomly drawn strategy, which is
    asked about randomly drawn rows: from four times the batch to 5,000. Every batch is labelled and
    trained on as the round would do, with the round's own random numbers, and the batch that leads
    to the lowest loss is queried. The loss is measured on the validation rows; without any, on the
    true labels of a random half of the pool, from which that round queries nothing. The test set
    plays no part.

    Args:
        tries: batches in a round; each costs a training.
        limit: most rows that a pool may have.
        candidates: options of each strategy that may be drawn, by its installed name.
    """

    # With the default candidates; other choices state what they read.
    reads: Reads = ("embeddings", "labelled", "labels", "outcomes", "probs", "validation")

    def __init__(
        self,
        tries: int = 50,
        limit: int = 5000,
        candidates: Mapping[str, Mapping[str, Any] | None] | None = None,
    ) -> None:
        whole("tries", tries, least=1, most=10_000)
        whole("limit", limit, least=1)
        chosen = CANDIDATES if candidates is None else candidates
        super().__init__(Candidates.installed(chosen), ("outcomes",))
        self.tries = tries
        self.limit = limit

    def check(self, facts: Facts) -> None:
        if facts.pool > self.limit:
            raise UserError(
                f"cheating_oracle trains {self.tries} times a round and is meant for small pools: "
                f"this one has {facts.pool} rows, strategy.limit={self.limit}"
            )
        super().check(facts)

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
        tries = list(self._tried(view, asked, budget, stream))
        losses = []
        with progress("the oracle", len(tries), "batches") as advance:
            for batch in tries:
                losses.append(outcome(batch.rows, view.pool.rows[judges]))
                advance(1)
        best = tries[losses.index(min(losses))]
        order = view.pool.places(best.rows)
        return Scored(from_order(order, rest), self._notes(best, losses))

    def _tried(
        self, view: View, asked: Tensor, budget: int, stream: torch.Generator
    ) -> Iterator[_Try]:
        """Batches from these places of the pool."""
        names, most = list(self.candidates), min(max(MOST, budget), len(asked))
        least = min(LEAST * budget, most)
        for _ in range(self.tries):
            name = names[_whole(len(names), stream)]
            count = least + _whole(most + 1 - least, stream)
            some = asked[torch.randperm(len(asked), generator=stream)[:count]].sort().values
            seed = _whole(1 << 53, stream)
            yield _Try(name, self.ask(name, view, some, seed, budget))

    def _notes(self, best: _Try, losses: list[float]) -> dict[str, Any]:
        """The loss of the best batch, the mean of all, and who asked for the best one."""
        turns = self.by_name(float(name == best.name) for name in self.candidates)
        return {"best": min(losses), "mean": sum(losses) / len(losses), "weights": turns}


def _whole(below: int, stream: torch.Generator) -> int:
    """A whole number from 0."""
    return int(torch.randint(below, (1,), generator=stream))
