"""Kinds of values that a record may hold, each with a test and the words for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from sys import float_info
from typing import Any

from autoal.errors import UserError

LIMIT = 2**63  # upper bound of whole numbers and amounts
SHOWN = 60  # characters of a value in a message


@dataclass(frozen=True)
class Kind:
    """The values allowed in one place."""

    words: str
    holds: Callable[[Any], bool]

    def demand(self, name: str, value: Any) -> None:
        """Refuse a value of another kind."""
        if not self.holds(value):
            raise UserError(f"`{name}` must be {self.words}, got {_shown(value)}")

    def or_null(self) -> Kind:
        """The same, or null."""
        return Kind(f"{self.words} or null", lambda value: value is None or self.holds(value))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _is_whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < LIMIT


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= float_info.max  # false of NaN


def _is_amount(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < LIMIT


def _are_wholes(values: Any) -> bool:
    # A record has millions of them: checked in C, not one by one.
    return _all_of(int, values) and (not values or (min(values) >= 0 and max(values) < LIMIT))


def _by_row(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A test for mappings from rows to such values."""

    def are(value: Any) -> bool:
        rows = isinstance(value, Mapping) and all(row.isdecimal() for row in value)
        return rows and all(map(holds, value.values()))

    return are


def _listed(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A test for lists of such values."""
    return lambda value: isinstance(value, list) and all(map(holds, value))


def _all_of(kind: type, values: Any) -> bool:
    return isinstance(values, list) and set(map(type, values)) <= {kind}


def _named(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A test for mappings to such values."""
    return lambda value: isinstance(value, Mapping) and all(map(holds, value.values()))


WHOLE = Kind("a whole number from 0 on", _is_whole)
NUMBER = Kind("a finite number", _is_number)
AMOUNT = Kind("a finite number from 0 on", _is_amount)
TEXT = Kind("a text", lambda value: isinstance(value, str))
WHOLES = Kind("a list of whole numbers from 0 on", _are_wholes)
TEXTS = Kind("a list of texts", lambda value: _all_of(str, value))
MAPPING = Kind("a mapping", lambda value: isinstance(value, Mapping))
TIMED = Kind("a mapping from rows to seconds", _by_row(_is_amount))
GIVEN = Kind("a mapping from rows to whole numbers", _by_row(_is_whole))
CLASSES = Kind("a mapping from rows to lists of classes", _by_row(_listed(_is_whole)))
BELIEFS = Kind(
    "a mapping from rows to lists of finite numbers from 0 on", _by_row(_listed(_is_amount))
)
WORDS = Kind("a mapping to lists of finite numbers from 0 on", _named(_listed(_is_amount)))
NUMBERS = Kind("a mapping to finite numbers", _named(_is_number))
AMOUNTS = Kind("a mapping to finite numbers from 0 on", _named(_is_amount))
SAID = Kind("a mapping to mappings from rows to whole numbers", _named(_by_row(_is_whole)))
COUNTS = Kind("a mapping to mappings of finite numbers from 0 on", _named(_named(_is_amount)))


def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The mapping of these pairs from JSON's reader; no key may occur twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        ((key, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise UserError(f"{_shown(key)} occurs twice")
    return found
