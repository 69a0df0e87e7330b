"""Plugins of every kind, ours and everybody's: entry points, read without importing them."""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from inspect import Parameter, Signature, isabstract, signature
from reprlib import repr as shortly
from typing import Any

from autoal.errors import UserError, unending, unknown


@dataclass(frozen=True)
class Kind:
    """Plugins that serve one purpose."""

    noun: str  # what one of them is called in a message
    group: str  # of entry points

    def installed(self) -> dict[str, EntryPoint]:
        """The entry points of this kind by name."""
        found: dict[str, EntryPoint] = {}
        for point in _points().select(group=self.group):
            other = found.setdefault(point.name, point)
            if other.value != point.value:
                raise UserError(
                    f"two installed packages offer a {self.noun} {point.name!r}: "
                    f"{other.value} and {point.value}; uninstall one of them"
                )
        return dict(sorted(found.items()))

    def load(self, name: str) -> Any:
        """What the entry point of this name names."""
        points = self.installed()
        if name not in points:
            raise unknown(self.noun, name, points)
        value = points[name].value
        try:
            with unending():
                found = points[name].load()
        except Exception as error:  # whatever the module of somebody else does when it is imported
            why = f"{type(error).__name__}: {error}"
            raise UserError(f"{self.noun} {name!r} cannot be loaded from {value}: {why}") from error
        if not callable(found):
            raise UserError(f"{self.noun} {name!r}: {value} is no class or function")
        if isabstract(found):
            lacking = ", ".join(sorted(found.__abstractmethods__))
            raise UserError(f"{self.noun} {name!r}: {value} is abstract, it lacks {lacking}")
        return found

    def origin(self, name: str) -> str:
        """The installed package that a plugin comes from, with its version."""
        package = self.installed()[name].dist
        return f"{package.name} {package.version}" if package else "unknown"


STRATEGIES = Kind("strategy", "autoal.strategies")
DATA = Kind("data", "autoal.data")
TASKS = Kind("task", "autoal.tasks")
ENCODERS = Kind("encoder", "autoal.encoders")
ORACLES = Kind("oracle", "autoal.oracles")
STOPS = Kind("stop", "autoal.stops")
GROWTHS = Kind("growth", "autoal.growths")
COSTS = Kind("cost", "autoal.costs")
LANGUAGE = "language"  # the parameter by which a part is given the client of a language model
KINDS = (STRATEGIES, DATA, TASKS, ENCODERS, ORACLES, STOPS, GROWTHS, COSTS)


_REST = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


@cache
def _points() -> Any:
    """All entry points, which takes a look at every installed package."""
    return entry_points()


def options(target: Callable[..., Any], filled: Collection[str] = ()) -> dict[str, Any]:
    """The options of a class or function with their defaults: its parameters.

    Args:
        target: whose parameters become options.
        filled: parameters that are no options, since the engine fills them in.

    Returns:
        The default of each; a required one has `Parameter.empty`.
    """
    found: dict[str, Any] = {}
    name = target.__name__ if hasattr(target, "__name__") else str(target)
    for parameter in parameters(target).values():
        if parameter.name in filled:
            continue
        if parameter.kind is Parameter.POSITIONAL_ONLY or parameter.name == "name":
            raise UserError(
                f"{name} has a parameter {parameter.name!r} that cannot be an option: "
                "it is positional-only, or called name"
            )
        if not _plain(parameter.default):
            raise UserError(
                f"{name}: the default of {parameter.name!r} must be a number, a text, "
                f"true, false, null, a list or a mapping of them, got {shortly(parameter.default)}"
            )
        found[parameter.name] = parameter.default
    return found


def parameters(target: Callable[..., Any]) -> dict[str, Parameter]:
    """Those of a class or function; and what a class hands on by **options, to those above it."""
    found: dict[str, Parameter] = {}
    for parameter in _parameters(target):
        found.setdefault(parameter.name, parameter)
    return found


def _parameters(target: Callable[..., Any]) -> list[Parameter]:
    try:
        given = list(_signature(target).parameters.values())
    except ValueError:  # what is written in C may tell of none
        return []
    named = [parameter for parameter in given if parameter.kind not in _REST]
    hands_on = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in given)
    if not (hands_on and isinstance(target, type)):
        return named
    above = [base for base in target.__mro__[1:-1] if "__init__" in vars(base)]
    own = vars(target).get("__init__")
    if own is None:  # inherited: what is handed on goes beyond the class that wrote it
        above = above[1:]
    return named + (_parameters(above[0]) if above else [])


def _signature(target: Callable[..., Any]) -> Signature:
    """With types as annotations, unless their names are there for type checkers alone."""
    with suppress(NameError, AttributeError, TypeError):
        return signature(target, eval_str=True)
    return signature(target)


def _plain(value: Any) -> bool:
    """Whether a default can be written to config.yaml and read again."""
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _plain(inner) for key, inner in value.items())
    return value is None or value is Parameter.empty or type(value) in (bool, int, float, str)
