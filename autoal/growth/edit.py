"""Rows made without a model: real ones with words left out and moved."""

from __future__ import annotations

from typing import Any

import torch

from autoal.bounds import number as bounded
from autoal.growth.drafting import Drafting
from autoal.growth.ground import Texts
from autoal.query.view import View
from autoal.record.generated import Made
from autoal.seeding import generator


class Edit(Drafting):
    """Drops words from real rows, and swaps neighbouring words (Wei and Zou, 2019).

    Args:
        drop: the share of words to leave out.
        swap: the share of words to swap with the next one.
        near: the cosine to the most similar row must be below it; 1: only copies are too near.
        **options: those of every growth that makes drafts.
    """

    def __init__(
        self, drop: float = 0.1, swap: float = 0.1, near: float = 1.0, **options: Any
    ) -> None:
        super().__init__(near=near, **options)
        bounded("drop", drop, least=0, below=1)
        bounded("swap", swap, least=0, most=1)
        self.drop = drop
        self.swap = swap

    def drafts(self, view: View, number: int, size: int, seed: int) -> list[Made]:
        real, stream = self.real(view), generator(seed, "edit")
        drawn = real[torch.randint(len(real), (size,), generator=stream)]
        texts, names = self.texts_of(view, drawn), self.ground.names(drawn)
        return [
            Made(number, self._edited(each, stream), mode="edit", examples=(name,), seed=seed)
            for each, name in zip(texts, names, strict=True)
        ]

    def _edited(self, texts: Texts, stream: torch.Generator) -> Texts:
        return tuple(edited(each, self.drop, self.swap, stream) for each in texts)


def edited(text: str, drop: float, swap: float, stream: torch.Generator) -> str:
    """A text with some words dropped and some swapped; never empty."""
    words = text.split()
    chances = torch.rand(2, len(words), generator=stream)
    for place in (chances[0, :-1] < swap).nonzero().flatten().tolist():
        words[place : place + 2] = words[place + 1], words[place]
    left = [word for word, chance in zip(words, chances[1].tolist(), strict=True) if chance >= drop]
    return " ".join(left or words[:1])
