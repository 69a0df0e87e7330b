"""A network that was taught, and views on whose bench it lies."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from autoal import Bench, Features, Learner, Rows, View
from autoal.model.fitstep import Watch
from autoal.model.predictions import Head

Phase = Callable[[str], AbstractContextManager[None]]


class Taught(Learner):
    """The same small network, whatever it is taught; says which places it was asked for.

    Args:
        classes: how many there are.
        sure: factor on the head that the looks go through, which makes it surer than it should be.
    """

    def __init__(self, classes: int, sure: float = 1.0) -> None:
        self.calls: list[Tensor] = []
        self.sure = sure
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.network = nn.Sequential(
                _Centred(), nn.Flatten(), nn.Linear(192, 5), nn.Linear(5, classes)
            )

    @property
    def deep(self) -> bool:
        return True

    def fitted(self, places: Tensor) -> Learner:
        self.calls.append(places)
        return self

    def embed(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            return self.network[:3](images)

    @property
    def head(self) -> nn.Module:
        head = deepcopy(self.network[3])
        with torch.no_grad():
            for parameter in head.parameters():
                parameter.mul_(self.sure)
        return head

    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        return Features(
            rows, numbers, lambda: self.embed(rows.inputs[numbers]), Head(self.head, seed=seed)
        )

    def module(self) -> nn.Module | None:
        return deepcopy(self.network)

    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        raise NotImplementedError

    def test(self, rows: Rows) -> dict[str, float]:
        raise NotImplementedError

    def fresh(self, share: float = 1.0) -> Learner:
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        raise NotImplementedError

    def load_state_dict(self, state: dict[str, Any]) -> None:
        raise NotImplementedError


class _Centred(nn.Module):
    def forward(self, images: Tensor) -> Tensor:  # of bytes
        return images.float() / 255 - 0.5


def untimed(name: str) -> AbstractContextManager[None]:
    """Seconds of a phase that nobody counts."""
    return nullcontext()


def with_network(
    view: View, taught: Taught | None = None, phase: Phase = untimed, **bench: Any
) -> View:
    """The view of a task whose network is trained: FitNet reads images."""
    fitted = (taught or Taught(view.classes)).fitted
    return replace(view, bench=Bench(phase, deep=True, fitted=fitted, **bench))


def with_labels(view: View, change: Callable[[Tensor], Tensor]) -> View:
    """The view with other labels of its labelled rows."""
    known = view.labelled
    return replace(view, labelled=replace(known, labels=change(known.labels)))
