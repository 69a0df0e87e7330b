"""A word of texts, as people are asked about it. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

FIRST = 2**48  # the least number of a word; those of rows are smaller
BYTES = 5  # of a digest, by which words have their numbers, so that a browser can still count

Evidence = Mapping[str, Sequence[float]]  # by word: how much it speaks for each class


class Word(NamedTuple):
    """A word, and texts that have it."""

    text: str
    examples: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """What stands for it where rows have numbers; the same in every pool."""
        return FIRST + int.from_bytes(sha256(self.text.encode()).digest()[:BYTES])


def is_word(number: int) -> bool:
    """Whether a number is that of a word, and of no row."""
    return number >= FIRST
