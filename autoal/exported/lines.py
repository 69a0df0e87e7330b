"""Tables of plain things, such as labels: a line for each, a column for each of its fields."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from io import StringIO
from typing import Any


def as_lines(form: str, kind: type, things: Sequence[Any]) -> str:
    """In this form, csv or jsonl; the kind is the data class of the things."""
    return as_csv(kind, things) if form == "csv" else as_jsonl(things)


def as_csv(kind: type, things: Sequence[Any]) -> str:
    """With a header; empty where nothing is known.

    Args:
        kind: the data class of the things, of which there may be none.
        things: one a line.
    """
    text = StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in fields(kind)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, things))
    return text.getvalue()


def as_jsonl(things: Sequence[Any]) -> str:
    """Each a JSON object; null where nothing is known."""
    return "".join(f"{json.dumps(asdict(thing), ensure_ascii=False)}\n" for thing in things)
