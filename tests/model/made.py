"""A learner that is no network, and whose training takes no time."""

from typing import Any

import torch
from torch import Tensor

from autoal import Features, Learner, Rows
from autoal.model.fitstep import FitStep, Watch
from autoal.model.predictions import Given
from autoal.seeding import generator


class NearestMean(Learner):
    """The class whose mean is nearest, nearly: all that a learner must have, and no more."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.means = torch.zeros(classes, 64)

    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        flat = rows.inputs.flatten(1).float()
        self.means = self.means.clone()
        for label in range(self.classes):
            own = flat[rows.labels == label]
            self.means[label] = own.mean(0) if len(own) else flat.mean(0)
        self.means += torch.randn(self.means.shape)  # as trainings differ
        watch(FitStep(step=1, steps=1, epoch=1, loss=0.0, learning_rate=0.0))
        return 1

    def test(self, rows: Rows) -> dict[str, float]:
        logits = self._logits(rows.inputs, self.means)
        right = logits.argmax(1) == rows.labels
        loss = torch.nn.functional.cross_entropy(logits, rows.labels)
        return {"accuracy": float(right.float().mean()), "nll": float(loss)}

    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        inputs, means = rows.inputs[numbers], self.means

        def drawn() -> Tensor:
            noise = torch.randn(5, *means.shape, generator=generator(seed))
            return torch.stack([self._logits(inputs, means + step) for step in noise])

        predictions = Given(lambda: self._logits(inputs, means), drawn)
        return Features(rows, numbers, lambda: inputs.flatten(1).float(), predictions)

    def fresh(self, share: float = 1.0) -> Learner:
        return NearestMean(self.classes)

    def state_dict(self) -> dict[str, Any]:
        return {"means": self.means}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.means = state["means"]

    def _logits(self, inputs: Tensor, means: Tensor) -> Tensor:
        return -torch.cdist(inputs.flatten(1).float(), means) / 10
