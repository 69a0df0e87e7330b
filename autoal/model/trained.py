"""A learner that is a task, trained by Lightning."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any
from weakref import ReferenceType, ref

import torch
from torch import Tensor

from autoal.building import build, demand_class
from autoal.data.room import demand_room
from autoal.data.rows import Rows
from autoal.model.features import Features
from autoal.model.fitstep import Watch
from autoal.model.glance import Glance, only_head
from autoal.model.learner import Learner
from autoal.model.networks import Ready
from autoal.model.predictions import Head
from autoal.model.task import Task
from autoal.model.training import Training
from autoal.settings import Settings


def learner_of(section: Settings, **facts: Any) -> Learner:
    """The learner that a section describes: itself, or a task, which becomes one.

    Args:
        section: `task` of the settings.
        facts: `shape` of a row, `classes`, their `class_names`, `preprocess`, `training`,
            `language`, a language model's client, and `words`, those for its prompts.
    """
    demand_class(section, "task", Task, Learner)
    built = build(section, "task", **facts)
    return Trained(built, facts["training"]) if isinstance(built, Task) else built


class Trained(Learner):
    """A task and the machine that trains it.

    Args:
        task: the network and its training.
        training: how the machine is used; by default whatever is available.
    """

    training: Training

    def __init__(self, task: Task, training: Training | None = None) -> None:
        self.task = task
        self.training = _suited(training or Training(), task)
        self._snapshot: ReferenceType[_Snapshot] | None = None

    @property
    def believes(self) -> bool:
        return self.task.believes

    @property
    def deep(self) -> bool:
        return any(weight.requires_grad for weight in self.task.network.trunk)

    @property
    def headed(self) -> bool:
        return True

    def meet(self, pool: Rows) -> None:
        self.task.meet(pool)

    def settled(self) -> dict[str, float]:
        return self.task.settled()

    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        self._part()
        self.task.renew(first=first)
        return self.training.fit(self.task, rows, watch)

    def test(self, rows: Rows) -> dict[str, float]:
        return self.training.test(self.task, rows)

    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        network = self.task.network
        # Float32, as the embeddings are.
        head = Head(deepcopy(network.head).float(), network.draw_rate, seed)
        if only_head(network) and not stages:
            glance = Glance(self.module(), rows, self.training.place)
            return Features(rows, numbers, lambda: glance.kept(numbers), head, glance=glance)
        snapshot, training, width = self._taken(), self.training, network.head.in_features

        def activations() -> Tensor:
            demand_room("embeddings", len(numbers), 2 * 4 * width)  # while batches are joined
            return training.embed(snapshot.task, rows, numbers, stages=stages)

        return Features(rows, numbers, activations, head, width=width if stages else None)

    def fresh(self, share: float = 1.0) -> Trained:
        task = self.task.shorter(share)
        task.renew(first=True)
        return Trained(task, self.training)

    def alike(self, share: float = 1.0) -> Trained:
        task = self.task.shorter(share)
        task.settle()
        task.renew(first=True)
        return Trained(task, self.training)

    def state_dict(self) -> dict[str, Any]:
        return self.task.network.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._part()
        self.task.network.load_state_dict(state)

    def module(self) -> Ready:
        return Ready(deepcopy(self.task.preprocess), deepcopy(self.task.network))

    def place(self, rows: Rows) -> Rows:
        return replace(rows, inputs=self.training.place(rows.inputs))

    def _taken(self) -> _Snapshot:
        """A snapshot of the network, the same one until the network changes."""
        snapshot = None if self._snapshot is None else self._snapshot()
        if snapshot is None:
            snapshot = _Snapshot(self.task)
            self._snapshot = ref(snapshot)
        return snapshot

    def _part(self) -> None:
        """Leave a copy to earlier looks that may still use the network's current state."""
        snapshot = None if self._snapshot is None else self._snapshot()
        if snapshot is not None:
            snapshot.task = deepcopy(self.task)
        self._snapshot = None


def _suited(training: Training, task: Task) -> Training:
    """The training settings for double precision, which Apple's GPUs lack."""
    precise = any(weight.dtype == torch.float64 for weight in task.parameters())
    if precise and training.device.type == "mps":
        return replace(training, accelerator="cpu")
    return training


class _Snapshot:
    """A network at one moment; copied only if it changes while somebody may still look."""

    def __init__(self, task: Task) -> None:
        self.task = task
