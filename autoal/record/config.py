"""The settings in a run folder, read strictly; nothing here needs torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from autoal.errors import UserError
from autoal.record.kinds import MAPPING, TEXT
from autoal.settings import Settings, plain

# Several times faster, where PyYAML was built with it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Config(NamedTuple):
    """What config.yaml says."""

    settings: Settings
    about: Settings  # the run's `id`, and the `versions` of its first start


def read_config(path: Path) -> Config:
    """The config in this file; a UserError says what is amiss with it."""
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
    """The content of the file that says this."""
    return yaml.safe_dump({**config.settings, "about": config.about}, sort_keys=False).encode()


def _demand_about(about: Any) -> None:
    MAPPING.demand("about", about)
    TEXT.demand("about.id", about.get("id"))
    MAPPING.demand("about.versions", about.get("versions", {}))


def _demand_tree(value: Any) -> None:
    """Refuse what refers to itself or to one thing twice, which may grow without end when read."""
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
