"""A word of the texts, for questions to people. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

FIRST = 2**48  # smallest number of a word; row numbers are smaller
BYTES = 5  # of a digest that numbers words, small enough for a browser's integers

Evidence = Mapping[str, Sequence[float]]  # by word: how much it speaks for each class


class Word(NamedTuple):
    """A word, and texts that contain it."""

    text: str
    examples: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """Its number among row numbers; the same in every pool."""
        return FIRST + int.from_bytes(sha256(self.text.encode()).digest()[:BYTES])


def is_word(number: int) -> bool:
    """Whether a number belongs to a word rather than a row."""
    return number >= FIRST
