"""Lightning, kept from saying what nobody asked, and from ending the program."""

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

LOGS = (
    "pytorch_lightning.utilities.rank_zero",
    "lightning_fabric.utilities.rank_zero",
    "lightning_fabric.utilities.distributed",
)


@contextmanager
def contained() -> Iterator[None]:
    """Lightning without its introductions, of which there are three a round, and stopped by Ctrl-C.

    Left alone, it ends the whole process on a KeyboardInterrupt, and ignores the next ones.
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
            # Lightning 2.6 with torch 2.15; nothing that a user could change.
            warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
            # A SearchNet is in eval mode, a FitNet in whatever mode its rehearsal wants.
            warnings.filterwarnings("ignore", message=".*module.s. in eval mode at the start")
            # A GPU that is left idle was left so by `accelerator`.
            warnings.filterwarnings("ignore", message="GPU available but not used")
            # A module of the user's may validate, where the data have rows for it.
            warnings.filterwarnings("ignore", message="You defined a `validation_step` but have")
            # A loss that is NaN is refused in words of our own.
            warnings.filterwarnings("ignore", message="Encountered `nan` values")
            # Whole batches are dealt to the processes: each row is tested once, and in order.
            warnings.filterwarnings("ignore", message="Using `DistributedSampler` with the")
            yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
