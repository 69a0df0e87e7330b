"""Keeps Lightning from printing what nobody asked for, and from ending the program."""

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from lightning_fabric.utilities import registry

LOGS = (
    "pytorch_lightning.utilities.rank_zero",
    "lightning_fabric.utilities.rank_zero",
    "lightning_fabric.utilities.distributed",
    "pytorch_lightning.accelerators.cuda",
)

# Every Trainer asks all installed packages for callbacks: with 200, as long as a small fit takes.
if hasattr(registry, "entry_points"):  # which is Lightning's own affair, and may move
    registry.entry_points = cache(registry.entry_points)


@contextmanager
def contained() -> Iterator[None]:
    """Run Lightning without its banners in every round, and let Ctrl-C stop it.

    By itself, it ends the whole process on a KeyboardInterrupt, and ignores further ones.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        with _quiet():
            yield
    except SystemExit as stop:
        if not isinstance(stop.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise stop.__context__ from None


@contextmanager
def _quiet() -> Iterator[None]:
    logs = [logging.getLogger(name) for name in LOGS]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # From Lightning 2.6 with torch 2.15; users can do nothing about it.
            warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
            # A SearchNet is in eval mode, a FitNet in the mode its rehearsal wants.
            warnings.filterwarnings("ignore", message=".*module.s. in eval mode at the start")
            # If a GPU is idle, `accelerator` says so.
            warnings.filterwarnings("ignore", message="GPU available but not used")
            # A user's module may validate if the data has rows for it.
            warnings.filterwarnings("ignore", message="You defined a `validation_step` but have")
            # A NaN loss gets our own message.
            warnings.filterwarnings("ignore", message="Encountered `nan` values")
            # Processes get whole batches: each row is tested once, and in order.
            warnings.filterwarnings("ignore", message="Using `DistributedSampler` with the")
            yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
