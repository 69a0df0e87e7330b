"""A sweep from its beginning to its end, as Hydra calls it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from autoal.record.sweep import Sweep


class Sweeping(Callback):
    """Counts the runs of a sweep before the first of them begins."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        swept = [
            f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()
        ]
        total = runs_of([*swept, *config.hydra.overrides.task])
        Sweep.begun(total, Path(config.hydra.sweep.dir))


def runs_of(overrides: Sequence[str]) -> int:
    """How many runs a command line asks for; of a key that is given twice, the last one counts."""
    parsed = OverridesParser.create().parse_overrides([*overrides])
    counts = {
        override.key_or_group: sum(1 for _ in override.sweep_string_iterator())
        for override in parsed
        if override.is_sweep_override()
    }
    given = {override.key_or_group: override.is_sweep_override() for override in parsed}
    return prod(count for key, count in counts.items() if given[key])
