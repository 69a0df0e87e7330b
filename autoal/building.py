"""Builds parts from settings: a section has a class in `_target_`, with its options beside it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from functools import partial
from importlib import import_module
from inspect import signature
from typing import Any

from autoal.errors import UserError, unending
from autoal.kinds import demand_kinds_of
from autoal.plugins import KINDS, parameters
from autoal.settings import Settings, flatten

TARGET = "_target_"


def build(section: Settings, where: str = "", /, **facts: Any) -> Any:
    """The object that a section describes.

    A section inside it becomes a builder of its object, since facts may still be missing.

    Args:
        section: with the name of a class or function, and its options.
        where: the section's place in the settings, for messages.
        facts: what the engine knows; filled in for parameters of those names.
    """
    name = section[TARGET]
    target, options = _described(section, where or name)
    known = accepted(target, facts)
    try:
        return target(**{**known, **options})
    except (ValueError, TypeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{name}: {error}") from error


def _described(section: Settings, where: str) -> tuple[Callable[..., Any], Settings]:
    """The class or function that a section names, and its options, with checked types."""
    target = located(section[TARGET])
    given = {key: value for key, value in section.items() if key != TARGET}
    options = {key: _inner(value, f"{where}.{key}") for key, value in given.items()}
    demand_kinds_of(target, options, where)
    return target, options


def _inner(value: Any, where: str) -> Any:
    if not isinstance(value, dict) or TARGET not in value:
        return value
    target, options = _described(value, where)
    try:
        signature(target).bind_partial(**options)
    except ValueError:  # for classes written in C
        pass
    except TypeError as error:
        raise UserError(f"{value[TARGET]}: {error}") from error
    return partial(target, **options)


def demand_class(section: Settings, where: str, *kinds: type) -> None:
    """Refuse a section that would call anything but a class of these kinds."""
    name = section.get(TARGET, "")
    found = located(name)
    if not (isinstance(found, type) and issubclass(found, kinds)):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise UserError(f"{where}: {name} is not a class of the kind {wanted}, and is not called")


def demand_trusted(section: Settings, where: str, trust: Collection[str] = ()) -> None:
    """Refuse somebody else's section that would import code of unknown origin.

    AutoAL, installed plugins, and everything already imported are of known origin.

    Args:
        section: checked with all sections inside it.
        where: the section's place, for messages.
        trust: packages that may be imported too.
    """
    for key, name in flatten(section, f"{where}.").items():
        place, _, last = key.rpartition(".")
        home = str(name).rpartition(".")[0]
        if last == TARGET and home not in sys.modules and _package(home) not in _known(trust):
            raise UserError(
                f"{place}: {name} belongs to neither AutoAL nor an installed plugin, and is not "
                f"imported because a file names it: if you trust {_package(home)}, import {home} "
                f"first, or give trust=[{_package(home)!r}], for a command --trust {_package(home)}"
            )


def _known(trust: Collection[str]) -> set[str]:
    """The packages whose modules may be imported."""
    plugins = {point.module for kind in KINDS for point in kind.installed().values()}
    return {"autoal", *map(_package, (*plugins, *trust))}


def _package(module: str) -> str:
    return module.partition(".")[0]


def accepted(target: Callable[..., Any], facts: dict[str, Any]) -> dict[str, Any]:
    """The facts that a class or function accepts, or one that it passes them on to."""
    known = parameters(target)
    return {name: fact for name, fact in facts.items() if name in known}


def located(name: str) -> Callable[..., Any]:
    """The object of a dotted name."""
    if not name:
        raise UserError(f"a {TARGET} must name a class or function, such as package.module.Name")
    parts = str(name).split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        try:
            with unending():
                found: Any = import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise UserError(f"{module} cannot be imported: {error}") from error
            continue
        except Exception as error:  # somebody else's module may raise anything
            why = f"{type(error).__name__}: {error}"
            raise UserError(f"{module} cannot be imported: {why}") from error
        for part in parts[length:]:
            if not hasattr(found, part):
                raise UserError(
                    f"there is no {name}, which a {TARGET} names: {module} lacks {part}"
                )
            found = getattr(found, part)
        if not callable(found):
            raise UserError(f"{name}, which a {TARGET} names, is not a class or function")
        return found
    raise UserError(f"there is no {name}, which a {TARGET} names: no module {parts[0]}")
