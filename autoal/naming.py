"""The default name of a run's folder."""

from __future__ import annotations

import re
from glob import escape
from hashlib import sha256
from pathlib import Path

from autoal.errors import UserError
from autoal.record.config import FREE, changes, read_config
from autoal.record.layout import CONFIG
from autoal.settings import MEMORY, REACHED, Settings, differences, plain

_HASH = re.compile(r"(-[0-9a-f]{8})?")


def run_name(settings: Settings, defaults: Settings, *parts: str, data: str) -> str:
    """The parts, the seed, and a short hash of every other changed setting.

    The choice of `data` counts among these for the user's own files, whose part is their name.

    `rounds` makes no other run: more of them go on with the one that is there. Nor does where it is
    tracked, the way to a language model, or where rows are held.
    """
    name = "-".join([*parts, str(settings["seed"])])
    changed = {
        key: repr(pair[1])
        for key, pair in sorted(differences(defaults, settings).items())
        if key.split(".")[0] not in FREE and key not in ("rounds", "seed", MEMORY, *REACHED)
    }
    if not changed:
        return name
    if data not in parts:
        changed["data"] = data
    return f"{name}-{sha256(repr(changed).encode()).hexdigest()[:8]}"


def subject(choice: str, needed: bool, path: object) -> str:
    """The subject of a run: a data set by its choice, the user's own files by name.

    Args:
        choice: of the group data.
        needed: whether that choice cannot do without a path, which is then one of the user's own.
        path: of the files.
    """
    return Path(str(path)).expanduser().resolve().stem if needed else choice


def kept_name(settings: Settings, name: str, *parts: str) -> str:
    """The older name of the same run, if it was begun under one; otherwise the new one.

    Args:
        settings: complete, but for the name.
        name: the new one.
        parts: what the older name began with, before the seed.
    """
    out = Path(settings["out"])
    if (out / name).exists():
        return name
    older = "-".join([*parts, str(settings["seed"])])
    for folder in sorted(out.glob(f"{escape(older)}*")):
        if _HASH.fullmatch(folder.name.removeprefix(older)) and _holds(folder, settings):
            return folder.name
    return name


def _holds(folder: Path, settings: Settings) -> bool:
    """Whether a folder has a run with these settings, of any number of rounds."""
    try:
        there = read_config(folder / CONFIG).settings
    except UserError:
        return False
    return not changes(there, plain(settings)).keys() - {"rounds"}
