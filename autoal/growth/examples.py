"""The real rows to show a language model, and the class to ask for."""

from __future__ import annotations

import torch
from torch import Tensor

from autoal.growth.ground import Ground
from autoal.growth.prompts import STYLES, Ask
from autoal.query.view import View


def at_random(rows: Tensor, mode: str, most: int, size: int, stream: torch.Generator) -> list[Ask]:
    """Prompts with some of these rows, drawn regardless of class.

    Args:
        rows: of the data.
        mode: the purpose of the prompts.
        most: most rows of a prompt.
        size: how many prompts.
        stream: for the draws.
    """
    styles = STYLES if mode == "style" else ("",)
    return [
        Ask(_drawn(rows, most, stream), style=styles[place % len(styles)]) for place in range(size)
    ]


def by_class(
    view: View, mode: str, ground: Ground, most: int, size: int, stream: torch.Generator
) -> list[Ask]:
    """Prompts with labelled real rows of one class, to get more of that class.

    The classes take turns or, for `minority`, it is the one with the fewest labels.
    """
    rows, labels = view.labelled.features.rows, view.labelled.labels
    real = rows < len(ground)
    there = labels[real].unique().tolist()
    if mode == "minority":
        there = [min(there, key=lambda each: int((labels == each).sum()))]
    asked = [there[place % len(there)] for place in range(size)]
    return [
        Ask(_drawn(rows[real & (labels == each)], most, stream), wanted=ground.classes[each])
        for each in asked
    ]


def _drawn(rows: Tensor, most: int, stream: torch.Generator) -> tuple[int, ...]:
    order = torch.randperm(len(rows), generator=stream)
    return tuple(rows[order[:most]].tolist())
