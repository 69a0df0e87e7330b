"""What Hydra refuses in a command line, told in our words."""

from __future__ import annotations

import re

from hydra.errors import (
    ConfigCompositionException,
    MissingConfigException,
    OverrideParseException,
)

from autoal import unchanged
from autoal.config import CONFIGS, START_IN_A_FILE, container, read
from autoal.errors import UserError, unknown
from autoal.settings import flatten, unknown_key


def explained(error: Exception) -> UserError:
    """Hydra's error in our words: what came, what is allowed, what is nearest."""
    if isinstance(error, MissingConfigException) and error.options:
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        refusal = unknown(group or "config", choice, error.options)
        extra = "\n  others come with an extra: pip install 'autoal[slurm]' or 'autoal[ray]'"
        return UserError(f"{refusal}{extra}") if group == "hydra/launcher" else refusal
    if isinstance(error, OverrideParseException):
        return UserError(
            f"cannot read {error.override!r}; options are given as key=value, "
            """and values with unusual characters in quotes: 'key="value"'"""
        )
    if several := re.search(
        r"(?:Ambiguous value for argument|Sweep parameters) '(.+?)'", str(error)
    ):
        return UserError(
            f"{several[1]}: these are several values; add -m to do a run with each of them; "
            "one value that is a list stands in brackets, key=[a,b]"
        )
    missing = re.search(r"Could not (?:override|append to|delete from) '([^']+)'", str(error))
    if isinstance(error, ConfigCompositionException) and missing:
        if missing[1] == "start.size":
            return UserError(START_IN_A_FILE)
        if missing[1].startswith("hydra."):
            return UserError(
                f"unknown option of Hydra: {missing[1]!r}; --hydra-help lists them, "
                "and a + before it adds one where that is possible"
            )
        if "No match in the defaults list" in str(error):
            return _without_part(missing[1])
        kept = unchanged.last()
        known = flatten(container(kept, resolve=False)) if kept else {}
        return unknown_key(missing[1].replace("/", "."), known)
    return UserError(str(error))


def _without_part(key: str) -> UserError:
    """The error for a choice inside a group, such as oracle/human, that few of its choices have."""
    group, _, part = key.rpartition("/")
    files = sorted((CONFIGS / group).glob("*.yaml"))
    having = [f"{group}={file.stem}" for file in files if _offers(f"{group}/{file.stem}", part)]
    name = key.replace("/", ".")
    if not having:
        return UserError(f"{name} cannot be set: the chosen {group} has none")
    return UserError(f"{name} goes with {' or '.join(having)}: give that too")


def _offers(name: str, part: str) -> bool:
    """Whether a file has a choice of this name in its list of defaults."""
    defaults = read(name).get("defaults", [])
    return any(part in entry for entry in defaults if isinstance(entry, dict))
