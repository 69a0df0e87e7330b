"""Reads the rounds of a record strictly."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from autoal.errors import UserError
from autoal.record.kinds import MAPPING, once
from autoal.record.round import Round


def read_rounds(content: bytes, where: object) -> list[Round]:
    """The rounds of a record; messages name `where` and the line of a problem."""
    found: list[Round] = []
    asked: set[int] = set()
    for number, line in enumerate(content.removesuffix(b"\n").split(b"\n") if content else []):
        try:
            found.append(read_round(line))
            _demand_next(found, asked)
        except UserError as error:
            raise UserError(f"{where}, line {number + 1} is not round {number}: {error}") from error
    return found


def read_round(line: bytes) -> Round:
    """The round of one line of a record."""
    try:
        values = json.loads(line.decode(), object_pairs_hook=once)
    except UserError:
        raise
    except UnicodeDecodeError as error:
        raise UserError("it is not valid UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"it is not JSON: {error}" if line.strip() else "it is empty") from error
    MAPPING.demand("a line", values)
    return Round.from_line(values)


def _demand_next(found: Sequence[Round], asked: set[int]) -> None:
    """Refuse a last round that cannot follow the others; add its rows to those asked about.

    Args:
        found: the rounds so far.
        asked: the rows that earlier rounds asked about.
    """
    done, rows = found[-1], _taken(found[-1])
    if done.number != len(found) - 1:
        raise UserError(f"`round` is {done.number}")
    new = len(done.queried) + len(done.given)
    before = found[-2].labelled if len(found) > 1 else done.labelled - new
    if before < 0 or done.labelled != before + new:
        raise UserError(f"`labelled` is {done.labelled}, which the rows queried do not add up to")
    count = len(asked)
    asked.update(rows)
    if len(asked) < count + len(rows):
        raise UserError(f"row {_first_again(found)} was asked about before")


def _first_again(found: Iterable[Round]) -> int:
    counts = Counter(row for done in found for row in _taken(done))
    return next(row for row, count in counts.items() if count > 1)


def _taken(done: Round) -> list[int]:
    """The rows that a round took from those that may be asked about."""
    return [*done.queried, *done.declined, *done.given, *done.checked]
