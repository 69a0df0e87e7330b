"""Prompts from which a language model makes rows: lists of real ones to continue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autoal.growth.ground import Texts
from autoal.language.quoting import plain

MODES = ("similar", "conditional", "paraphrase", "style", "minority")
BY_CLASS = ("conditional", "minority")  # modes that ask for a class
OF_ONE = ("paraphrase", "style")  # modes that start from a single row
STYLES = ("a headline", "a formal letter", "a chat message", "a complaint", "a poem")
BETWEEN = " | "  # separates the texts of a row


class Ask(NamedTuple):
    """The ingredients of a prompt."""

    examples: tuple[int, ...]  # rows of the data
    wanted: str = ""  # class
    style: str = ""


def prompt_of(title: str, mode: str, ask: Ask, texts: Sequence[Texts]) -> str:
    """A list for a language model to continue.

    Args:
        title: of the list.
        mode: out of MODES.
        ask: its ingredients.
        texts: the examples' texts.
    """
    lines = "".join(f"\n- {line_of(each)}" for each in texts)
    return f"{_head(title, mode, ask)}:{lines}\n-"


def _head(title: str, mode: str, ask: Ask) -> str:
    if mode == "paraphrase":
        return f"{title}, then the same in other words"
    if mode == "style":
        return f"{title}, then the same as {ask.style}"
    return f"{title} ({ask.wanted})" if ask.wanted else title


def line_of(texts: Texts) -> str:
    """A row in one line, without anything that could end a list or a chat turn."""
    return BETWEEN.join(" ".join(plain(text).split()) for text in texts)


def texts_in(answer: str, columns: int) -> Texts | None:
    """The texts of the row in an answer; None if it is not a row."""
    line = answer.strip().partition("\n")[0].strip().removeprefix("- ").strip()
    parts = tuple(part.strip() for part in line.split(BETWEEN)) if columns > 1 else (line,)
    return parts if len(parts) == columns and all(parts) else None
