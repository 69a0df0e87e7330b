"""The command: settings from the command line, a run, and one message about whatever goes wrong.

Nothing here imports torch until the settings are known to be sound.
"""

import errno
import gc
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import hydra
from hydra._internal.hydra import Hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from autoal import __version__, config, launchers, mistakes
from autoal.config import CONFIGS
from autoal.errors import Interrupted, PluginError, UserError, Waiting, until_unread
from autoal.manual import FLAGS, manual
from autoal.record.failure import keep_failure
from autoal.record.layout import ROUNDS
from autoal.record.sweep import Sweep, forgotten
from autoal.settings import Settings
from autoal.spelling import spelled_out

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # errors that do not name what lacks room
STOPS = (signal.SIGINT, signal.SIGTERM)
WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)  # a cluster's warnings that time is nearly over
NEAR = ("BasicLauncher", "JoblibLauncher")  # launchers whose jobs print to the command's terminal
# Hydra composes all settings once more, only to see whether a file says `hydra.mode`.
_COMPOSED_MODE = Hydra.get_mode


@until_unread
def main(arguments: Sequence[str] | None = None) -> int:
    """Run one experiment, or several, with the settings of the command line.

    Returns:
        The exit code: 0, 1 for a plugin that failed, 2 for a request that cannot be met, 75 where
        answers are awaited, 128 and its number for a signal.
    """
    if arguments is not None:
        sys.argv[1:] = arguments
    given = sys.argv[1:]
    if "--version" in given:
        print(f"autoal {__version__}")
        return 0
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra passes its errors on instead of printing them
    # OpenMP's idle threads spin, and stall everybody where cores are shared: spin only briefly.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    if os.getcwd() not in sys.path:  # as if a script beside it had started Python
        sys.path.append(os.getcwd())  # the user's own classes are found there
    try:
        config.register()
        job = _Job()
        sys.argv[1:] = spelled_out(given)
        Hydra.get_mode = _COMPOSED_MODE if _may_set_mode(given) else _no_mode  # type: ignore[assignment]
        if set(given) & set(FLAGS):
            print(manual(sys.argv[1:], _command()))
            return 0
        with _interruptible(), forgotten():
            try:
                hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name="train")(job)()
            except Exception:  # in one run of a sweep, whose other runs are done
                _tell_sweep()
                raise
            _tell_sweep()
        return job.code
    except (Interrupted, KeyboardInterrupt) as stop:
        return _stopped(stop, given)
    except Exception as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        if not refusal.shown:
            _show(refusal)
        return refusal.code


def _may_set_mode(arguments: Sequence[str]) -> bool:
    """Whether the settings may say if this is one run or several, as ours never do."""
    theirs = ("hydra.", "--config", "-c")  # settings and files of the user's own
    beside = (CONFIGS / "experiment").glob("*.yaml")  # ours, and any that the user put there
    return any(argument.lstrip("+~").startswith(theirs) for argument in arguments) or any(
        "mode:" in file.read_text("utf-8") for file in beside
    )


def _no_mode(hydra: Hydra, config_name: str | None, overrides: list[str]) -> Any:
    """The flags alone say it."""


def _tell_sweep() -> None:
    """The progress of the runs of a sweep, if it is one."""
    if sweep := Sweep.current():
        if not sweep.total:
            raise UserError("nothing was run: a range in hydra.sweeper.params is empty")
        from autoal.report.ranked import show_ranked

        show_ranked(sweep.done(), sweep.total)


def _refusal(error: Exception) -> UserError | None:
    """The message to the user; None for a defect."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, HydraException | OmegaConfBaseException):
        return mistakes.explained(error)
    if isinstance(error, ValueError) and str(error).startswith("Config group override"):
        return UserError(f"a choice of a group must be one of its names: {error}")
    if isinstance(error, ValueError) and str(error).startswith(("The --", "Only one of --")):
        return UserError(str(error))  # flags that contradict each other
    if isinstance(error, OSError) and error.filename is not None:
        return UserError(f"cannot use {error.filename}: {error.strerror}")
    if isinstance(error, OSError) and error.errno in FULL:
        return UserError(f"cannot write: {error.strerror}")
    return launchers.explained(error)


def _stopped(stop: BaseException, given: Sequence[str]) -> int:
    """End everything that still runs, and say how to go on; return the exit code."""
    number = stop.signal if isinstance(stop, Interrupted) else signal.SIGINT
    _end_workers()
    again = f"{_command()} {shlex.join(given)}"
    print(
        f"\nstopped by {number.name}; what was finished is safe, and this goes on:\n  {again}",
        file=sys.stderr,
    )
    return 128 + number


def _command() -> str:
    """The start of the command line, as the user typed it."""
    name = Path(sys.argv[0]).name
    return f"python {sys.argv[0]}" if name.endswith(".py") else name


def _in_sweep() -> bool:
    """Whether this is one of many runs, whose messages may go unread."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def _at_the_terminal() -> bool:
    """Whether anyone sees a job's output; on a cluster it goes to a log of its own."""
    return str(HydraConfig.get().launcher._target_).rpartition(".")[2] in NEAR


class _Job:
    """One run: its settings are checked and completed before the work starts."""

    def __init__(self) -> None:
        self.code = 0

    def __call__(self, composed: Any) -> None:
        try:
            with _interruptible():
                filed = config.filed_settings()
                settings = config.settings_of(composed, filed)
                _demand_foreseen(settings, filed)
                with _nothing_collected():
                    from autoal.run import run  # imports torch
                run(settings, keep_refusals=_in_sweep())
        except Interrupted as stop:
            _hand_on(stop)
            raise
        except (UserError, OmegaConfBaseException) as error:
            refusal = error if isinstance(error, UserError) else UserError(str(error))
            _show(refusal)
            self.code = refusal.code
            refusal.shown = _at_the_terminal()
            if _in_sweep():
                raise refusal from error  # Hydra does the other jobs, and then ends with this error


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Import torch with garbage collection off, which would take a quarter of the time."""
    if "torch" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
        gc.freeze()  # later collections skip what was imported
    finally:
        gc.enable()


def _demand_foreseen(settings: Settings, filed: DictConfig) -> None:
    """Refuse whatever can be checked without torch, and record why for the report on a sweep."""
    try:
        config.demand_foreseen(settings, filed)
    except UserError as error:
        folder = Path(settings["out"], settings["name"])
        if _in_sweep() and not (folder / ROUNDS).exists():  # a finished run has not failed
            keep_failure(folder, error)
        raise


def _hand_on(stop: Interrupted) -> None:
    """Pass a warning on to the launcher that waits for it, once the run has stopped."""
    handler = signal.getsignal(stop.signal)
    if stop.signal in WARNINGS and callable(handler):
        handler(stop.signal, None)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into an exception that unwinds; a second one ends at once.

    So do warnings for which a launcher has a handler, who would end the process out of the midst.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        for handled in before:
            signal.signal(handled, signal.SIG_DFL)
        raise Interrupted(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    awaited = (number for number in WARNINGS if callable(signal.getsignal(number)))
    before = {number: signal.getsignal(number) for number in (*STOPS, *awaited)}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_workers() -> None:
    """Kill the processes of a joblib sweep, which would go on alone; runs survive being killed."""
    if "joblib.externals.loky" in sys.modules:
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=False, kill_workers=True)


def _show(error: UserError) -> None:
    trace = error.trace if isinstance(error, PluginError) else ""
    what = "" if isinstance(error, Waiting) else "error: "
    print(f"{trace}{what}{error}", file=sys.stderr)
