"""Trials in a round: the task's own training on other rows."""

from __future__ import annotations

from torch import Tensor

from autoal.cycle.pool import Pool
from autoal.data.rows import Rows
from autoal.model.fitstep import unwatched
from autoal.model.learner import Learner
from autoal.seeding import seeded


class Trial:
    """Learners of the task's kind, taught for a strategy.

    Args:
        learner: as the last round left it.
        rows: of the pool, with the labels that were told.
        pool: says which of them are labelled.
        seed: of the experiment.
        number: of the round.
    """

    def __init__(self, learner: Learner, rows: Rows, pool: Pool, seed: int, number: int) -> None:
        self._learner = learner
        self._rows = rows
        self._pool = pool
        self._seed = seed
        self._number = number
        self._members = 0

    def fitted(self, places: Tensor) -> Learner:
        """A learner taught only these places of the labelled rows.

        Its training is shorter in proportion to the rows. Each learner has its own draws.
        """
        labelled = self._pool.labelled
        member = self._fresh(len(places) / len(labelled))
        purpose: tuple[str | int, ...] = ("fitnet",)
        if self._members:
            purpose = (*purpose, self._members)
        self._members += 1
        with seeded(self._seed, self._number, *purpose):
            member.fit(self._rows.take(labelled[places]), first=True, watch=unwatched)
        return member

    def _fresh(self, share: float = 1.0) -> Learner:
        with seeded(self._seed, self._number, "fresh"):
            return self._learner.fresh(share)

    def outcome(
        self, truth: Tensor, validation: Rows | None, rows: Tensor, judges: Tensor
    ) -> float:
        """The loss after this round's real training with these rows; only for upper references.

        Args:
            truth: the labels of all rows.
            validation: rows that judge; without any, `judges` do.
            rows: the rows that would be queried.
            judges: rows of the pool.
        """
        member = self._fresh()
        member.load_state_dict(self._learner.state_dict())
        known = self._rows.with_labels(rows, truth[rows])
        with seeded(self._seed, self._number, "fit"):
            labelled = self._pool.label(rows).labelled
            member.fit(known.take(labelled), first=False, watch=unwatched)
        if validation is None:
            validation = self._rows.with_labels(judges, truth[judges]).take(judges)
        return member.test(validation)["nll"]
