"""The bounds of options: one place that says of a value whether it will do, and what would."""

from collections.abc import Iterable
from math import inf, isfinite, isinf
from numbers import Integral, Real
from os.path import isfile
from pathlib import Path
from typing import Any

from autoal.errors import UserError, unknown

LARGEST = 10**9  # of any option; more would be no number of a tensor, or never be done
SMALLEST = 1e-30  # of any that is not 0; less would be 0 in a tensor


def choice(name: str, value: Any, known: Iterable[str]) -> None:
    """Refuse what is not among the known names."""
    known = list(known)
    if value not in known:
        raise unknown(name, str(value), known)


def whole(name: str, value: Any, *, least: float = -inf, most: float = inf) -> None:
    """Refuse what is no whole number, or lies outside of its bounds."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise ValueError(f"`{name}` must be a whole number, got {shown(value)}")
    number(name, value, least=least, most=most)


def number(
    name: str,
    value: Any,
    *,
    least: float = -inf,
    most: float = inf,
    above: float = -inf,
    below: float = inf,
) -> None:
    """Refuse what is no finite number, or lies outside of its bounds."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise ValueError(f"`{name}` must be a number, got {shown(value)}")
    if _infinite(value):
        raise ValueError(f"`{name}` must be a finite number, got {shown(value)}")
    size = float(value)
    if abs(size) > LARGEST:
        raise ValueError(f"`{name}` must be of a size up to {LARGEST:,}, got {shown(value)}")
    if 0 < abs(size) < SMALLEST:
        raise ValueError(f"`{name}` must be 0, or {SMALLEST:g} at least, got {shown(value)}")
    if least <= size <= most and above < size < below:
        return
    bounds = {"at least": least, "at most": most, "above": above, "below": below}
    wanted = [f"{words} {bound:,.10g}" for words, bound in bounds.items() if isfinite(bound)]
    raise ValueError(
        f"`{name}` must be {' and '.join(wanted) or 'a finite number'}, got {shown(value)}"
    )


def switch(name: str, value: Any, *, optional: bool = False) -> None:
    """Refuse what is neither true nor false, nor null where that may be."""
    if not (isinstance(value, bool) or (optional and value is None)):
        wanted = "true, false or null" if optional else "true or false"
        raise ValueError(f"`{name}` must be {wanted}, got {shown(value)}")


def text(name: str, value: Any, *, optional: bool = False) -> None:
    """Refuse what is no text, nor null where that may be."""
    if not (isinstance(value, str) or (optional and value is None)):
        wanted = "a text or null" if optional else "a text"
        raise ValueError(f"`{name}` must be {wanted}, got {shown(value)}")


def demand_file(path: Path, hint: str = "") -> None:
    """Refuse a path without a file; of a pipe or a device the end would be waited for.

    Args:
        path: of what is to be read.
        hint: what names the path, and so would do.
    """
    if not isfile(path):
        raise UserError(f"there is no file {path}{hint and f'; {hint}'}")


def _infinite(value: Any) -> bool:
    try:
        return isinf(value)
    except OverflowError:  # a whole number beyond all floating-point ones
        return True


def shown(value: Any) -> str:
    """A value as it is written on the command line."""
    return "null" if value is None else repr(value)
