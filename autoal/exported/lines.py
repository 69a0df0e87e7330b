"""Tables of plain things, such as labels: a line for each, a column for each of its fields."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from itertools import chain
from typing import Any

from autoal.data.seen import beside
from autoal.escape import delimited

TEXTS = "texts"  # the field of a thing that has columns of its own


def as_lines(form: str, kind: type, things: Sequence[Any]) -> str:
    """In this form, csv or jsonl; the kind is the data class of the things."""
    return as_csv(kind, things) if form == "csv" else as_jsonl(things)


def as_csv(kind: type, things: Sequence[Any]) -> str:
    """With a header; empty where nothing is known.

    Args:
        kind: the data class of the things, of which there may be none.
        things: one a line.
    """
    lines = [*map(_line, things)]
    own = dict.fromkeys(field.name for field in fields(kind) if field.name != TEXTS)
    names = own | dict.fromkeys(chain(*lines))
    return delimited([names, *([line.get(name) for name in names] for line in lines)])


def as_jsonl(things: Sequence[Any]) -> str:
    """Each a JSON object; null where nothing is known."""
    return "".join(f"{json.dumps(_line(thing), ensure_ascii=False)}\n" for thing in things)


def _line(thing: Any) -> dict[str, Any]:
    """The fields of a thing, and after them each of its texts as one more."""
    line = asdict(thing)
    texts = line.pop(TEXTS)
    return line | beside(line, texts)
