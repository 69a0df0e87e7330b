"""All that the cycle may know of a model."""

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


class Learner(ABC):
    """Learns from labelled rows, and says what it makes of others.

    A plugin is a subclass, entered under the entry-point group `autoal.tasks`; the parameters of
    its `__init__` become options of the command line, but for those that are filled in: `shape` of
    a row, `classes`, `preprocess` and `training`.
    """

    training: Training | None = None  # how and on which machine, for a strategy that trains

    @property
    def believes(self) -> bool:
        """Whether it learns from beliefs, too, which some rows may have in place of labels."""
        return False

    @property
    def deep(self) -> bool:
        """Whether more is trained than a head on features that stay as they are."""
        return False

    @property
    def draws(self) -> bool:
        """Whether it can say what each of several models that could be right predicts."""
        return True

    @property
    def headed(self) -> bool:
        """Whether its looks have `logits_at`, as those of a network with a linear head do."""
        return False

    @abstractmethod
    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        """Learn from these rows; returns the optimiser's steps.

        All randomness comes from torch's global stream, which the cycle seeds.

        Args:
            rows: labelled all of them, but where it believes, and they have beliefs.
            first: nothing that was learnt before counts; else the learner may go on from it.
            watch: is told some of the steps.
        """

    @abstractmethod
    def test(self, rows: Rows) -> dict[str, float]:
        """Metrics on labelled rows, `accuracy` and `nll` (the mean log loss) among them."""

    @abstractmethod
    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        """What the model, as it is now, makes of the rows of these ascending numbers.

        Later training changes nothing of it, whenever it is read.

        Args:
            rows: of a data set; their labels take no part.
            numbers: of the rows that are looked at.
            seed: of the draws.
            stages: give the network's stages too, where it has any.
        """

    @abstractmethod
    def fresh(self, share: float = 1.0) -> Learner:
        """Another learner of the kind, untaught and independent of this one.

        Args:
            share: of the rows that it will learn from; its training is as much shorter.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """All that was learnt, as tensors and plain values."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""

    def meet(self, pool: Rows) -> None:
        """See the pool's rows, none of them labelled, before the first fit; `fresh` ones know them.

        An experiment calls it once. Most learners make nothing of rows without labels.
        """

    def settled(self) -> dict[str, float]:
        """What the last fit chose by itself, such as a penalty; the record tells it."""
        return {}

    def alike(self, share: float = 1.0) -> Learner:
        """A fresh learner that takes for granted what this one chose by itself."""
        return self.fresh(share)

    def module(self) -> nn.Module | None:
        """A copy of the network that reads rows as they are stored; None if there is none."""
        return None

    def place(self, rows: Rows) -> Rows:
        """The rows where they are read fastest."""
        return rows


def demand_believing(learner: Learner, what: str) -> None:
    """Refuse a learner that learns from labels alone where there is more than labels."""
    if not learner.believes:
        raise UserError(
            f"{what} what classes rows may be, and this task learns from labels alone: give "
            "another one, such as task=logistic or mlp"
        )


def taught(learner: Learner, rows: Rows, *, first: bool, watch: Watch) -> int:
    """Let a learner fit; returns the steps, which must be a number of them."""
    steps = learner.fit(rows, first=first, watch=watch)
    if not isinstance(steps, Integral) or steps < 0:
        raise UserError(f"{_name(learner)}.fit must return the steps it took, got {steps!r}")
    return int(steps)


def tested(learner: Learner, rows: Rows) -> dict[str, float]:
    """A learner's metrics, which must be finite numbers, the usual ones among them."""
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
    """A learner's look, which must be at these very rows."""
    features = learner.look(rows, numbers, seed, stages=stages)
    if not isinstance(features, Features):
        raise UserError(f"{_name(learner)}.look must give Features, got {type(features).__name__}")
    if not torch.equal(features.rows, numbers):
        raise UserError(f"{_name(learner)}.look gave features of other rows than it was asked for")
    return features


def _name(learner: Learner) -> str:
    return type(learner).__name__
