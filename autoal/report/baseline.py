"""The random run that belongs to another one: the same setting and seed, so the same start."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autoal.errors import UserError
from autoal.record.config import changes, read_config
from autoal.record.finished import finished_rounds
from autoal.record.layout import CONFIG
from autoal.record.round import Round
from autoal.report.groups import BASELINE
from autoal.settings import Settings, plain

OTHERWISE = ("rounds", "strategy", "trainer")  # settings that may differ there


def random_beside(path: Path, config: Mapping[str, Any]) -> list[Round]:
    """Its rounds, if it is finished and in the same folder; none for a run that is itself random.

    Args:
        path: of the folder of the other run.
        config: of that run.
    """
    here = plain(config)
    if here.get("strategy", {}).get("name") in (None, BASELINE):
        return []
    for place in sorted(path.parent.iterdir()):
        if place != path and _may_be(place / CONFIG, here) and (found := _rounds(place, here)):
            return found
    return []


def _may_be(file: Path, here: Settings) -> bool:
    """Whether a config may belong to that run; this check is fast, as there may be hundreds."""
    try:
        content = file.read_text()
    except (OSError, ValueError):
        return False
    return f"\n  name: {BASELINE}\n" in content and f"\nseed: {here.get('seed')}\n" in content


def _rounds(place: Path, here: Settings) -> list[Round]:
    try:
        there = read_config(place / CONFIG).settings
        if there.get("strategy") != {"name": BASELINE} or not _alike(there, here):
            return []
        _, rounds = finished_rounds(place)
    except UserError:  # the report says what is wrong with it
        return []
    return rounds if there.get("rounds") == len(rounds) - 1 else []


def _alike(there: Settings, here: Settings) -> bool:
    """Whether they differ only in settings that may differ."""
    return all(key.split(".")[0] in OTHERWISE for key in changes(there, here))
