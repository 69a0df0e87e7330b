"""A callback of Hydra for a sweep: how many runs it has, and what it tells of those that failed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from autoal.errors import UserError
from autoal.record.sweep import Sweep


class Refused(JobReturn):
    """The end of a run that has said why it is not done; Hydra would print its settings too."""

    @property  # type: ignore[misc]  # nobody sets it again
    def return_value(self) -> Any:
        raise self._return_value


class Sweeping(Callback):
    """Counts the runs before the first of them begins, and lets each speak for itself."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        params = config.hydra.sweeper.get("params") or {}
        swept = [f"{key}={value}" for key, value in params.items()]
        total = runs_of([*swept, *config.hydra.overrides.task])
        with suppress(OSError):  # the first run reports it
            if total is not None:
                Sweep.begun(total, Path(config.hydra.sweep.dir))

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        if isinstance(job_return._return_value, UserError):
            job_return.__class__ = Refused


def runs_of(overrides: Sequence[str]) -> int | None:
    """How many runs a command line asks for; if a key is given twice, the last one counts.

    None if only another kind of sweeper knows, as for `interval(0,1)`.
    """
    loader = GlobalHydra.instance().config_loader() if GlobalHydra().is_initialized() else None
    parsed = OverridesParser.create(config_loader=loader).parse_overrides([*overrides])
    last = {override.key_or_group: override for override in parsed}
    swept = [override for override in last.values() if override.is_sweep_override()]
    if not all(override.is_discrete_sweep() for override in swept):
        return None
    return prod(sum(1 for _ in override.sweep_string_iterator()) for override in swept)
