"""The bounds of options: the one place that checks values and says what is allowed."""

from collections.abc import Iterable
from math import inf, isfinite, isinf
from numbers import Integral, Real
from os.path import isfile
from pathlib import Path
from typing import Any

from autoal.errors import UserError, unknown

LARGEST = 10**9  # for any option; more would not fit a tensor, or never finish
SMALLEST = 1e-30  # for any that is not 0; less would be 0 in a tensor


def choice(name: str, value: Any, known: Iterable[str]) -> None:
    """Refuse what is not among the known names."""
    known = list(known)
    if value not in known:
        raise unknown(name, str(value), known)


def whole(name: str, value: Any, *, least: float = -inf, most: float = inf) -> None:
    """Refuse anything but a whole number within its bounds."""
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
    """Refuse anything but a finite number within its bounds."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise ValueError(f"`{name}` must be a number, got {shown(value)}")
    if _infinite(value):
        raise ValueError(f"`{name}` must be a finite number, got {shown(value)}")
    size = float(value)
    if abs(size) > LARGEST:
        raise ValueError(f"`{name}` must be of a size up to {LARGEST:,}, got {shown(value)}")
    if 0 < abs(size) < SMALLEST:
        raise ValueError(f"`{name}` must be 0 or at least {SMALLEST:g}, got {shown(value)}")
    if least <= size <= most and above < size < below:
        return
    bounds = {"at least": least, "at most": most, "above": above, "below": below}
    wanted = [f"{words} {bound:,.10g}" for words, bound in bounds.items() if isfinite(bound)]
    raise ValueError(
        f"`{name}` must be {' and '.join(wanted) or 'a finite number'}, got {shown(value)}"
    )


def switch(name: str, value: Any, *, optional: bool = False) -> None:
    """Refuse anything but true or false, or null if allowed."""
    if not (isinstance(value, bool) or (optional and value is None)):
        wanted = "true, false or null" if optional else "true or false"
        raise ValueError(f"`{name}` must be {wanted}, got {shown(value)}")


def text(name: str, value: Any, *, optional: bool = False) -> None:
    """Refuse anything but a text, or null if allowed."""
    if not (isinstance(value, str) or (optional and value is None)):
        wanted = "a text or null" if optional else "a text"
        raise ValueError(f"`{name}` must be {wanted}, got {shown(value)}")


def demand_file(path: Path, hint: str = "") -> None:
    """Refuse a path without a regular file; reading a pipe or a device might never end.

    Args:
        path: of the file to read.
        hint: the setting that names the path.
    """
    if not isfile(path):
        raise UserError(f"there is no file {path}{hint and f'; {hint}'}")


def _infinite(value: Any) -> bool:
    try:
        return isinf(value)
    except OverflowError:  # a whole number beyond floating point
        return True


def shown(value: Any) -> str:
    """A value as written on the command line."""
    return "null" if value is None else repr(value)
