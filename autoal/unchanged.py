"""The settings that the files of the choices hold, before single values are changed.

Hydra composes them first and then changes them. Composing them a second time would take as long as
all else that is done before a run starts, so they are copied in between, once this is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

_change = ConfigLoaderImpl._apply_overrides_to_config
_kept: list[DictConfig] = []


def last() -> DictConfig | None:
    """Those of what Hydra composed last, an experiment's changes included.

    None where it composed nothing: Ray sends what another process has composed.
    """
    return _kept[-1] if _kept else None


@contextmanager
def aside() -> Iterator[None]:
    """Let something be composed that is no run's."""
    before = [*_kept]
    try:
        yield
    finally:
        _kept[:] = before


def _copied(overrides: list[Override], cfg: DictConfig) -> None:
    own = [str(key) for key in cfg if key != "hydra"]
    _kept[:] = [OmegaConf.masked_copy(cfg, own)]
    _change(overrides, cfg)


ConfigLoaderImpl._apply_overrides_to_config = _copied  # type: ignore[method-assign]
