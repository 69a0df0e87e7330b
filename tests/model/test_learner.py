from typing import Any

import torch
from torch import Tensor

from autoal import Data, Experiment, Features, Learner, Plan, Rows, TrueLabels, rounds
from autoal.model.features import Given
from autoal.model.learner import Watch
from autoal.seeding import generator
from autoal.testing import check_learner


class NearestMean(Learner):
    """The class whose mean is nearest: all that a learner must have, and no more."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.means = torch.zeros(classes, 64)

    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        flat = rows.inputs.flatten(1).float()
        self.means = self.means.clone()
        for label in range(self.classes):
            own = flat[rows.labels == label]
            self.means[label] = own.mean(0) if len(own) else flat.mean(0)
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
            return torch.stack([self._logits(inputs, means + each) for each in noise])

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


def taught(data: Data) -> NearestMean:
    learner = NearestMean(3)
    learner.fit(data.train, first=True, watch=lambda step: None)
    return learner


def test_the_methods_that_must_be_written_will_do(data: Data) -> None:
    check_learner(lambda: NearestMean(3), data)


def test_a_learner_is_not_deep_can_be_drawn_from_and_has_no_module_unless_it_says_so(
    data: Data,
) -> None:
    learner = taught(data)
    assert (learner.deep, learner.draws, learner.module(), learner.training) == (
        False,
        True,
        None,
        None,
    )
    assert learner.place(data.train) is data.train


def test_new_rows_are_predicted_by_what_a_look_at_them_says(data: Data) -> None:
    learner = taught(data)
    numbers = torch.tensor([2, 9, 31])
    probs = learner.predict(data.train.inputs[numbers])
    assert torch.equal(probs, learner.look(data.train, numbers, 0).probs)
    torch.testing.assert_close(probs.sum(1), torch.ones(3))


def test_an_experiment_needs_no_network(data: Data) -> None:
    def history(strategy: str) -> list[tuple[list[int], float]]:
        plan = Plan(start=6, budget=5, rounds=3)
        experiment = Experiment(data, NearestMean(3), strategy, plan)
        done = rounds(experiment, TrueLabels(data.train.labels))
        return [(each.queried, each.metrics["accuracy"]) for each in done]

    for name in ("margin", "bald", "coreset"):
        first = history(name)
        assert len({row for rows, _ in first for row in rows}) == 21
        assert first == history(name)
    assert history("margin")[-1][1] > 0.5
