"""Installed strategies, ours and everybody's: one entry-point group, read without importing."""

from importlib.metadata import EntryPoint, entry_points
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from autoal.errors import UserError, unknown

if TYPE_CHECKING:
    from autoal.strategy import QueryStrategy

GROUP = "autoal.strategies"


def installed() -> dict[str, EntryPoint]:
    """The entry points of all installed strategies by name."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            raise UserError(
                f"two installed packages offer a strategy {point.name!r}: "
                f"{other.value} and {point.value}; uninstall one of them"
            )
    return dict(sorted(found.items()))


def load(name: str) -> "type[QueryStrategy]":
    """The class of the strategy of this name."""
    from autoal.strategy import QueryStrategy  # here, since it brings torch

    points = installed()
    if name not in points:
        raise unknown("strategy", name, points)
    try:
        found = points[name].load()
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"strategy {name!r} cannot be loaded from {points[name].value}: {error}"
        ) from error
    if not (isinstance(found, type) and issubclass(found, QueryStrategy)):
        raise UserError(f"strategy {name!r}: {points[name].value} is not a QueryStrategy class")
    return found


def options(strategy: "type[QueryStrategy]") -> dict[str, Any]:
    """The options of a strategy with their defaults; a required one has `Parameter.empty`."""
    parameters = signature(strategy).parameters.values()
    named = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    return {p.name: p.default for p in parameters if p.kind in named}


def build(section: dict[str, Any]) -> "QueryStrategy":
    """The strategy that a section of the settings describes: its name and its options."""
    chosen = {key: value for key, value in section.items() if key != "name"}
    return load(section["name"])(**chosen)
