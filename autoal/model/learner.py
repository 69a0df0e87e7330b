"""All that the cycle may know about a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import isfinite
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from autoal.data.rows import Rows
from autoal.errors import UserError
from autoal.model.features import Features
from autoal.model.fitstep import Watch

if TYPE_CHECKING:
    from autoal.model.training import Training


ASKED = "asked"  # the metric that counts the rows behind the others, if not all


class Learner(ABC):
    """Learns from labelled rows and predicts others.

    A plugin is a subclass, registered under the entry-point group `autoal.tasks`; the parameters of
    its `__init__` become options of the command line, except those that AutoAL fills in: `shape` of
    a row, `classes`, `preprocess` and `training`.
    """

    training: Training | None = None  # how and on which device, for a strategy that trains

    @property
    def believes(self) -> bool:
        """Whether it also learns from beliefs, which some rows may have instead of labels."""
        return False

    @property
    def deep(self) -> bool:
        """Whether it trains more than a head on fixed features."""
        return False

    @property
    def draws(self) -> bool:
        """Whether it can predict with each of several plausible models."""
        return True

    @property
    def headed(self) -> bool:
        """Whether its looks have `logits_at`, as with a linear head."""
        return False

    @abstractmethod
    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        """Learn from these rows; return the optimiser's steps.

        All randomness comes from torch's global stream, which the cycle seeds.

        Args:
            rows: all labelled, unless the learner uses beliefs and the rows have some.
            first: forget what was learnt before; otherwise the learner may build on it.
            watch: receives some of the steps.
        """

    @abstractmethod
    def test(self, rows: Rows) -> dict[str, float]:
        """Metrics on labelled rows, `accuracy` and `nll` (the mean log loss) among them.

        A learner that tests only some of them says how many, as `asked`.
        """

    @abstractmethod
    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        """Look at the rows of these ascending numbers with the current model.

        Later training does not change the result, whenever it is read.

        Args:
            rows: of a data set; their labels play no part.
            numbers: of the rows to look at.
            seed: of the draws.
            stages: include the network's stages, if it has any.
        """

    @abstractmethod
    def fresh(self, share: float = 1.0) -> Learner:
        """Another learner of the same kind, untaught and independent of this one.

        Args:
            share: of the rows that it will learn from; its training is shorter in proportion.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Everything learnt, as tensors and plain values."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""

    def meet(self, pool: Rows) -> None:
        """See the pool's rows, none of them labelled, before the first fit; `fresh` ones know them.

        An experiment calls it once. Most learners make no use of rows without labels.
        """

    def settled(self) -> dict[str, float]:
        """The numbers that the last fit chose by itself, such as a penalty, for the record."""
        return {}

    def alike(self, share: float = 1.0) -> Learner:
        """A fresh learner that keeps what this one chose by itself."""
        return self.fresh(share)

    def module(self) -> nn.Module | None:
        """A copy of the network that reads rows as they are stored; None if there is none."""
        return None

    def place(self, rows: Rows) -> Rows:
        """The rows, moved to where they are read fastest."""
        return rows


def demand_believing(learner: Learner, what: str) -> None:
    """Refuse a learner that uses only labels if rows have more than labels."""
    if not learner.believes:
        raise UserError(
            f"{what} what classes rows may be, and this task learns from labels alone: give "
            "another one, such as task=logistic or mlp"
        )


def taught(learner: Learner, rows: Rows, *, first: bool, watch: Watch) -> int:
    """Let a learner fit; return its steps, which must be a whole number."""
    steps = learner.fit(rows, first=first, watch=watch)
    if not isinstance(steps, Integral) or steps < 0:
        raise UserError(f"{_name(learner)}.fit must return the steps it took, got {steps!r}")
    return int(steps)


def tested(learner: Learner, rows: Rows) -> dict[str, float]:
    """A learner's metrics: finite numbers, including the required ones."""
    metrics = learner.test(rows)
    if not isinstance(metrics, Mapping) or not {"accuracy", "nll"} <= metrics.keys():
        found = list(metrics) if isinstance(metrics, Mapping) else type(metrics).__name__
        raise UserError(f"{_name(learner)}.test must give `accuracy` and `nll`, got {found}")
    for name, value in metrics.items():
        if not isinstance(value, Real) or not isfinite(value):
            raise UserError(f"{_name(learner)}.test must give finite numbers, got {name}={value!r}")
    return {str(name): float(value) for name, value in metrics.items()}


def looked(
    learner: Learner, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False
) -> Features:
    """A learner's look, which must be at exactly these rows."""
    features = learner.look(rows, numbers, seed, stages=stages)
    if not isinstance(features, Features):
        raise UserError(f"{_name(learner)}.look must give Features, got {type(features).__name__}")
    if not torch.equal(features.rows, numbers):
        raise UserError(f"{_name(learner)}.look gave features of other rows than it was asked for")
    return features


def _name(learner: Learner) -> str:
    return type(learner).__name__
