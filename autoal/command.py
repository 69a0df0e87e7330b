"""The command line: Hydra composes the settings, and what a user gets wrong is said in one message.

Nothing here imports torch until the settings are known to be sound.
"""

import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from hydra.types import RunMode
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from autoal import registry
from autoal.errors import UserError, unknown
from autoal.settings import (
    Settings,
    check_keys,
    check_kinds,
    check_names,
    check_options,
    flatten,
    run_name,
    unknown_key,
)

Job = Callable[[Settings], None]
NEAR = ("BasicLauncher", "JoblibLauncher")  # whose jobs print to the terminal of the command


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM; not a KeyboardInterrupt, which Lightning would swallow."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)


def main(job: Job, configs: Path, name: str = "train") -> int:
    """Run the job with the settings of the command line; returns the exit code."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands its errors on instead of printing them
    # OpenMP's idle threads spin, and stall everybody where cores are shared: spin only briefly.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        _register_strategies(configs)
        run = _Job(job, configs, name)
        # Candidates are an open list: naming one, or an option of one, brings it in.
        sys.argv[1:] = [re.sub(r"^(?=strategy\.candidates\.)", "++", each) for each in sys.argv[1:]]
        with _interruptible():
            hydra.main(version_base="1.3", config_path=str(configs), config_name=name)(run)()
        return 2 if run.failed else 0
    except UserError as error:
        if not error.told:
            _tell(error)
        return 2
    except (HydraException, OmegaConfBaseException) as error:
        _tell(_explain(error, configs, name))
        return 2
    except ValueError as error:
        if not str(error).startswith("Config group override"):
            raise
        _tell(UserError(f"a choice of a group must be one of its names: {error}"))
        return 2
    except BrokenPipeError:
        # The reader of the output is gone, as `head` is after some lines.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:
        if error.filename is None:
            raise
        _tell(UserError(f"cannot use {error.filename}: {error.strerror}"))
        return 2
    except Exception as error:
        if type(error).__name__ != "TerminatedWorkerError":  # joblib's, imported by a sweep alone
            raise
        _tell(
            UserError(
                "a process of the sweep was killed, which the want of memory may be the reason of; "
                "what was finished is safe, and the same command does the rest: "
                "hydra.launcher.n_jobs= says how many run at once"
            )
        )
        return 2
    except (Interrupted, KeyboardInterrupt) as stop:
        number = stop.signal if isinstance(stop, Interrupted) else signal.SIGINT
        _end_workers()
        again = shlex.join(["python", *sys.argv])
        print(
            f"\nstopped by {number.name}; what was finished is safe, and this goes on:\n  {again}",
            file=sys.stderr,
        )
        return 128 + number


def build(section: Settings, **parts: Any) -> Any:
    """The object that a section of the settings describes by its `_target_`."""
    try:
        return hydra.utils.instantiate(section, **parts)
    except InstantiationException as error:
        causes = list(_causes(error))
        absent = re.search(r"Error locating target '([^']+)'", str(error))
        if absent:
            raise UserError(
                f"there is no {absent[1]}, which a _target_ names: {causes[-1]}"
            ) from error
        cause = causes[1] if len(causes) > 1 else error
        if isinstance(cause, (ValueError, TypeError)):
            raise UserError(f"{section['_target_']}: {cause}") from error
        raise cause from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


@contextmanager
def refused() -> Iterator[None]:
    """A ValueError in here is the user's: a request that cannot be met."""
    try:
        yield
    except ValueError as error:
        raise UserError(str(error)) from error


def in_sweep() -> bool:
    """Whether this is one of many runs, whose messages nobody may be watching."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def _at_the_terminal() -> bool:
    """Whether what a job prints is seen; on a cluster it goes to a log of its own."""
    return str(HydraConfig.get().launcher._target_).rpartition(".")[2] in NEAR


class _Job:
    """One run: settings are checked, completed and named before the work starts."""

    def __init__(self, job: Job, configs: Path, name: str) -> None:
        self.job = job
        self.configs = configs
        self.name = name
        self.failed = False

    def __call__(self, config: Any) -> None:
        try:
            with _interruptible():
                self.job(self._settings(config))
        except (UserError, OmegaConfBaseException) as error:
            refusal = error if isinstance(error, UserError) else UserError(str(error))
            _tell(refusal)
            self.failed = True
            refusal.told = _at_the_terminal()
            if in_sweep():
                raise refusal from error  # Hydra does the other jobs, and ends with this error

    def _settings(self, config: Any) -> Settings:
        choices = {
            group: choice
            for group, choice in HydraConfig.get().runtime.choices.items()
            if not group.startswith("hydra/") and choice is not None
        }
        defaults = self._compose(choices)
        check_keys(_common(_container(config, resolve=False)), _common(defaults))
        settings = _container(config)
        check_kinds(_common(settings), _common(defaults))
        strategy = defaults["strategy"]["name"]
        settings["strategy"] = _complete(settings.get("strategy", {}), strategy)
        if settings["name"] in (None, ""):
            plain = self._compose({key: choices[key] for key in ("data", "strategy")})
            plain["strategy"] = _complete(plain["strategy"], strategy)
            settings["name"] = run_name(settings, plain, choices["data"], choices["strategy"])
        settings["name"] = _folder_name(settings["name"])
        return settings

    def _compose(self, choices: dict[str, str]) -> Settings:
        return _defaults(self.configs, self.name, choices)


def _folder_name(name: Any) -> str:
    """The name of a run as that of one folder."""
    text = str(name)
    if isinstance(name, list | dict) or text in (".", "..") or "/" in text or "\0" in text:
        raise UserError(f"name={name}: must be the name of one folder; out= says where it is")
    return text


def _common(settings: Settings) -> Settings:
    """The settings without the options of the strategy, which only its class knows."""
    return {**settings, "strategy": None}


def _complete(given: Settings, name: str) -> Settings:
    """The strategy's section with all of its options."""
    if given.get("name") != name:
        raise UserError("strategy.name cannot be changed or removed; give strategy=<name>")
    options = {key: value for key, value in given.items() if key != "name"}
    named = registry.named_options(name)  # a misspelt option is answered before torch is imported
    if named is not None:
        check_names(options, named, f"strategy {name!r}")
    complete = check_options(options, registry.options(registry.load(name)), f"strategy {name!r}")
    return {"name": name, **complete}


def _register_strategies(configs: Path) -> None:
    """Every installed strategy is a choice of the group `strategy`; its options are left open.

    Those with a file of their own say their options there.
    """
    files = {path.stem for path in (configs / "strategy").glob("*.yaml")}
    for name in registry.installed().keys() - files:
        node = OmegaConf.create({"name": name}, flags={"struct": False})
        ConfigStore.instance().store(name=name, group="strategy", node=node, provider="installed")


def _defaults(configs: Path, name: str, choices: dict[str, str], resolve: bool = True) -> Settings:
    """The settings that these choices of groups give, before any single value is changed."""
    overrides = [f"{group}={choice}" for group, choice in choices.items()]
    with _hydra_set_aside(), initialize_config_dir(version_base="1.3", config_dir=str(configs)):
        return _container(compose(name, overrides), resolve)


@contextmanager
def _hydra_set_aside() -> Iterator[None]:
    """Let a second composition run inside `hydra.main`, which holds the only place for one."""
    place = GlobalHydra.instance()
    running = place.hydra
    place.clear()
    try:
        yield
    finally:
        place.hydra = running


def _container(config: Any, resolve: bool = True) -> Settings:
    plain = OmegaConf.to_container(config, resolve=resolve)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _explain(error: Exception, configs: Path, name: str) -> UserError:
    """Hydra's error in our words: what came, what would do, what is nearest."""
    if isinstance(error, MissingConfigException) and error.options:
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        return unknown(group or "config", choice, error.options)
    if isinstance(error, OverrideParseException):
        return UserError(f"cannot read {error.override!r}; options are given as key=value")
    missing = re.search(r"Could not (?:override|append to|delete from) '([^']+)'", str(error))
    if isinstance(error, ConfigCompositionException) and missing:
        choices = dict(part.split("=", 1) for part in sys.argv[1:] if _chooses(part, configs))
        return unknown_key(missing[1], flatten(_defaults(configs, name, choices, resolve=False)))
    return UserError(str(error))


def _chooses(argument: str, configs: Path) -> bool:
    """Whether an argument names one existing choice of a config group."""
    group, _, choice = argument.partition("=")
    return (configs / group / f"{choice}.yaml").is_file()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into an exception that unwinds; a second one ends at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        raise Interrupted(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_workers() -> None:
    """Kill the processes of a joblib sweep, which would go on alone; runs bear being killed."""
    if "joblib.externals.loky" in sys.modules:
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=False, kill_workers=True)


def _tell(error: UserError) -> None:
    print(f"error: {error}", file=sys.stderr)
