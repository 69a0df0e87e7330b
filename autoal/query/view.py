"""Everything a strategy may know. The pool's labels are not in it, so they cannot leak."""

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

if TYPE_CHECKING:  # else importing a strategy would import Lightning, which takes seconds
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
        """Some of the rows, by ascending places."""
        return Known(self.features.take(places), self.labels[places])


@dataclass(frozen=True, eq=False)
class Bench:
    """Trials that a strategy may make; each is available only if its `reads` names it.

    `fitted`: from places of labelled rows to a learner of the task's kind, taught only those; every
    call returns a new one. `outcomes`: from rows of the pool, and other rows of it that judge if
    there are no validation rows, to the loss after the task's real training with the former's true
    labels. `training`: how and on which device the user wants things trained. `worth` is only for a
    growth: from rows that may join the pool to the strategy's scores. `left_out` is only for a
    stop, when the pool is a part of what may be queried: from rows to the features of those in the
    other part.
    """

    phase: Callable[[str], AbstractContextManager[None]]  # whose seconds the record then reports
    deep: bool = False  # the task trains more than a head on fixed features
    fitted: Callable[[Tensor], Learner] | None = None
    outcome: Callable[[Tensor, Tensor], float] | None = None
    training: Training | None = None
    worth: Callable[[Rows], Tensor] | None = None
    left_out: Callable[[Tensor], Features] | None = None


@dataclass(frozen=True, eq=False)
class View:
    """An experiment as a strategy sees it when it chooses rows."""

    pool: Features  # what may be queried
    labelled: Known
    classes: int
    seed: int
    validation: Known | None = None  # rows that are not trained on, if the user has any
    costs: Tensor | None = None  # (pool,) price of a label of each row; None: all cost the same
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
        """Make a view from arrays, without a data set, a model or a loop.

        Every array has a line for every row, labelled or not. A strategy cannot read an array that
        is not given.

        Args:
            embeddings: (n, width).
            logits: the model's, (n, classes); or give one of the next two.
            probs: class probabilities, (n, classes).
            head: a layer from embeddings to logits, which also makes draws.
            draws: class probabilities by several draws of the model, (draws, n, classes).
            labels: (n,) whole numbers; -1 or NaN means unknown, and puts a row into the pool.
            inputs: the model's inputs, (n, ...).
            texts: what is written in the rows, or several texts of each.
            stages: the network's, below the embeddings, (n, sum of their widths).
            held_out: numbers, or a mask, of labelled rows that are for validation.
            costs: price of each row's label, (n,).
            classes: how many there are, if neither predictions nor labels tell.
            dropout: the rate with which the head was trained.
            seed: for everything that strategies draw.
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
        """The result of `make`, computed once for each key and kept as long as the view.

        Args:
            key: usually (self, "what it is").
            make: called the first time a key is asked for.
        """
        if key not in self._memory:
            self._memory[key] = make()
        return self._memory[key]

    def changed(self) -> list[str]:
        """Tensors that were handed out and then written to, such as `pool.embeddings`."""
        parts = {"pool": self.pool, "labelled": self.labelled.features}
        if self.validation is not None:
            parts["validation"] = self.validation.features
        found = [f"{part}.{name}" for part, rows in parts.items() for name in rows.changed()]
        kept = [view.changed() for view in self._memory.values() if isinstance(view, View)]
        return [*self._lent.changed(), *found, *chain.from_iterable(kept)]

    def among(self, places: Tensor, seed: int | None = None) -> View:
        """The same view with only these places of the pool, ascending, without another look.

        Args:
            places: of the pool.
            seed: for draws in it; None: this view's own.
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
