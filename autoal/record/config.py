"""The settings in a run folder, read strictly; nothing here needs torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from autoal.costs.units import LABELS
from autoal.errors import UserError
from autoal.record.kinds import MAPPING, TEXT
from autoal.settings import ABSENT, FEATURES, MEMORY, REACHED, Settings, differences, plain

# Several times faster, if PyYAML was built with it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


# Where a run reports to, where people find it, and whether unreadable new files are left out makes
# no difference to what it computes.
FREE = ("logger", "name", "out")
_FOUND_AT = ("host", "open", "port", "url", "wait")
_ORACLES = ("oracle", "oracle.human")
_OPEN = (
    *(f"{place}.{name}" for place in _ORACLES for name in _FOUND_AT),
    "data.corrupt",
    MEMORY,
    *REACHED,
)
_PEOPLE = tuple(f"{place}.people" for place in _ORACLES)  # names; for a crowd, their number
# Settings that may grow, and what messages say about them.
MORE = {
    "rounds": "; a plan can only grow",
    "budget": "; a list goes on only after a list that it begins with",
    "data.classes": "; a class with labels can be neither removed nor renamed, new ones go last",
}

# Settings younger than the folder, and unused.
UNHEARD: tuple[tuple[Any, Any], ...] = (
    *((ABSENT, None), (ABSENT, {}), (ABSENT, False)),
    (ABSENT, LABELS),
    (ABSENT, FEATURES[0]),
)
# Values of younger settings for folders begun without them.
BEFORE = {"trainer.devices": 1, "trainer.num_nodes": 1, "trainer.strategy": "auto"}

Changes = Mapping[str, tuple[Any, Any]]  # by dotted key: the folder's value, and the requested one


class Config(NamedTuple):
    """The content of config.yaml."""

    settings: Settings
    about: Settings  # the run's `id`, and the `versions` of its first start


def read_config(path: Path) -> Config:
    """The config in this file; a UserError says what is wrong with it."""
    try:
        found = yaml.load(path.read_bytes(), _LOADER)
        _demand_tree(found)
        MAPPING.demand("the whole", found)
        settings = plain(found)
        about = settings.pop("about", None)
        _demand_about(about)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is not the config of a run: {_in_a_line(error)}") from error
    return Config(settings, about)


def config_bytes(config: Config) -> bytes:
    """The bytes of the file with this content."""
    return yaml.safe_dump({**config.settings, "about": config.about}, sort_keys=False).encode()


def changes(there: Settings, here: Settings) -> Changes:
    """The requested settings that differ from a folder's and matter."""
    found = differences(there, here)
    return {
        key: pair
        for key, pair in found.items()
        if key.split(".")[0] not in FREE
        and not is_open(key, *pair)
        and pair not in (*UNHEARD, (ABSENT, BEFORE.get(key, ABSENT)))
    }


def is_open(key: str, *values: Any) -> bool:
    """Whether these values of a setting only say where people find a run, and who they are."""
    return key in _OPEN or (key in _PEOPLE and not any(isinstance(one, int) for one in values))


def demand_more(folder: Path, changed: Changes) -> None:
    """Refuse settings that differ from those of a folder with rounds, unless they ask for more."""
    told = [
        f"  {key}: {there} in the folder, {here} now" + MORE.get(key, "")
        for key, (there, here) in changed.items()
        if not _is_more(key, there, here)
    ]
    if told:
        raise UserError(
            f"{folder} holds a run of another config:\n"
            + "\n".join(told)
            + "\n  give another name= to start a new run"
        )


def _is_more(key: str, there: Any, here: Any) -> bool:
    """Whether this is only a longer plan that begins like the existing one."""
    if key == "rounds":
        return type(there) is int and (here is None or (type(here) is int and here > there))
    lists = isinstance(there, list) and isinstance(here, list)
    return key in MORE and lists and here[: len(there)] == there


def _demand_about(about: Any) -> None:
    MAPPING.demand("about", about)
    TEXT.demand("about.id", about.get("id"))
    MAPPING.demand("about.versions", about.get("versions", {}))


def _demand_tree(value: Any) -> None:
    """Refuse references to itself or repeated ones, which may grow without end when read."""
    seen: set[int] = set()
    for part in _parts(value):
        if id(part) in seen:
            raise UserError("it refers to a part of itself (&, *)")
        seen.add(id(part))


def _parts(value: Any) -> Iterator[Any]:
    """Every mapping and list in a value, outer ones first."""
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, Mapping | list):
            yield part
            left += part.values() if isinstance(part, Mapping) else part


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())
