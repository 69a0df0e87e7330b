"""Plugins of every kind, ours and others': entry points, read without importing them."""

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

    noun: str  # the word for one of them in messages
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
        """The object behind the entry point of this name."""
        points = self.installed()
        if name not in points:
            raise unknown(self.noun, name, points)
        value = points[name].value
        try:
            with unending():
                found = points[name].load()
        except Exception as error:  # somebody else's module may raise anything
            why = f"{type(error).__name__}: {error}"
            raise UserError(f"{self.noun} {name!r} cannot be loaded from {value}: {why}") from error
        if not callable(found):
            raise UserError(f"{self.noun} {name!r}: {value} is not a class or function")
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
LANGUAGE = "language"  # the parameter that receives the client of a language model
KINDS = (STRATEGIES, DATA, TASKS, ENCODERS, ORACLES, STOPS, GROWTHS, COSTS)


_REST = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


@cache
def _points() -> Any:
    """All entry points; finding them scans every installed package."""
    return entry_points()


def options(target: Callable[..., Any], filled: Collection[str] = ()) -> dict[str, Any]:
    """The options of a class or function with their defaults: its parameters.

    Args:
        target: the class or function whose parameters become options.
        filled: parameters that are not options, since the engine fills them in.

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
                "it is positional-only, or named name"
            )
        if not _plain(parameter.default):
            raise UserError(
                f"{name}: the default of {parameter.name!r} must be a number, a text, "
                f"true, false, null, a list or a mapping of them, got {shortly(parameter.default)}"
            )
        found[parameter.name] = parameter.default
    return found


def parameters(target: Callable[..., Any]) -> dict[str, Parameter]:
    """The parameters of a class or function, and of the base classes it passes **options to."""
    found: dict[str, Parameter] = {}
    for parameter in _parameters(target):
        found.setdefault(parameter.name, parameter)
    return found


def _parameters(target: Callable[..., Any]) -> list[Parameter]:
    try:
        given = list(_signature(target).parameters.values())
    except ValueError:  # classes written in C may have none
        return []
    named = [parameter for parameter in given if parameter.kind not in _REST]
    hands_on = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in given)
    if not (hands_on and isinstance(target, type)):
        return named
    above = [base for base in target.__mro__[1:-1] if "__init__" in vars(base)]
    own = vars(target).get("__init__")
    if own is None:  # inherited: options are passed on beyond the defining class
        above = above[1:]
    return named + (_parameters(above[0]) if above else [])


def _signature(target: Callable[..., Any]) -> Signature:
    """The signature with resolved annotations, unless names exist only for type checkers."""
    with suppress(NameError, AttributeError, TypeError):
        return signature(target, eval_str=True)
    return signature(target)


def _plain(value: Any) -> bool:
    """Whether a default can be written to config.yaml and read back."""
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _plain(inner) for key, inner in value.items())
    return value is None or value is Parameter.empty or type(value) in (bool, int, float, str)
