"""What a query strategy is, and how a batch is chosen by one."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from autoal.errors import UserError
from autoal.query.view import View

# What a strategy may read of a view, by the names for `QueryStrategy.reads`.
READABLE = ("inputs", "embeddings", "stages", "probs", "draws", "labelled", "validation")


Reads = tuple[str, ...] | None


class QueryStrategy(ABC):
    """Says which rows of the pool are worth a label.

    A plugin is a subclass with a `score`, entered under the entry-point group `autoal.strategies`;
    the parameters of its `__init__` become options of the command line.
    """

    reads: Reads = None  # out of READABLE; None: not stated

    def check(self, *, validation: Tensor | None) -> None:
        """Refuse, before anything is trained, an experiment that the strategy cannot serve.

        Args:
            validation: labels of the validation rows, if there are any.
        """

    def fit(self, view: View) -> None:
        """Learn something before scoring; called once a round."""

    @abstractmethod
    def score(self, view: View, budget: int) -> Tensor:
        """A finite number for every row of `view.pool`, (n,); higher is queried first.

        A pure function: the same view and budget give the same scores.
        """

    def votes(self, scores: Tensor, classes: int) -> Tensor:
        """How much each row is worth, from 0 to 1, beside what other strategies say of it.

        By default its rank among the scores, since their sizes mean different things; rows of equal
        scores have equal ranks. A strategy whose scores have a natural scale may keep it.
        """
        return ranks(scores)

    def labels(self, view: View, places: Tensor) -> Tensor:
        """The classes that the strategy itself gives to these places of the pool, (places,).

        For `labeler=salutary`, with which nobody else is asked; most strategies give none.
        """
        raise no_labels(self)

    def notes(self, view: View) -> dict[str, Any]:
        """What the record of the round should say about the query, ready for JSON."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """What must outlive a round; kept with the run, and given back when it goes on."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""


def select(strategy: QueryStrategy, view: View, budget: int) -> Tensor:
    """The `budget` rows of the data set that the strategy scores highest, best first.

    Ties are broken by a draw from the view's seed, not by the order of the rows, which in many
    data sets follows the classes.
    """
    if not 1 <= budget <= len(view.pool):
        raise ValueError(f"`budget` must be from 1 to the pool's {len(view.pool)}, got {budget}")
    strategy.fit(view)
    scores = strategy.score(view, budget)
    check_scores(type(strategy).__name__, scores, len(view.pool))
    return view.pool.rows[best_first(scores, view)[:budget]]


def best_first(scores: Tensor, view: View) -> Tensor:
    """The places in the pool by their scores; equal ones as a draw from the view's seed has it."""
    # From sorted rows on, so that the order in which the pool came makes no difference.
    order = view.pool.order
    shuffled = order[torch.randperm(len(order), generator=view.generator())]
    return shuffled[scores.cpu()[shuffled].argsort(descending=True, stable=True)]


def no_labels(strategy: QueryStrategy) -> UserError:
    """The error for a strategy that was to label rows by itself and cannot."""
    return UserError(
        f"labeler=salutary goes with a strategy that gives labels, such as salutary; "
        f"{type(strategy).__name__} gives none"
    )


def ranks(scores: Tensor) -> Tensor:
    """The place of each score among all, above 0 and below 1; equal ones share the middle."""
    _, place, counts = scores.unique(return_inverse=True, return_counts=True)
    middle = counts.cumsum(0) - counts / 2
    return (middle / max(1, len(scores)))[place]


def from_order(order: Tensor, rest: Tensor) -> Tensor:
    """The picks of a greedy strategy as scores: they come first, in their order.

    Args:
        order: places in the pool, best first, (picked,).
        rest: what every row of the pool would still be worth after them, (n,); ranks the others.
    """
    low, high = rest.min(), rest.max()
    scores = (rest - low) / (high - low).clamp(min=torch.finfo(rest.dtype).tiny) / 2
    scores[order] = torch.arange(len(order), 0, -1, dtype=rest.dtype, device=rest.device)
    return scores


def placed(picks: list[int], rest: Tensor, places: Tensor, size: int) -> Tensor:
    """The scores of a greedy strategy that saw the rows at these places of a pool of that size.

    Args:
        picks: numbers out of `places`, best first.
        rest: what each of the rows seen is still worth, (places,), at least 0; the others get 0.
        places: of the rows seen.
        size: of the pool.
    """
    places = places.to(rest.device)
    worth = rest.new_zeros(size)
    worth[places] = rest
    return from_order(places[torch.tensor(picks, dtype=torch.long, device=rest.device)], worth)


def check_scores(name: str, scores: Tensor, size: int) -> None:
    """Refuse what is not one finite number for each row."""
    if scores.shape != (size,):
        raise ValueError(
            f"{name}.score must return one number for each of the {size} rows of the pool, "
            f"got the shape {tuple(scores.shape)}"
        )
    if not scores.isfinite().all():
        bad = (~scores.isfinite()).nonzero().flatten()
        raise ValueError(
            f"{name}.score returned {float(scores[bad[0]])} for {len(bad)} of {size} rows"
        )
