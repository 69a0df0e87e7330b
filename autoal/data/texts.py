"""Rows that are texts: one each, or several that belong together, as a question and an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor

from autoal.data.rows import UNKNOWN, Rows

DIGEST = 16  # bytes that stand for a text wherever rows are numbers


class Text(str):
    """What a person sees of a row's several texts; an encoder reads its parts."""

    __slots__ = ("columns", "parts")
    columns: tuple[str, ...]  # what the parts are called
    parts: tuple[str, ...]

    @classmethod
    def of(cls, columns: Sequence[str], parts: Sequence[str]) -> Text:
        """The texts of a row below each other, each behind the name of its column."""
        text = cls("\n".join(f"{name}: {part}" for name, part in zip(columns, parts, strict=True)))
        text.columns, text.parts = tuple(columns), tuple(parts)
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return Text.of, (self.columns, self.parts)


def text_rows(
    texts: Sequence[Sequence[str]],
    columns: Sequence[str],
    labels: Tensor | None = None,
    **facts: Any,
) -> Rows:
    """Rows of texts; in the place of numbers they have a digest of what is written.

    Args:
        texts: of each row, one for each column.
        columns: what the texts are called.
        labels: (n,) long; None: nobody told any.
        facts: of `Rows`, such as `names` and `part`.
    """
    shown = [row[0] if len(row) == 1 else Text.of(columns, row) for row in texts]
    known = torch.full((len(shown),), UNKNOWN) if labels is None else labels
    return Rows(digests(shown), known, shown=shown, **facts)


def digests(texts: Iterable[str]) -> Tensor:
    """What tells texts from each other, (n, DIGEST) uint8."""
    found = b"".join(sha256(text.encode(errors="replace")).digest()[:DIGEST] for text in texts)
    return torch.frombuffer(bytearray(found or b"\0"), dtype=torch.uint8)[: len(found)].view(
        -1, DIGEST
    )


def are_texts(rows: Rows) -> bool:
    """Whether a person reads these rows, and a network cannot without an encoder."""
    written = rows.shown is not None and not isinstance(rows.shown, Tensor)
    numbers = rows.inputs.dtype == torch.uint8 and rows.shape == (DIGEST,)
    return written and numbers and all(isinstance(each, str) for each in (rows.shown or ())[:1])


def parts_of(rows: Rows) -> list[tuple[str, ...]]:
    """The texts of each row, one by one."""
    assert rows.shown is not None
    return [each.parts if isinstance(each, Text) else (each,) for each in rows.shown]
