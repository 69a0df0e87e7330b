"""Rows of several texts: each text by itself, and then what they have in common."""

from collections.abc import Callable, Sequence
from itertools import combinations

import torch
from torch import Tensor

from autoal.data.rows import Rows
from autoal.data.texts import parts_of

PAIRS = ("compared", "joined")

Texts = tuple[str, ...]  # that an embedding is made of together


def embedded(rows: Rows, pairs: str, embed: Callable[[Sequence[Texts]], Tensor]) -> Tensor:
    """What an embedding makes of rows of texts.

    Args:
        rows: of one text each, or of several.
        pairs: compared: the texts of a row are embedded one by one, and every two of them
            multiplied axis by axis, which says what they share; joined: they are embedded together.
        embed: texts -> (n, width).
    """
    parts = parts_of(rows)
    if pairs == "joined":
        return embed(parts)
    alone = [embed([(text,) for text in column]) for column in zip(*parts, strict=True)]
    if len(alone) == 1:
        return alone[0]
    return torch.cat([first * second for first, second in combinations(alone, 2)], 1)
