"""Parts from settings: a section names a class by `_target_`, and its options beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from inspect import signature
from typing import Any

from autoal.errors import UserError, unending
from autoal.kinds import demand_kinds_of
from autoal.settings import Settings

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


def accepted(target: Callable[..., Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Those of the facts for which a class or function has a parameter."""
    try:
        parameters = signature(target).parameters
    except ValueError:  # of what is written in C
        return {}
    return {name: fact for name, fact in facts.items() if name in parameters}


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
