"""The content of the choices' files: remarks, options, and settings that they bring along."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autoal import remarks
from autoal.config import CONFIGS, read
from autoal.foresight import EPOCHS
from autoal.remarks import Remarks
from autoal.settings import Settings, flatten


def filed(name: str, group: str) -> Remarks:
    """A file's remarks on itself and its options, completed by those of files that it builds on."""
    path = CONFIGS / f"{name}.yaml"
    told = remarks.of_file(path) if path.exists() else Remarks()
    own = {key.removeprefix(f"{group}."): remark for key, remark in told.options.items()}
    told = Remarks(told.head, own)
    for base in _bases(_content(name), group):
        told = told.over(Remarks(options=filed(base, group).options))
    return told


def brought(name: str, group: str) -> Settings:
    """The settings outside its own section of a file, or of those that it builds on."""
    if not _is_global(name):
        return {}
    content = _content(name)
    entries = [entry for entry in content.get("defaults", []) if isinstance(entry, dict)]
    choices = {key: choice for entry in entries for key, choice in entry.items()}
    others = {
        key: value for key, value in content.items() if key not in ("defaults", group, "hydra")
    }
    found = {key.removeprefix("override /"): choice for key, choice in choices.items()}
    found |= flatten(others)
    if EPOCHS in content.get(group, {}):
        found["task.epochs"] = content[group][EPOCHS]
    for base in _bases(content, group):
        found = {**brought(base, group), **found}
    return found


def _is_global(name: str) -> bool:
    path = CONFIGS / f"{name}.yaml"
    return path.exists() and path.read_text().startswith("# @package _global_")


def _bases(content: Settings, group: str) -> Iterator[str]:
    """The files that one builds on for the same section, the last and strongest first."""
    for entry in reversed(content.get("defaults", [])):
        if isinstance(entry, str) and (
            found := re.fullmatch(rf"/([\w/]+)@(_here_|_global_|{group})", entry)
        ):
            yield found[1]
        elif isinstance(entry, str) and re.fullmatch(r"(?!_self_)\w+", entry):
            yield f"{group}/{entry}"


def _content(name: str) -> Settings:
    return read(name) if (CONFIGS / f"{name}.yaml").exists() else {}
