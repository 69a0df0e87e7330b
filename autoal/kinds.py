"""The kinds of values that options take, according to annotations and defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from autoal.bounds import shown
from autoal.errors import UserError
from autoal.plugins import parameters

_NAMES: dict[Any, tuple[str, str]] = {  # of one value and of many
    bool: ("true or false", "true or false"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("a text", "texts"),
    NoneType: ("null", "null"),
}
_LISTS = (list, tuple, Sequence)
_MAPPINGS = (dict, Mapping)


def demand_kinds_of(target: Callable[..., Any], options: Mapping[str, Any], section: str) -> None:
    """Refuse options that do not match the annotations of a class or function.

    Args:
        target: the class or function with these parameters.
        options: some of them, by name.
        section: of the settings that contains them.
    """
    known = parameters(target)
    for name, value in options.items():
        demand_finite(f"{section}.{name}", value)
        # The default itself is allowed, as in `count: int = None`.
        if name in known and value != known[name].default:
            _demand(f"{section}.{name}", value, known[name].annotation)


def _demand(key: str, value: Any, kind: Any) -> None:
    if not fits(value, kind):
        raise UserError(f"{key}={shown(value)}: must be {words(kind)}")


def demand_finite(key: str, value: Any) -> None:
    """Refuse numbers that are NaN or infinite, in lists and mappings too."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            demand_finite(f"{key}.{name}" if key else str(name), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            demand_finite(key, inner)
    elif isinstance(value, float) and not isfinite(value):
        raise UserError(f"{key}={value}: must be a finite number")


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a kind; unknown kinds take anything."""
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin in (Union, UnionType):
        return any(fits(value, one) for one in inner)
    if origin in _LISTS:
        items = inner[0] if len(inner) == 1 or inner[1:] == (...,) else Any
        return isinstance(value, list | tuple) and all(fits(item, items) for item in value)
    if origin in _MAPPINGS:
        values = inner[1] if inner else Any
        return isinstance(value, Mapping) and all(fits(one, values) for one in value.values())
    if origin in (int, float):
        return isinstance(value, (int, origin)) and not isinstance(value, bool)
    return not any(origin is known for known in _NAMES) or isinstance(value, origin)


def words(kind: Any, many: bool = False) -> str:
    """Words for one value of this kind, or for many."""
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join(words(one, many) for one in inner)
    if origin in _LISTS:
        return ("lists" if many else "a list") + (f" of {words(inner[0], True)}" if inner else "")
    if origin in _MAPPINGS:
        return "options" + (f" that are {words(inner[1], True)}" if inner else "")
    return _NAMES.get(origin, (f"a {origin.__name__}", f"{origin.__name__}s"))[many]
