"""Growths that make drafts and keep only suitable ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from autoal.bounds import whole
from autoal.data.texts import parts_of
from autoal.growth.filters import Limits, Sieve
from autoal.growth.ground import Texts
from autoal.growth.texts import TextGrowth
from autoal.query.view import View
from autoal.record.generated import Made
from autoal.seeding import derive

SEEDS = 2**31  # servers take no larger ones


class Drafting(TextGrowth):
    """Makes drafts until enough of them may join.

    Args:
        tries: most drafts for each row that is needed.
        shortest: fewest words of a text.
        longest: most words of a text.
        near: the cosine to the most similar row must be below it; 1: only copies are too near.
        far: the cosine to the most similar real row must be at least this.
        **options: those of every growth of texts.
    """

    def __init__(
        self,
        tries: int = 3,
        shortest: int = 3,
        longest: int = 60,
        near: float = 0.95,
        far: float = 0.3,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        whole("tries", tries, least=1)
        self.tries = tries
        self.limits = Limits(shortest, longest, near, far)

    @property
    def surplus(self) -> int:
        """How many drafts are made for each that joins; the strategy's score picks the best."""
        return 1

    def make(self, view: View, number: int) -> list[Made]:
        source = view.pool.source
        assert source is not None
        sieve = Sieve(self.limits, source, len(self.ground))
        found: list[Made] = []
        wanted = self.most(number) * self.surplus
        for turn in range(self.tries):
            if missing := wanted - len(_left(found)):
                seed = derive(self.seed, number, "growth", turn) % SEEDS
                found += self._sifted(self.drafts(view, number, missing, seed), sieve)
        return self._best(found, view, self.most(number))

    @abstractmethod
    def drafts(self, view: View, number: int, size: int, seed: int) -> list[Made]:
        """This many drafts; those that are not rows at all say why they are dropped."""

    def real(self, view: View) -> Tensor:
        """The rows of the data that may be used: neither declined nor judging the model."""
        rows = torch.cat([view.pool.rows, view.labelled.features.rows])
        return rows[rows < len(self.ground)].sort().values

    def texts_of(self, view: View, rows: Tensor) -> list[Texts]:
        """The texts of rows of the pool."""
        assert view.pool.source is not None
        return parts_of(view.pool.source.take(rows))

    def _sifted(self, drafts: Sequence[Made], sieve: Sieve) -> list[Made]:
        """The drafts, with the reason for those that may not join."""
        found = [each if each.dropped else self._measured(each) for each in drafts]
        places = _left(found)
        if places:
            rows = self.ground.rows([found[place].texts for place in places])
            for place, why in zip(places, sieve.judge(rows), strict=True):
                found[place] = replace(found[place], dropped=why)
        return found

    def _measured(self, draft: Made) -> Made:
        return replace(draft, dropped=self.limits.of_length(" ".join(draft.texts)))

    def _best(self, found: list[Made], view: View, size: int) -> list[Made]:
        """All drafts, of which at most this many may join: the best."""
        places = _left(found)
        if len(places) <= size:
            return found
        assert view.bench is not None
        assert view.bench.worth is not None
        worth = view.bench.worth(self.ground.rows([found[place].texts for place in places]))
        for beaten in worth.argsort(descending=True, stable=True)[size:].tolist():
            place, score = places[beaten], float(worth[beaten])
            found[place] = replace(found[place], dropped="beaten", score=score)
        return found


def _left(drafts: Sequence[Made]) -> list[int]:
    """The places of the drafts that may join."""
    return [place for place, each in enumerate(drafts) if not each.dropped]
