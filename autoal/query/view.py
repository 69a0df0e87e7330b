"""All that a strategy may know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from autoal.model.features import Features
from autoal.seeding import generator

if TYPE_CHECKING:
    from autoal.model.training import Training

# From places of labelled rows to a network of the task's kind that was trained on those alone: how
# it sees any rows, and the network itself, which reads images.
Fitted = Callable[[Tensor], "tuple[Callable[[Features], Features], nn.Module]"]


@dataclass(frozen=True, eq=False)
class View:
    """All that a strategy may know: the pool's labels are not in it, so they cannot leak."""

    pool: Features  # what may be queried
    labelled: Features
    labels: Tensor  # (labelled,) long, the classes of `labelled`
    classes: int
    seed: int
    validation: Features | None = None  # labelled rows that are not trained on, if the user has any
    validation_labels: Tensor | None = None  # (validation,) long
    fitted: Fitted | None = None  # None: there is nothing to train below the head
    training: Training | None = None  # on which machine and how, for a strategy that trains

    def generator(self) -> torch.Generator:
        """A fresh stream: the same numbers at every call, whoever drew before."""
        return generator(self.seed, "view")
