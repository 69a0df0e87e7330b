"""Rows of texts: one each, or several that belong together, like question and answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor

from autoal.data.inputs import cells_of, is_absent
from autoal.data.rows import UNKNOWN, Rows
from autoal.errors import UserError

DIGEST = 16  # bytes that represent a text where rows are numbers


class Text(str):
    """A row's several texts as a person sees them; an encoder reads the parts."""

    __slots__ = ("columns", "parts")
    columns: tuple[str, ...]  # the names of the parts
    parts: tuple[str, ...]

    @classmethod
    def of(cls, columns: Sequence[str], parts: Sequence[str]) -> Text:
        """The texts of a row below each other, each after the name of its column."""
        text = cls("\n".join(f"{name}: {part}" for name, part in zip(columns, parts, strict=True)))
        text.columns, text.parts = tuple(columns), tuple(parts)
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return Text.of, (self.columns, self.parts)


def plain_texts(shown: Any) -> Any:
    """Turn texts that people see into plain values for storage; the rest is unchanged."""
    if isinstance(shown, Tensor) or shown is None:
        return shown
    several = all(isinstance(each, Text) for each in shown) and len(shown) > 0
    if not several:
        return shown
    return {"columns": [*shown[0].columns], "parts": [[*each.parts] for each in shown]}


def texts_again(kept: Any) -> Any:
    """The inverse of `plain_texts`."""
    return shown_of(kept["parts"], kept["columns"]) if isinstance(kept, Mapping) else kept


def text_rows(
    texts: Sequence[Sequence[str]],
    columns: Sequence[str],
    labels: Tensor | None = None,
    **facts: Any,
) -> Rows:
    """Rows of texts, with digests of the texts instead of numbers.

    Args:
        texts: of each row, one for each column.
        columns: the names of the texts.
        labels: (n,) long; None: all unknown.
        facts: of `Rows`, such as `names` and `part`.
    """
    shown = shown_of(texts, columns)
    known = torch.full((len(shown),), UNKNOWN) if labels is None else labels
    return Rows(digests(shown), known, shown=shown, **facts)


def shown_of(texts: Iterable[Sequence[str]], columns: Sequence[str]) -> list[str]:
    """Arrange texts for a person: one stays as it is, several stand below each other."""
    return [row[0] if len(row) == 1 else Text.of(columns, row) for row in texts]


def digests(texts: Iterable[str]) -> Tensor:
    """Digests that identify texts, (n, DIGEST) uint8."""
    found = b"".join(sha256(text.encode(errors="replace")).digest()[:DIGEST] for text in texts)
    return torch.frombuffer(bytearray(found or b"\0"), dtype=torch.uint8)[: len(found)].view(
        -1, DIGEST
    )


def are_texts(rows: Rows) -> bool:
    """Whether these rows are texts, which a network cannot read without an encoder."""
    written = rows.shown is not None and not isinstance(rows.shown, Tensor)
    numbers = rows.inputs.dtype == torch.uint8 and rows.shape == (DIGEST,)
    return written and numbers and all(isinstance(each, str) for each in (rows.shown or ())[:1])


def written_of(rows: Rows) -> Sequence[str] | None:
    """The rows' texts for people; None if the rows are not texts, such as mere names."""
    shown = rows.shown
    if shown is None or isinstance(shown, Tensor) or not len(shown):
        return None
    names = rows.names is not None and list(shown) == list(rows.names)
    return None if names or not all(isinstance(each, str) for each in shown) else shown


def parts_of(rows: Rows) -> list[tuple[str, ...]]:
    """The texts of each row, one by one."""
    return parts(rows.shown or ())


def parts(shown: Iterable[Any]) -> list[tuple[str, ...]]:
    """The texts that a person sees of each row, one by one."""
    return [each.parts if isinstance(each, Text) else (each,) for each in shown]


def columns_of(rows: Any) -> tuple[str, ...]:
    """The names of the texts of given rows; empty if the rows are not texts."""
    if isinstance(rows, Tensor | Mapping) or not hasattr(rows, "__getitem__"):
        return ()
    row = _first_there(rows)
    if not row or not all(isinstance(cell, str) or is_absent(cell) for cell in row):
        return ()
    names = [f"text {number}" for number in range(1, len(row) + 1)] if len(row) > 1 else ["text"]
    return tuple(map(str, getattr(rows, "columns", names)))


def _first_there(rows: Any) -> Sequence[Any]:
    """The cells of the first row that has any, which shows what rows are."""
    for place in range(len(rows)):
        (first,) = cells_of(rows[place : place + 1])
        row = first if isinstance(first, list | tuple) else [first]
        if not all(map(is_absent, row)):
            return row
    return []


def texts_of(rows: Any, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """The texts of given rows: a list of texts, or of several texts each, or a frame.

    Args:
        rows: from a program.
        columns: the names of a row's texts; a frame may have other columns besides.
    """
    if set(columns) <= set(getattr(rows, "columns", ())):
        rows = rows[list(columns)]
    if isinstance(rows, str) or not isinstance(rows, Iterable):
        raise UserError(f"give a list of texts, got {rows!r:.60}")
    every = [row if isinstance(row, list | tuple) else (row,) for row in cells_of(rows)]
    for place, row in enumerate(every):
        if len(row) != len(columns) or not all(
            isinstance(text, str) and text.strip() for text in row
        ):
            wanted = "a text" if len(columns) == 1 else f"{len(columns)} texts"
            raise UserError(f"row {place} must be {wanted}, none of them empty, got {row!r:.60}")
    return [tuple(map(str, row)) for row in every]


def demand_encoded(rows: Rows) -> None:
    """Refuse texts where numbers are needed."""
    if are_texts(rows):
        raise encoder_needed()


def encoder_needed() -> UserError:
    """The error for texts that no encoder has turned into numbers."""
    return UserError(
        "texts need an encoder: give encoder=tfidf, or sentence, or tokens with a task that "
        "fine-tunes; in Python, Encoded(data, encoder, device)"
    )


def key_of(text: str) -> str:
    """A key that permanently identifies a row's texts."""
    return f"sha256:{sha256(text.encode(errors='replace')).hexdigest()}"
