"""Made rows, including dropped ones, in generated.jsonl."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from autoal.errors import UserError
from autoal.record.kinds import MAPPING, NUMBER, TEXT, TEXTS, WHOLE, Kind, once
from autoal.record.whole import write_whole

_KINDS: dict[str, Kind] = {
    "round": WHOLE,
    "texts": TEXTS,
    "name": TEXT,
    "dropped": TEXT,
    "mode": TEXT,
    "wanted": TEXT,
    "examples": TEXTS,
    "prompt": TEXT,
    "answer": TEXT,
    "seed": WHOLE.or_null(),
    "score": NUMBER.or_null(),
    "label": TEXT,
    "by": TEXT,
}


@dataclass(frozen=True)
class Made:
    """A made text: its origin and its fate."""

    round: int  # before whose query
    texts: tuple[str, ...]  # of the row, one for each column
    name: str = ""  # of a row that joined the pool
    dropped: str = ""  # the reason if it did not join
    mode: str = ""  # the way it was made
    wanted: str = ""  # the requested class, which is not a label
    examples: tuple[str, ...] = ()  # names of the rows it was made from
    prompt: str = ""
    answer: str = ""  # the generator's raw answer
    seed: int | None = None
    score: float | None = None  # by the strategy, before anything was learnt
    label: str = ""
    by: str = ""  # who gave the label

    def to_line(self) -> dict[str, Any]:
        """A flat mapping, ready for JSON, without unknown values."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None, ())}

    def untold(self) -> Made:
        """The same without anything that came later."""
        return replace(self, score=None, label="", by="")

    @classmethod
    def from_line(cls, line: Any) -> Made:
        """Read what `to_line` wrote, with lists for tuples."""
        MAPPING.demand("a line", line)
        for name, kind in _KINDS.items():
            if name in line:
                kind.demand(name, line[name])
        if "round" not in line or not line.keys() <= _KINDS.keys():
            raise UserError("it does not describe a made row")
        return cls(
            **{
                **line,
                "texts": tuple(line.get("texts", ())),
                "examples": tuple(line.get("examples", ())),
            }
        )


def read_made(path: Path) -> list[Made]:
    """All entries of a file; empty if there is none."""
    if not path.exists():
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error
    return [_read(path, number, line) for number, line in enumerate(lines, start=1)]


def write_made(path: Path, made: Iterable[Made]) -> None:
    """Replace the file's content with all of these."""
    write_whole(path, "".join(f"{json.dumps(each.to_line())}\n" for each in made).encode())


def plain_made(made: Sequence[Made]) -> list[dict[str, Any]]:
    """Entries as plain values."""
    return [
        {name: [*value] if isinstance(value, tuple) else value for name, value in line.items()}
        for line in (each.to_line() for each in made)
    ]


def made_again(kept: Iterable[Mapping[str, Any]]) -> list[Made]:
    """Entries from plain values."""
    return [*map(Made.from_line, kept)]


def _read(path: Path, number: int, line: str) -> Made:
    try:
        return Made.from_line(json.loads(line, object_pairs_hook=once))
    except (ValueError, RecursionError) as error:  # a UserError is one
        raise _damaged(path, f"line {number}: {error}") from error


def _damaged(path: Path, why: str) -> UserError:
    return UserError(
        f"{path} has changed since it was written ({why})\n"
        "  put back a copy of the file, or remove it: the rows of finished rounds are kept beside "
        "it, and others are made again"
    )
