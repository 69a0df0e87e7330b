"""One plugin of every other kind: a data set, an encoder, a task, an oracle, a growth and costs."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from autoal import (
    Answers,
    Costs,
    Encoder,
    Features,
    GrowthRule,
    Head,
    ImageData,
    Learner,
    Loaded,
    Oracle,
    Question,
    Round,
    Rows,
    View,
    Watch,
)
from autoal.costs.contract import Timed


class Stripes(ImageData):
    """Pictures with a bright column, left or right."""

    classes = ("left", "right")

    def __init__(self, count: int = 60, **options: Any) -> None:
        super().__init__(**options)
        self.count = count

    def load(self) -> Loaded:
        return Loaded(self._made(self.count, "train"), self._made(20, "test"))

    def _made(self, count: int, part: str) -> Rows:
        stream = torch.Generator().manual_seed(len(part))
        labels = torch.arange(count) % 2
        images = torch.randint(150, (count, 1, 8, 8), generator=stream).to(torch.uint8)
        for image, label in zip(images, labels.tolist(), strict=True):
            image[:, :, 2 + 4 * label] += 100
        return Rows(images, labels, shown=images, part=part)


class Columns(Encoder):
    """The mean of each column, this many times as bright."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def key(self) -> str:
        return str(self.factor)

    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        return self.factor * rows.inputs.float().mean((1, 2)) / 255


class Centroids(Learner):
    """The class whose mean is nearest."""

    def __init__(self, shape: tuple[int, ...], classes: int, sharpness: float = 1.0) -> None:
        self.facts = shape, classes, sharpness
        self.means = torch.zeros(classes, *shape).flatten(1)

    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        inputs = rows.inputs.float().flatten(1)
        self.means = torch.stack(
            [
                inputs[rows.labels == label].mean(0)
                if bool((rows.labels == label).any())
                else inputs.mean(0)
                for label in range(self.facts[1])
            ]
        )
        return 1

    def test(self, rows: Rows) -> dict[str, float]:
        probs = self.look(rows, torch.arange(len(rows)), 0).probs
        right = probs.argmax(1) == rows.labels
        nll = -probs.gather(1, rows.labels[:, None]).clamp(min=1e-7).log().mean()
        return {"accuracy": float(right.float().mean()), "nll": float(nll)}

    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        _, classes, sharpness = self.facts
        head = nn.utils.skip_init(nn.Linear, self.means.shape[1], classes)  # no draw
        state = {"weight": self.means, "bias": -self.means.square().sum(1) / 2}
        head.load_state_dict({name: sharpness * value for name, value in state.items()})
        return Features(
            rows,
            numbers,
            lambda: rows.inputs[numbers].float().flatten(1),
            Head(head, seed=seed),
            width=self.means.shape[1] if stages else None,
        )

    def fresh(self, share: float = 1.0) -> "Centroids":
        return Centroids(*self.facts)

    def state_dict(self) -> dict[str, Any]:
        return {"means": self.means}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.means = state["means"]


class Shy:
    """Declines every so manyth row of the data set."""

    def __init__(self, oracle: Oracle, every: int = 5) -> None:
        self.oracle = oracle
        self.every = every

    def __call__(self, question: Question) -> Answers:
        answers = self.oracle(question)
        return answers.take(answers.rows % self.every != 0)


class Mirrored(GrowthRule):
    """The rows of which the model is least sure, turned round."""

    def __init__(self, count: int = 2) -> None:
        self.count = count

    def most(self, number: int) -> int:
        return self.count

    def __call__(self, view: View, history: Sequence[Round]) -> Rows:
        least = view.pool.probs.amax(1).argsort(stable=True)[: self.count]
        inputs = view.pool.inputs[least].flip(-1)
        return Rows(inputs, torch.full((len(inputs),), -1), shown=inputs)


class Light(Costs):
    """Money for how bright a row is, which is known before anybody answers."""

    def __init__(self, each: float = 0.01) -> None:
        super().__init__()
        self.each = each

    def expected(self, view: View, timed: Timed) -> Tensor:
        return self._of(view.pool.inputs)

    def prices(self, question: Question, answers: Answers, rows: Tensor) -> Tensor:
        assert question.pool is not None
        return self._of(question.pool.inputs[rows])

    def _of(self, inputs: Tensor) -> Tensor:
        return self.each * inputs.flatten(1).double().abs().mean(1)
