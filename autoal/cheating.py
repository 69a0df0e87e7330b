"""Upper references: strategies that see what no strategy may, and are named for it.

The only other door to the pool's labels. A strategy of this kind is asked in another way than all
others, by what a batch leads to, and cannot be asked as they are: a view still holds no label.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from torch import Tensor

from autoal.errors import UserError
from autoal.query.strategy import QueryStrategy
from autoal.query.view import View

# From rows of the pool, and rows of it that judge where there are no validation rows, to the loss
# after the task's real training with the true labels of the former.
Outcome = Callable[[Tensor, Tensor], float]


class Cheating(QueryStrategy):
    """A strategy that chooses by what batches would lead to, for references in experiments."""

    reads = ()

    @abstractmethod
    def cheat(self, view: View, budget: int, outcome: Outcome) -> Tensor:
        """The rows to query, distinct, all from the pool."""

    def check_pool(self, size: int) -> None:
        """Refuse a pool for which the reference would take too long."""

    def score(self, view: View, budget: int) -> Tensor:
        raise UserError(
            f"{type(self).__name__} sees the labels of the pool, so it runs alone and only where "
            "all of them are known; it cannot be a candidate of another strategy"
        )
