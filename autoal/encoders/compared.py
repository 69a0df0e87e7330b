"""Rows of several texts: each text by itself, then what they have in common."""

from collections.abc import Callable, Sequence
from itertools import combinations

import torch
from torch import Tensor

from autoal.data.rows import Rows
from autoal.data.texts import parts_of

PAIRS = ("compared", "joined")

Texts = tuple[str, ...]  # embedded together


def embedded(rows: Rows, pairs: str, embed: Callable[[Sequence[Texts]], Tensor]) -> Tensor:
    """Embed rows of texts.

    Args:
        rows: of one text each, or of several.
        pairs: compared: embed the texts of a row one by one, and multiply every two of them axis by
            axis, which shows what they share; joined: embed them together.
        embed: texts -> (n, width).
    """
    parts = parts_of(rows)
    if pairs == "joined":
        return embed(parts)
    alone = [embed([(text,) for text in column]) for column in zip(*parts, strict=True)]
    if len(alone) == 1:
        return alone[0]
    return torch.cat([first * second for first, second in combinations(alone, 2)], 1)
