"""Tables of plain records, such as labels: a line for each, a column for each field."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from itertools import chain
from typing import Any

from autoal.data.seen import beside
from autoal.escape import delimited

TEXTS = "texts"  # the field that becomes several columns


def as_lines(form: str, kind: type, things: Sequence[Any]) -> str:
    """Write records as csv or jsonl; `kind` is their data class."""
    return as_csv(kind, things) if form == "csv" else as_jsonl(things)


def as_csv(kind: type, things: Sequence[Any]) -> str:
    """Write CSV with a header; unknown values are empty.

    Args:
        kind: the records' data class, needed if there are none.
        things: one per line.
    """
    lines = [*map(_line, things)]
    own = dict.fromkeys(field.name for field in fields(kind) if field.name != TEXTS)
    names = own | dict.fromkeys(chain(*lines))
    return delimited([names, *([line.get(name) for name in names] for line in lines)])


def as_jsonl(things: Sequence[Any]) -> str:
    """Write a JSON object for each; unknown values are null."""
    return "".join(f"{json.dumps(_line(thing), ensure_ascii=False)}\n" for thing in things)


def _line(thing: Any) -> dict[str, Any]:
    """The fields of a record, followed by each of its texts."""
    line = asdict(thing)
    texts = line.pop(TEXTS)
    return line | beside(line, texts)
