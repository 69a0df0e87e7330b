"""What the rows of a data set are called where a language model reads of them."""

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
        """With others in their place, where there are some."""
        return self._replace(**{name: word for name, word in others.items() if word is not None})


PLAIN = Words()  # where nobody knows better ones
