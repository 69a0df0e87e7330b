"""Parts from settings: a section names a class by `_target_`, and its options beside it."""

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

    A section inside it becomes what builds the object, since it may lack facts still.

    Args:
        section: with the name of a class or function, and its options.
        where: the section stands in the settings, for messages.
        facts: what the engine knows; filled in where there is a parameter of that name.
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
    """The class or function that a section names, and its options, which are of its kinds."""
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
    except ValueError:  # of what is written in C
        pass
    except TypeError as error:
        raise UserError(f"{value[TARGET]}: {error}") from error
    return partial(target, **options)


def demand_class(section: Settings, where: str, *kinds: type) -> None:
    """Refuse a section by which anything else would be called than a class of these kinds."""
    name = section.get(TARGET, "")
    found = located(name)
    if not (isinstance(found, type) and issubclass(found, kinds)):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise UserError(f"{where}: {name} is no class of the kind {wanted}, and is not called")


def demand_trusted(section: Settings, where: str, trust: Collection[str] = ()) -> None:
    """Refuse a section of somebody else's by which code of unknown origin would be imported.

    Of known origin are AutoAL, the installed plugins, and whatever is imported already.

    Args:
        section: what it names, and what the sections inside it name, is looked at.
        where: the section stands, for messages.
        trust: packages that may be imported too.
    """
    for key, name in flatten(section, f"{where}.").items():
        place, _, last = key.rpartition(".")
        home = str(name).rpartition(".")[0]
        if last == TARGET and home not in sys.modules and _package(home) not in _known(trust):
            raise UserError(
                f"{place}: {name} is of neither AutoAL nor an installed plugin, and is not "
                f"imported because a file names it: if you trust {_package(home)}, import {home} "
                f"before, or give trust=[{_package(home)!r}], --trust {_package(home)} of a command"
            )


def _known(trust: Collection[str]) -> set[str]:
    """The packages whose modules may be imported."""
    plugins = {point.module for kind in KINDS for point in kind.installed().values()}
    return {"autoal", *map(_package, (*plugins, *trust))}


def _package(module: str) -> str:
    return module.partition(".")[0]


def accepted(target: Callable[..., Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Those of the facts for which a class or function, or one that it hands on to, has a place."""
    known = parameters(target)
    return {name: fact for name, fact in facts.items() if name in known}


def located(name: str) -> Callable[..., Any]:
    """What a dotted name names."""
    if not name:
        raise UserError(f"a {TARGET} must name a class or function, as package.module.Name")
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
        except Exception as error:  # whatever the module of somebody else does
            why = f"{type(error).__name__}: {error}"
            raise UserError(f"{module} cannot be imported: {why}") from error
        for part in parts[length:]:
            if not hasattr(found, part):
                raise UserError(
                    f"there is no {name}, which a {TARGET} names: {module} lacks {part}"
                )
            found = getattr(found, part)
        if not callable(found):
            raise UserError(f"{name}, which a {TARGET} names, is no class or function")
        return found
    raise UserError(f"there is no {name}, which a {TARGET} names: no module {parts[0]}")
