"""The settings that the files of the choices hold, before single values are changed.

Hydra composes them first and then changes them. Composing them a second time would take as long as
all else that is done before a run starts, so they are copied in between, once this is imported, as
it is by all processes that launchers start.
"""

from __future__ import annotations

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

_change = ConfigLoaderImpl._apply_overrides_to_config
_kept: list[DictConfig] = []


def last() -> DictConfig:
    """Those of what Hydra composed last, an experiment's changes included."""
    return _kept[-1]


def _copied(overrides: list[Override], cfg: DictConfig) -> None:
    own = [str(key) for key in cfg if key != "hydra"]
    _kept[:] = [OmegaConf.masked_copy(cfg, own)]
    _change(overrides, cfg)


ConfigLoaderImpl._apply_overrides_to_config = _copied  # type: ignore[method-assign]
