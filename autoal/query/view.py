"""All that a strategy may know: the pool's labels are not in it, so they cannot leak."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from autoal.data.inputs import tensor_of
from autoal.data.rows import UNKNOWN, Rows
from autoal.errors import UserError
from autoal.model.features import Features
from autoal.model.lent import Lent
from autoal.query.lines import Lines, labels_of, rows_of
from autoal.seeding import derive, generator

if TYPE_CHECKING:  # or a strategy could not be imported without Lightning, which takes seconds
    from autoal.model.learner import Learner
    from autoal.model.training import Training

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class Known:
    """Rows whose classes are known."""

    features: Features
    labels: Tensor  # (n,) long

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, places: Tensor) -> Known:
        """Some of them, by ascending places."""
        return Known(self.features.take(places), self.labels[places])


@dataclass(frozen=True, eq=False)
class Bench:
    """What a strategy may try out; each is there only for one whose `reads` names it.

    `fitted`: from places of the labelled rows to a learner of the task's kind that was taught those
    alone; every call gives another one. `outcomes`: from rows of the pool, and rows of it that
    judge where there are no validation rows, to the loss after the task's real training with the
    true labels of the former. `training`: how and on which machine the user wants things trained.
    `worth` is for a growth alone: from rows that may join the pool to the strategy's scores.
    `left_out` is for a stop alone, where the pool is only a part of what may be queried: from rows
    to features of those of them that are in the other part.
    """

    phase: Callable[[str], AbstractContextManager[None]]  # whose seconds the record then tells
    deep: bool = False  # the task trains more than a head on features that stay as they are
    fitted: Callable[[Tensor], Learner] | None = None
    outcome: Callable[[Tensor, Tensor], float] | None = None
    training: Training | None = None
    worth: Callable[[Rows], Tensor] | None = None
    left_out: Callable[[Tensor], Features] | None = None


@dataclass(frozen=True, eq=False)
class View:
    """What is known when a query is made."""

    pool: Features  # what may be queried
    labelled: Known
    classes: int
    seed: int
    validation: Known | None = None  # rows that are not trained on, if the user has any
    costs: Tensor | None = None  # (pool,) of a label of each row; None: all cost the same
    bench: Bench | None = None  # None where nothing can be tried out
    _memory: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)
    _lent: Lent = field(default_factory=Lent, init=False, repr=False)

    def __post_init__(self) -> None:
        numbers = {"labelled.labels": self.labelled.labels, "costs": self.costs}
        if self.validation is not None:
            numbers["validation.labels"] = self.validation.labels
        for name, tensor in numbers.items():
            if tensor is not None:
                self._lent.give(name, tensor)

    @classmethod
    def of(
        cls,
        embeddings: Any = None,
        *,
        logits: Any = None,
        probs: Any = None,
        head: nn.Module | None = None,
        draws: Any = None,
        labels: Any = None,
        inputs: Any = None,
        texts: Any = None,
        stages: Any = None,
        held_out: Any = None,
        costs: Any = None,
        classes: int | None = None,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> View:
        """A view of arrays at hand, without a data set, a model or a loop.

        Every array has a line for every row, labelled or not. What is not given, no strategy can
        read.

        Args:
            embeddings: (n, width).
            logits: of the model, (n, classes); or give one of the next two.
            probs: class probabilities, (n, classes).
            head: a layer from embeddings to logits, by which draws are made too.
            draws: class probabilities by several draws of the model, (draws, n, classes).
            labels: (n,) whole numbers; -1 or NaN is unknown, which makes a row one of the pool.
            inputs: what the model reads of the rows, (n, ...).
            texts: what is written in the rows, or several texts of each.
            stages: of the network, below the embeddings, (n, sum of their widths).
            held_out: numbers, or a mask, of labelled rows that are for validation.
            costs: of a label, (n,).
            classes: how many there are; where neither predictions nor labels tell.
            dropout: the rate that the head was trained with.
            seed: of all that strategies draw.
        """
        lines = Lines.of(
            embeddings=embeddings,
            stages=stages,
            logits=logits,
            probs=probs,
            draws=draws,
            inputs=inputs,
            texts=texts,
            head=head,
            dropout=dropout,
            seed=seed,
        )
        prices = None if costs is None else tensor_of(costs, "costs")
        given = None if labels is None else labels_of(labels)
        size = lines.size(labels=given, costs=prices)
        known = torch.full((size,), UNKNOWN) if given is None else given
        aside = rows_of(held_out, known)

        def of(mask: Tensor) -> Known:
            rows = mask.nonzero().flatten()
            return Known(lines.features(rows), known[rows])

        pool = (known == UNKNOWN).nonzero().flatten()
        return cls(
            pool=lines.features(pool),
            labelled=of((known != UNKNOWN) & ~aside),
            classes=lines.classes(known, classes),
            seed=seed,
            validation=of(aside) if aside.any() else None,
            costs=None if prices is None else prices[pool],
        )

    def generator(self) -> torch.Generator:
        """A fresh stream: the same numbers at every call, whoever drew before."""
        return generator(self.seed, "view")

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` returns, made once for each key and kept as long as the view.

        Args:
            key: mostly (self, "what it is").
            make: called if this key was not asked for yet.
        """
        if key not in self._memory:
            self._memory[key] = make()
        return self._memory[key]

    def changed(self) -> list[str]:
        """What was given out and then written to, such as `pool.embeddings`."""
        parts = {"pool": self.pool, "labelled": self.labelled.features}
        if self.validation is not None:
            parts["validation"] = self.validation.features
        found = [f"{part}.{name}" for part, rows in parts.items() for name in rows.changed()]
        kept = [view.changed() for view in self._memory.values() if isinstance(view, View)]
        return [*self._lent.changed(), *found, *chain.from_iterable(kept)]

    def among(self, places: Tensor, seed: int | None = None) -> View:
        """The same view with these places of the pool alone, ascending, without another look.

        Args:
            places: of the pool.
            seed: of what is drawn there; None: this view's own.
        """
        return replace(
            self,
            pool=self.pool.take(places),
            costs=None if self.costs is None else self.costs[places],
            seed=self.seed if seed is None else seed,
        )

    def seen_by(self, learner: Learner) -> View:
        """The same rows as another learner sees them."""
        seed = derive(self.seed, "seen by another")

        def look(features: Features) -> Features:
            if features.source is None:
                raise UserError("this view was made without `inputs`, which a learner would read")
            looked = learner.look(features.source, features.rows, seed, stages=features.has_stages)
            looked.clock = features.clock
            return looked

        return self.through(look)

    def through(self, change: Callable[[Features], Features]) -> View:
        """The same view with other features of its rows."""

        def changed(known: Known) -> Known:
            return Known(change(known.features), known.labels)

        return replace(
            self,
            pool=change(self.pool),
            labelled=changed(self.labelled),
            validation=self.validation and changed(self.validation),
        )
