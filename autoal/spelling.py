"""The command line as given, and in the form that Hydra reads."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, RangeSweep
from hydra.errors import HydraException

from autoal.building import TARGET
from autoal.config import CONFIGS, VALUED
from autoal.cycle import startfile
from autoal.errors import UserError
from autoal.plugins import STRATEGIES

INSIDE = ("oracle.human", "costs.simulated")  # nested choices, which Hydra spells differently


def spelled_out(arguments: Sequence[str]) -> list[str]:
    """The command line with abbreviations written in full.

    Full spellings stay unchanged, as other processes of a run receive them again.
    """
    swapped = [
        override.partition(f".{TARGET}=")[0].lstrip("+")
        for override in arguments
        if f".{TARGET}=" in override
    ]
    opened = ("strategy.", "start.", *(f"{section}." for section in swapped))
    ordered = _flags_first(arguments)
    return [part for given in ordered for part in _in_full(_readable(given), opened)]


def _flags_first(arguments: Sequence[str]) -> list[str]:
    """The same, since Hydra reads no settings after a flag that stands among them."""

    def is_setting(pair: tuple[str, str]) -> bool:
        before, given = pair
        return not given.startswith("-") and before not in VALUED

    return [given for _, given in sorted(pairwise(["", *arguments]), key=is_setting)]


def _in_full(argument: str, opened: tuple[str, ...]) -> Iterator[str]:
    """The full form of an argument, given the open sections."""
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
            f"{key}={{...}} would be merged with the existing options: give each of its "
            f"options, {key}.<option>=, or take one out, ~{key}.<option>"
        )
    else:
        # In an open section, naming an option or a candidate adds it.
        yield f"++{argument}" if argument.startswith(opened) else argument


def _names_files(value: str) -> bool:
    """Whether these are files of rows, rather than strategies, numbers or a section."""
    if value.startswith(("{", "[")) or re.match(r"[-+.\d,]*$|range\(", value):
        return False
    return all(
        "/" in name
        or Path(name).suffix
        or (Path(name).is_file() and name not in STRATEGIES.installed())
        for name in value.strip("\"'").split(",")
    )


def _readable(argument: str) -> str:
    """An argument that Hydra can read: values with unusual characters get quotes."""
    key, given, value = argument.partition("=")
    if not given or key.startswith("-"):
        return argument
    try:
        _demand_usable(OverridesParser.create().parse_override(argument))
    except HydraException:
        # Hydra refuses malformed lists, mappings and quoted texts.
        if value.startswith(("[", "{", '"', "'")):
            return argument
        return f"{key}={','.join(map(_quoted, value.split(',')))}"
    return argument


def _demand_usable(override: Override) -> None:
    """Refuse what would crash Hydra, or what it would silently ignore."""
    key, value = override.key_or_group, override.value()
    if isinstance(value, RangeSweep) and not [*override.sweep_iterator()]:
        raise UserError(f"{override.input_line}: this range is empty, so nothing would run")
    names = value if isinstance(value, list) else []
    if (CONFIGS / key).is_dir() and not all(isinstance(name, str) for name in names):
        raise UserError(f"{override.input_line}: a choice of {key!r} must be one of its names")


def _quoted(value: str) -> str:
    """A text in double quotes; Hydra wants every backslash before a quote doubled."""
    escaped = re.sub(r'(\\*)"', r"\1\1\\" + '"', value)
    return f'"{escaped}{_trailing(value)}"'


def _trailing(value: str) -> str:
    return value[len(value.rstrip("\\")) :]
