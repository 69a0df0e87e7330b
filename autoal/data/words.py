"""The words by which prompts speak of a data set and its rows."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """The words of prompts.

    Args:
        noun: for a row.
        question: for its class.
        title: over a list of rows.
    """

    noun: str = "Text"
    question: str = "Label"
    title: str = "Texts"

    def but(self, **others: str | None) -> Words:
        """The words with some replaced."""
        return self._replace(**{name: word for name, word in others.items() if word is not None})


PLAIN = Words()  # the default
