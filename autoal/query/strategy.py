"""The contract of a query strategy, and helpers to express findings as scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from autoal.errors import UserError
from autoal.maths.geometry import sample
from autoal.query.view import View

# What a strategy may read from a view, by the names for `QueryStrategy.reads`. `labelled` are the
# labelled rows' features, `labels` their classes; the last three are on the bench.
READABLE = (
    *("inputs", "texts", "embeddings", "stages", "probs", "draws", "head"),
    *("labelled", "labels", "validation", "costs"),
    *("fitted", "outcomes", "training"),
)
UNTAUGHT = ("inputs", "texts", "embeddings", "labelled")  # available before anything is labelled

Reads = tuple[str, ...] | None


class Scored(NamedTuple):
    """A strategy's scores of the rows of a pool."""

    scores: Tensor  # (n,) finite; higher is queried first
    notes: Mapping[str, Any] = {}  # for the record of the round, ready for JSON
    labels: Tensor | None = None  # (n,) the class that the strategy itself would give to each row


@dataclass(frozen=True)
class Facts:
    """The facts about an experiment that stand before anything is trained."""

    pool: int  # rows
    classes: int
    validation: Tensor | None = None  # labels of the validation rows, if there are any
    deep: bool = True  # the task trains more than a head on fixed features
    draws: bool = True  # the model gives draws
    headed: bool = True  # it predicts for other embeddings too
    revealed: bool = True  # all labels of the pool are known, as in a simulation
    pictures: bool = True  # the model reads bytes of the shape (channels, height, width)
    texts: bool = True  # a person reads the rows


class QueryStrategy(ABC):
    """Decides which rows of the pool are worth a label.

    A plugin is a subclass with a `score`, registered under the entry-point group
    `autoal.strategies`; the parameters of its `__init__` become options of the command line.
    """

    reads: Reads = None  # out of READABLE; None: not stated
    suggests = False  # `score` gives labels too

    def check(self, facts: Facts) -> None:
        """Refuse, before anything is trained, an experiment that the strategy cannot serve."""

    def fit(self, view: View) -> None:
        """Learn something before scoring; called once a round."""

    @abstractmethod
    def score(self, view: View, budget: int) -> Tensor | Scored:
        """A finite number for every row of `view.pool`, (n,); higher is queried first.

        A pure function: the same view and budget give the same scores. Return anything else, for
        the record or as labels, as `Scored`.
        """

    def votes(self, scores: Tensor, classes: int) -> Tensor:
        """How much each row is worth, from 0 to 1, comparable with other strategies' votes.

        By default its rank among the scores, since strategies' scales differ; rows of equal scores
        have equal ranks. A strategy whose scores have a natural scale may keep it.
        """
        return ranks(scores)

    def state_dict(self) -> dict[str, Any]:
        """State that must outlive a round; kept with the run, and restored when it goes on."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""


def as_scored(answer: Tensor | Scored) -> Scored:
    """The result of `score` as `Scored`, with the notes and labels it left out."""
    return answer if isinstance(answer, Scored) else Scored(answer)


def demand_served(strategy: QueryStrategy, facts: Facts) -> None:
    """Refuse an experiment that lacks what the strategy reads, or that the strategy refuses."""
    name, reads = type(strategy).__name__, strategy.reads or ()
    demand_readable(name, strategy.reads)
    strategy.check(facts)
    if "draws" in reads and not facts.draws:
        raise UserError(
            f"{name} reads draws of the model, and this model gives one prediction for a row; "
            "give a network with a linear head, or an ensemble such as "
            "sklearn.ensemble.BaggingClassifier or RandomForestClassifier"
        )
    if "head" in reads and not facts.headed:
        raise UserError(
            f"{name} asks the head of the model about other embeddings, and this model has none; "
            "give a network with a linear head"
        )
    if "texts" in reads and not facts.texts:
        raise UserError(
            f"{name} reads texts, and the rows of this pool are none: give data=text, or another "
            "strategy"
        )
    if "outcomes" in reads and not facts.revealed:
        raise UserError(f"{name} sees outcomes: it needs data of which all labels are known")


def demand_readable(owner: str, reads: Any) -> None:
    """Refuse names in `reads` that a view does not have."""
    several = isinstance(reads, tuple | list | set | frozenset)
    if reads is not None and not (several and all(name in READABLE for name in reads)):
        raise UserError(
            f"{owner}: `reads` must be None, or a tuple out of {', '.join(READABLE)}; got {reads!r}"
        )


def reads_untaught(reads: Reads) -> bool:
    """Whether a strategy reads only what is available before anything is labelled."""
    return reads is not None and set(reads) <= set(UNTAUGHT)


def demand_untaught(strategy: QueryStrategy, usable: Callable[[], list[str]]) -> None:
    """Refuse a strategy for the start that reads what only labels make available."""
    if reads_untaught(strategy.reads):
        return
    stated = strategy.reads or ("what it does not state",)
    needed = ", ".join(sorted(set(stated) - set(UNTAUGHT)))
    raise UserError(
        f"{type(strategy).__name__} cannot choose the start, before anything is labelled: it reads "
        f"{needed}\n  these can: {', '.join(usable())}"
    )


def ranks(scores: Tensor) -> Tensor:
    """The rank of each score among all, above 0 and below 1; equal ones share the middle."""
    _, place, counts = scores.unique(return_inverse=True, return_counts=True)
    middle = counts.cumsum(0) - counts / 2
    return (middle / max(1, len(scores)))[place]


def from_order(order: Sequence[int] | Tensor, rest: Tensor) -> Tensor:
    """The picks of a greedy strategy as scores, which put them first, in order.

    Args:
        order: places in the pool, best first.
        rest: the worth of every row of the pool after these picks, (n,); ranks the others.
    """
    low, high = rest.min(), rest.max()
    scores = (rest - low) / (high - low).clamp(min=torch.finfo(rest.dtype).tiny) / 2
    first = torch.as_tensor(order, dtype=torch.long, device=rest.device)
    scores[first] = torch.arange(len(order), 0, -1, dtype=rest.dtype, device=rest.device)
    return scores


def drawn(view: View, most: int, stream: torch.Generator) -> tuple[View, Tensor]:
    """The view with only this many rows drawn from a larger pool, and their places in it."""
    size = len(view.pool)
    if size <= most:
        return view, torch.arange(size)
    places = sample(size, most, stream).sort().values
    return view.among(places), places


def placed(picks: list[int], rest: Tensor, places: Tensor, size: int) -> Tensor:
    """The scores of a greedy strategy that saw only some places of a pool of this size.

    Args:
        picks: indices into `places`, best first.
        rest: remaining worth of each row seen, (places,), at least 0; the others get 0.
        places: of the rows seen.
        size: of the pool.
    """
    places = places.to(rest.device)
    worth = rest.new_zeros(size)
    worth[places] = rest
    return from_order(places[torch.tensor(picks, dtype=torch.long)], worth)
