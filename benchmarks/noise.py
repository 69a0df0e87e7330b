"""Wrong labels: 30 % of them, replaced by any other class, or always by the next class.

Of two classes, by class only the first is ever mistaken.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from autoal.report.groups import Setting

WRONG = 0.3


def mistaken(labels: Tensor, classes: int, stream: torch.Generator, noise: str) -> Tensor:
    """The labels with some errors."""
    wrong = torch.rand(len(labels), generator=stream) < WRONG
    step = torch.randint(1, classes, (len(labels),), generator=stream)
    if noise == "by class":
        step = torch.ones_like(step)
        wrong &= (classes > 2) | (labels == 0)
    return torch.where(wrong, (labels + step) % classes, labels)


NOISES: Mapping[str, Callable[[Tensor, int, torch.Generator], Tensor]] = {
    "clean": lambda labels, classes, stream: labels,
    "symmetric": partial(mistaken, noise="symmetric"),
    "by class": partial(mistaken, noise="by class"),
}


def by_noise(settings: Sequence[Setting]) -> dict[str, list[Setting]]:
    """The settings by the noise of their answers, without noises that no setting has."""
    found: dict[str, list[Setting]] = {noise: [] for noise in NOISES}
    for setting in settings:
        found[setting.config.get("data.noise", "clean")].append(setting)
    return {noise: some for noise, some in found.items() if some}
