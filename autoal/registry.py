"""Installed strategies, ours and everybody's: one entry-point group, read without importing."""

import ast
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoal.errors import UserError, unknown

if TYPE_CHECKING:
    from autoal.query.strategy import QueryStrategy

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
    from autoal.query.strategy import QueryStrategy  # here, since it brings torch

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
    found: dict[str, Any] = {}
    for parameter in signature(strategy).parameters.values():
        if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
            continue
        if parameter.kind is Parameter.POSITIONAL_ONLY or parameter.name == "name":
            raise UserError(
                f"{strategy.__name__} has a parameter {parameter.name!r} that cannot be an option: "
                "it is positional-only, or called name"
            )
        if not _plain(parameter.default):
            raise UserError(
                f"{strategy.__name__}: the default of {parameter.name!r} must be a number, a text, "
                f"true, false, null, a list or a mapping of them, got {parameter.default!r}"
            )
        found[parameter.name] = parameter.default
    return found


def named_options(name: str) -> set[str] | None:
    """The options that a strategy's source names, without importing it, which would bring torch.

    None where the source alone does not tell.
    """
    module, _, wanted = installed()[name].value.partition(":")
    try:
        spec = find_spec(module)
        body = ast.parse(Path(str(spec.origin)).read_text()).body if spec else []
    except (ImportError, SyntaxError, OSError, ValueError):  # loading it says what is wrong
        return None
    return _named(wanted, {node.name: node for node in body if isinstance(node, ast.ClassDef)})


def _named(wanted: str, classes: dict[str, ast.ClassDef]) -> set[str] | None:
    """The options of a class among those of its module, or of the one that it inherits from."""
    if wanted not in classes or classes[wanted].decorator_list:
        return None
    for each in classes[wanted].body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            return {argument.arg for argument in [*each.args.args[1:], *each.args.kwonlyargs]}
    bases = [base.id if isinstance(base, ast.Name) else "" for base in classes[wanted].bases]
    if bases == ["QueryStrategy"]:
        return set()
    return _named(bases[0], classes) if len(bases) == 1 else None


def origin(name: str) -> str:
    """The installed package that a strategy comes from, with its version."""
    package = installed()[name].dist
    return f"{package.name} {package.version}" if package else "unknown"


def _plain(value: Any) -> bool:
    """Whether a default can be written to config.yaml and read again."""
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _plain(each) for key, each in value.items())
    return value is None or value is Parameter.empty or type(value) in (bool, int, float, str)


def build(section: dict[str, Any]) -> "QueryStrategy":
    """The strategy that a section of the settings describes: its name and its options."""
    chosen = {key: value for key, value in section.items() if key != "name"}
    try:
        return load(section["name"])(**chosen)
    except TypeError as error:
        raise UserError(f"strategy {section['name']!r}: {error}") from error
