"""Strategies that propose rows, from which a covering strategy composes the batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from autoal import Scored, View
from autoal.bounds import whole
from autoal.maths.geometry import sample
from autoal.query.batch import best_first
from autoal.query.composite import Asking, Candidates
from autoal.query.strategy import Reads, as_scored

from .herding import UHerding

CANDIDATES: dict[str, dict[str, Any]] = {
    "random": {},
    "margin": {},
    "badge": {},
    "bait": {},
    "typiclust": {},
    "alfamix": {},
    "dropquery": {},
    "maxherding": {},
    "uherding": {},
}
FIRST, LATER = 5_000, 0.4  # rows of a query: of the pool at most, and as a share of the rest
MOST = 10_000  # rows left by a level, at most


class Refine(Asking):
    """Herding among what many strategies ask for in samples of the pool (Refine, 2026).

    Every candidate makes several queries, each about fresh random rows of the pool. The rows they
    ask for remain, up to 10,000, drawn at random. At a depth above 1 the candidates are asked again
    about these, each query about 40 % of them. In the end UHerding composes the batch from the
    rest.

    Args:
        depth: how often the pool is narrowed down.
        batches: queries of each candidate at every level; each asks for as many rows as the batch
            has.
        subset: how many rows of the pool a query is about; null: half of the pool, at most 5,000.
        candidates: options of each, by its installed name.
    """

    reads: Reads = ("embeddings", "head", "labelled", "labels", "probs", "validation")

    def __init__(
        self,
        depth: int = 1,
        batches: int = 5,
        subset: int | None = None,
        candidates: Mapping[str, Mapping[str, Any] | None] | None = None,
    ) -> None:
        whole("depth", depth, least=1, most=100)
        whole("batches", batches, least=1, most=10_000)
        if subset is not None:
            whole("subset", subset, least=1)
        chosen = CANDIDATES if candidates is None else candidates
        super().__init__(Candidates.installed(chosen), UHerding.reads)
        self.depth = depth
        self.batches = batches
        self.subset = subset

    def score(self, view: View, budget: int) -> Scored:
        size, stream = len(view.pool), view.generator()
        wished = min(FIRST, size // 2) if self.subset is None else self.subset
        places, sizes = torch.arange(size), [size]
        for _ in range(self.depth):
            asked = self._asked(view, places, max(wished, budget), budget, stream)
            places = asked.any(1).nonzero().flatten()
            places = places[sample(len(places), max(MOST, budget), stream)].sort().values
            sizes.append(len(places))
            wished = int(LATER * len(places))
        scores = torch.full((size,), -1.0)  # below all rows that remain
        left = as_scored(UHerding().score(view.among(places), budget)).scores
        scores[places] = left.float().cpu()
        batch = best_first(scores, view)[:budget]
        return Scored(scores, {"left": sizes[1:], "weights": self._shares(asked[batch])})

    def _asked(
        self, view: View, places: Tensor, size: int, budget: int, stream: torch.Generator
    ) -> Tensor:
        """True where a candidate asks for a row among these places, (n, candidates)."""
        asked = torch.zeros(len(view.pool), len(self.candidates), dtype=torch.bool)
        for column, name in enumerate(self.candidates):
            for _ in range(self.batches):
                some = places[sample(len(places), size, stream)].sort().values
                seed = int(torch.randint(1 << 53, (1,), generator=stream))
                rows = self.ask(name, view, some, seed, budget)
                asked[view.pool.places(rows), column] = True
        return asked

    def _shares(self, asked: Tensor) -> dict[str, float]:
        """Each candidate's share of a batch; several who asked for the same row share it."""
        return self.by_name((asked / asked.sum(1, keepdim=True)).mean(0).tolist())
