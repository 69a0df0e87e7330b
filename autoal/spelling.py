"""The command line as it is given, and as Hydra reads it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, RangeSweep
from hydra.errors import HydraException

from autoal.building import TARGET
from autoal.config import CONFIGS
from autoal.cycle import startfile
from autoal.errors import UserError
from autoal.plugins import STRATEGIES

INSIDE = ("oracle.human", "costs.simulated")  # choices inside of choices; Hydra spells them else


def spelled_out(arguments: Sequence[str]) -> list[str]:
    """The command line with what is short for something else written in full.

    What is in full stays so, as other processes of a run are given it again.
    """
    swapped = [
        override.partition(f".{TARGET}=")[0].lstrip("+")
        for override in arguments
        if f".{TARGET}=" in override
    ]
    opened = ("strategy.", "start.", *(f"{section}." for section in swapped))
    return [part for given in arguments for part in _in_full(_readable(given), opened)]


def _in_full(argument: str, opened: tuple[str, ...]) -> Iterator[str]:
    """What an argument is short for, where the sections that begin with these are open."""
    key, _, value = argument.partition("=")
    if key == "start" and value != startfile.NAME and _names_files(value):
        yield f"start={startfile.NAME}"
        yield f"start.path={value}"
    elif re.match(r"start=([-+.\d]|range\()", argument):
        yield f"start.size={value}"
    elif key in INSIDE:
        yield f"{key.replace('.', '/')}={value}"
    elif re.match(r"\+*(strategy|start)\.\w+=\{", argument):
        key = key.lstrip("+")
        raise UserError(
            f"{key}={{...}} would join what is there, and not take its place: give each of its "
            f"options, {key}.<option>=, or take one out, ~{key}.<option>"
        )
    else:
        # In an open section, naming an option, or a candidate, brings it in.
        yield f"++{argument}" if argument.startswith(opened) else argument


def _names_files(value: str) -> bool:
    """Whether these are files of rows, and not strategies, numbers or a section."""
    if value.startswith(("{", "[")) or re.match(r"[-+.\d,]*$|range\(", value):
        return False
    return all(
        "/" in name
        or Path(name).suffix
        or (Path(name).is_file() and name not in STRATEGIES.installed())
        for name in value.strip("\"'").split(",")
    )


def _readable(argument: str) -> str:
    """An argument that Hydra can read: a value of unusual characters is put in quotes."""
    key, given, value = argument.partition("=")
    if not given or key.startswith("-"):
        return argument
    try:
        _demand_usable(OverridesParser.create().parse_override(argument))
    except HydraException:
        # What is meant as a list, a mapping or a text in quotes is left to Hydra to refuse.
        if value.startswith(("[", "{", '"', "'")):
            return argument
        return f"{key}={','.join(map(_quoted, value.split(',')))}"
    return argument


def _demand_usable(override: Override) -> None:
    """Refuse what Hydra would stumble over, or do nothing about and say nothing."""
    key, value = override.key_or_group, override.value()
    if isinstance(value, RangeSweep) and not [*override.sweep_iterator()]:
        raise UserError(f"{override.input_line}: nothing is in this range, so nothing would be run")
    names = value if isinstance(value, list) else []
    if (CONFIGS / key).is_dir() and not all(isinstance(name, str) for name in names):
        raise UserError(f"{override.input_line}: a choice of {key!r} must be one of its names")


def _quoted(value: str) -> str:
    """A text in double quotes, before which Hydra wants every backslash doubled."""
    escaped = re.sub(r'(\\*)"', r"\1\1\\" + '"', value)
    return f'"{escaped}{_trailing(value)}"'


def _trailing(value: str) -> str:
    return value[len(value.rstrip("\\")) :]
