"""Questions that were put by nobody."""

from typing import Any

import torch
from torch import Tensor

from autoal import Answers, Question

CLASSES = ("red", "green", "blue")


def question_of(rows: list[int], **parts: Any) -> Question:
    """A question about these rows, of which class each is."""
    return Question(parts.pop("number", 1), torch.tensor(rows), CLASSES, **parts)


def pairs(answers: Answers) -> dict[int, int]:
    """The class of each row that was answered."""
    return dict(zip(answers.rows.tolist(), answers.labels.tolist(), strict=True))


def whole(values: list[int]) -> Tensor:
    """Whole numbers, also where there are none."""
    return torch.tensor(values, dtype=torch.long)
