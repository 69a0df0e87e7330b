"""A learner that is fitted in an instant, for strategies that fit learners."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from autoal.data.rows import Rows
from autoal.model.features import Features
from autoal.model.fitstep import Watch
from autoal.model.learner import Learner
from autoal.model.metrics import evaluation_metrics
from autoal.model.predictions import Head


class ClassMeans(Learner):
    """Predicts the class whose labelled rows have the nearest mean.

    Args:
        classes: how many there are.
        width: how many numbers a row has.
    """

    def __init__(self, classes: int, width: int) -> None:
        self.centres = torch.zeros(classes, width)

    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        read, counts = _read(rows.inputs), rows.labels.bincount(minlength=len(self.centres))
        sums = torch.zeros_like(self.centres).index_add_(0, rows.labels, read)
        self.centres = sums / counts.clamp(min=1)[:, None]
        return 0

    def test(self, rows: Rows) -> dict[str, float]:
        metrics = evaluation_metrics(len(self.centres))
        metrics.update(head_of(self.centres)(_read(rows.inputs)), rows.labels)
        return {name: float(value) for name, value in metrics.compute().items()}

    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        return Features(
            rows,
            numbers,
            lambda: _read(rows.inputs[numbers]),
            Head(head_of(self.centres), seed=seed),
            width=self.centres.shape[1] if stages else None,
        )

    def fresh(self, share: float = 1.0) -> ClassMeans:
        return ClassMeans(*self.centres.shape)

    def state_dict(self) -> dict[str, Any]:
        return {"centres": self.centres}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.centres = state["centres"]


def head_of(centres: Tensor) -> nn.Linear:
    """The linear layer that is optimal for normal clusters around these centres."""
    classes, width = centres.shape
    head: nn.Linear = nn.utils.skip_init(nn.Linear, width, classes)  # no draw for its weights
    head.load_state_dict({"weight": centres, "bias": -centres.square().sum(1) / 2})
    return head


def _read(inputs: Tensor) -> Tensor:
    """Bytes of images as numbers around 0, (n, numbers of a row)."""
    return inputs.flatten(1).float() / 255 - 0.5
