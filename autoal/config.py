"""The settings of a run: Hydra composes them from files, plugins and the command line.

Nothing here imports torch until the settings are known to be sound.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache, partial
from inspect import Parameter
from pathlib import Path
from typing import Any

import yaml
from hydra import compose
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from autoal import plugins, unchanged
from autoal.building import TARGET, located
from autoal.cycle import startfile
from autoal.errors import UserError, unknown
from autoal.foresight import (
    DECLARED,
    NEEDS,
    ROWS,
    demand_feasible,
    demand_given,
    demand_partner,
    may_grow,
    partners_of,
)
from autoal.naming import kept_name, run_name, subject
from autoal.plugins import (
    COSTS,
    DATA,
    ENCODERS,
    GROWTHS,
    LANGUAGE,
    ORACLES,
    STOPS,
    STRATEGIES,
    TASKS,
    Kind,
)
from autoal.record.config import FREE
from autoal.settings import (
    Settings,
    completed,
    demand_keys,
    demand_kind,
    demand_kinds,
    demand_names,
    flatten,
)

_INSIDE = Path(__file__).resolve().parent / "configs"  # of an installed package
CONFIGS = _INSIDE if _INSIDE.is_dir() else _INSIDE.parents[1] / "configs"  # or of a checkout

# Flags of Hydra that take a value.
VALUED = (
    *("--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp", "--package", "-p"),
    *("--cfg", "-c", "--info", "-i", "--experimental-rerun"),
)
NAMED = ("strategy", "start")  # groups whose choices are strategies, by name
# Groups whose choices name a class; the engine fills in the parameters beside them.
TARGETED: dict[str, tuple[Kind, tuple[str, ...]]] = {
    "data": (DATA, ()),
    "encoder": (ENCODERS, ()),
    "task": (
        TASKS,
        ("shape", "classes", "class_names", "preprocess", "training", LANGUAGE, "words"),
    ),
    "oracle": (ORACLES, ("labels", "oracle", "strategy", "data", "folder", "learner", LANGUAGE)),
    "stop": (STOPS, ()),
    "costs": (COSTS, ("seed", "simulated")),
    "growth": (GROWTHS, ("data", "plan", "folder", "seed", "training", LANGUAGE)),
}

OWN = "unlabelled"  # the choice of data= whose runs are named after what they label

START_IN_A_FILE = "a start that a file gives as a number must be a section, start: {size: <number>}"


def register() -> None:
    """Make every installed plugin a choice of its group, beside those that have a file."""
    # There is one store, and it copies whatever it returns. Help lists a hundred groups, and Hydra
    # would copy all of it for each.
    ConfigStore.__deepcopy__ = lambda store, memo: store  # type: ignore[attr-defined]
    known, size = read("strategies"), read("start/random")["size"]
    for name in STRATEGIES.installed():
        options = known.get(name, {})
        _offer(STRATEGIES, "strategy", name, {"name": name, **options}, ours=name in known)
        start = {"name": name, "size": size, **options}
        _offer(STRATEGIES, "start", name, start, ours=name in known)
    for group, (kind, _) in TARGETED.items():
        for name, point in kind.installed().items():
            _offer(kind, group, name, {TARGET: point.value.replace(":", ".")})
    OmegaConf.register_new_resolver("subject", _subject, replace=True)


def _subject(_root_: DictConfig) -> str:
    """The resolver ${subject:}, which names a run's data set in the names of files."""
    own = OmegaConf.is_missing(_filed().data, "path")  # then the data are files of the user's own
    return subject(_choices()["data"], own, _root_.data.get("path"))


def _offer(kind: Kind, group: str, name: str, node: Settings, ours: bool = False) -> None:
    """Add a choice to a group, with open options, which its class knows."""
    if (CONFIGS / group / f"{name}.yaml").exists():
        if not ours:
            raise UserError(f"{kind.origin(name)} offers {group}={name}, which AutoAL already has")
        return
    store = ConfigStore.instance()
    if f"{name}.yaml" not in store.repo.get(group, {}):  # as after an earlier command
        content = OmegaConf.create(node, flags={"struct": False})
        store.store(name=name, group=group, node=content, provider="installed")


@cache
def read(name: str) -> Settings:
    """The content of one of our files, by its name in the folder of them."""
    return yaml.safe_load((CONFIGS / f"{name}.yaml").read_text("utf-8")) or {}


def options_of(strategy: str) -> Settings:
    """The options of a strategy; only somebody else's is imported for this."""
    if strategy == startfile.NAME:  # in the place of one
        return {"path": Parameter.empty}
    known: Settings | None = read("strategies").get(strategy)
    return plugins.options(STRATEGIES.load(strategy), (LANGUAGE,)) if known is None else known


def filed_settings() -> DictConfig:
    """The settings in the files of the choices, of the run that Hydra has just composed.

    Changes by an experiment's file are left out, and checked like the command line.
    """
    for each in (_filed, _composed):
        each.cache_clear()  # people may change files between two runs of a sweep
    return _filed()


@cache
def _filed() -> DictConfig:
    choices, made, kept = _choices(), _made(), unchanged.last()
    if "experiment" in made:
        made = choices.keys() - {"experiment"}
    elif kept and not any(each.startswith("~") for each in HydraConfig.get().overrides.task):
        return kept  # a section that is taken out is missing there
    return _composed(tuple(each for each in choices.items() if each[0] in made))


def settings_of(config: Any, filed: DictConfig) -> Settings:
    """The settings that Hydra composed, checked against the files', completed and named."""
    choices = _choices()
    if _declared(config) != _declared(filed):
        raise UserError(f"{', '.join(DECLARED)} are not options: they declare what the files know")
    defaults, expected = container(filed), container(filed, resolve=False)
    given = container(config, resolve=False)
    _demand_start(given["start"])
    _swap(given, expected, choices)
    demand_keys(_common(given), _common(expected))
    settings = container(_followed(config))
    _swap(settings, defaults, choices)
    common = _common(settings)
    if isinstance(common["budget"], list):
        del common["budget"]  # the plan checks its numbers one by one
    if common["rounds"] is None:
        del common["rounds"]  # which may be without end
    demand_kinds(common, _common(defaults))
    demand_kind("start.size", settings["start"]["size"], read("start/random")["size"])
    for group in NAMED:
        settings[group] = _complete(group, settings.get(group), defaults[group]["name"])
    if settings["name"] in (None, ""):
        settings["name"] = _made_name(settings, choices, _subject(config))
    settings["name"] = _folder_name(settings["name"])
    return settings


def _made_name(settings: Settings, choices: dict[str, str], about: str) -> str:
    """The name of a run that was given none.

    Args:
        settings: complete, but for the name.
        choices: of all groups.
        about: what the run is about.
    """
    if choices["data"] == OWN:
        return about
    told = {key: choices[key] for key in ("data", "task", "strategy")}
    plain = _plain(told)
    if not _same_class(plain["encoder"], settings["encoder"]):
        told = {"data": told.pop("data"), "encoder": choices["encoder"], **told}
        plain = _plain(told)
    name = run_name(settings, plain, *{**told, "data": about}.values(), data=choices["data"])
    return kept_name(settings, name, choices["data"], choices["strategy"])


def demand_foreseen(settings: Settings, composed: DictConfig) -> None:
    """Refuse complete settings that already show that they lead to no run.

    Args:
        settings: complete and named.
        composed: those in the files, with what the files declare.
    """
    filed, declared = container(composed), _declared(composed)
    larger = settings["growth"] or may_grow(settings["data"], filed["data"])
    demand_feasible(settings, None if larger else declared.get("data", {}).get(ROWS))
    strategy, ours = settings["strategy"]["name"], read("strategies")
    if _same_class(settings["oracle"], filed["oracle"]) and strategy in ours:
        partners = partners_of(declared.get("oracle", {}), ours)
        demand_partner(_choices()["oracle"], strategy, partners)
    for group, names in declared.items():
        if _same_class(settings[group], filed[group]):
            demand_given(f"{group}={_choices()[group]}", names.get(NEEDS, ()), settings)


def _same_class(section: Settings, filed: Settings) -> bool:
    """Whether a section still names the class of its file."""
    return section.get(TARGET) == filed.get(TARGET)


def _choices() -> dict[str, str]:
    """The choice in every group that has one."""
    return {
        group: choice
        for group, choice in HydraConfig.get().runtime.choices.items()
        if not group.startswith("hydra/") and choice is not None
    }


def _demand_start(start: Any) -> None:
    """Refuse an incomplete start, which a file may hold."""
    if not isinstance(start, dict):
        raise UserError(f"start={start} in a file: write start: {{size: {start}}} there")
    if "name" not in start:
        raise UserError(START_IN_A_FILE)
    if "size" not in start:
        raise UserError("the option 'start.size' is missing; it cannot be removed")


def _followed(config: DictConfig) -> DictConfig:
    """The same with derived values: the rounds of budgets, the size of a file.

    A given number of steps takes the place of the epochs that the data set brings.
    """
    config, stated = deepcopy(config), _stated()
    start = config.start
    if OmegaConf.is_list(config.budget) and "rounds" not in stated:
        config.rounds = len(config.budget)
    if "task.steps" in stated and "task.epochs" not in stated and "epochs" in config.task:
        config.task.epochs = None
    if start.name == startfile.NAME:
        named = len(startfile.read(_path_of(start)))
        if start.size != named and "start.size" in stated:
            raise UserError(f"start.size={start.size}: the file names {named} rows")
        start.size = named
    return config


def _path_of(start: DictConfig) -> Path:
    if "path" not in start or OmegaConf.is_missing(start, "path"):
        raise UserError(
            "start.path is needed: give start=<file>, a text file with a row on each line"
        )
    return Path(str(start.path)).expanduser()


def _common(settings: Settings) -> Settings:
    """The settings without the options of strategies, which only their classes know."""
    return {**settings, **dict.fromkeys(NAMED)}


def _plain(choices: dict[str, str]) -> Settings:
    """The complete settings that these choices give, but for what makes no other run."""
    elsewhere = _made() - choices.keys() - {*FREE}
    composed = _composed(tuple(choices.items())) if elsewhere else _filed()
    settings = container(composed)
    _swap(settings, deepcopy(settings), choices)
    for group in NAMED:
        settings[group] = _complete(group, settings[group], settings[group]["name"])
    return settings


def _complete(group: str, given: Any, name: str) -> Settings:
    """A strategy's section with all of its options."""
    if not isinstance(given, dict) or given.get("name") != name:
        raise UserError(f"{group}.name cannot be changed or removed; give {group}=<name>")
    own = {"size": given["size"]} if group == "start" else {}
    options = {key: value for key, value in given.items() if key not in ("name", *own)}
    if _has_candidates(name) and options.get("candidates") is not None:
        _demand_candidates(f"{group}.candidates", options["candidates"])
    return {
        "name": name,
        **own,
        **completed(options, options_of(name), f"strategy {name!r}", group),
    }


def _has_candidates(strategy: str) -> bool:
    """Whether one of our strategies has candidates to choose; null means the default ones."""
    return read("strategies").get(strategy, {}).get("candidates", 0) is None


def _demand_candidates(key: str, candidates: Any) -> None:
    """Refuse, before importing torch, candidates that do not exist or lack an option."""
    demand_kind(key, candidates, {})
    for name, given in candidates.items():
        if _has_candidates(name):
            raise UserError(f"{key}.{name}: it has candidates itself, and so runs alone")
        if name not in STRATEGIES.installed():
            raise unknown("strategy", name, STRATEGIES.installed())
        demand_kind(f"{key}.{name}", given, {})
        completed(given, options_of(name), f"candidate {name!r}", f"{key}.{name}")


def _swap(settings: Settings, defaults: Settings, choices: dict[str, str]) -> None:
    """Give a section whose class was replaced the options of the new class.

    A replacement does not inherit the other class's options, and a plugin has no file that lists
    them. Both mappings are changed.
    """
    for group, (kind, filled) in TARGETED.items():
        given, default = settings.get(group), defaults.get(group)
        if isinstance(given, dict) and isinstance(default, dict):
            choice = choices.get(group)
            plugin = partial(kind.load, choice) if choice in kind.installed() else None
            settings[group], defaults[group] = _swapped(group, given, default, filled, plugin)


def _swapped(
    key: str,
    given: Settings,
    default: Settings,
    filled: tuple[str, ...],
    plugin: Callable[[], Any] | None = None,
) -> tuple[Settings, Settings]:
    """A section and its defaults, for its current class.

    Args:
        key: of the section.
        given: the section.
        default: from the file of its choice.
        filled: parameters that the engine fills in.
        plugin: loads the class of a choice without a file.
    """
    given, default = dict(given), dict(default)
    for name, value in given.items():
        if isinstance(value, dict) and (isinstance(default.get(name), dict) or TARGET in value):
            inner = f"{key}.{name}", value, default.get(name) or {}
            given[name], default[name] = _swapped(*inner, filled)
    target, same = given.get(TARGET), given.get(TARGET) == default.get(TARGET)
    if target is None or (same and plugin is None):
        return given, default
    options = plugins.options(plugin() if same and plugin else located(target), filled)
    expected = {
        name: "???" if value is Parameter.empty else value for name, value in options.items()
    }
    # A part with its own class, such as a task's network, works with any other class.
    parts = {name: default[name] for name in given if name in expected and _is_part(given[name])}
    chosen = _chosen(key, given, default)
    demand_names([name for name in chosen if name not in parts], expected, repr(key), key)
    own = {name: given[name] for name in given if name in chosen or name in parts}
    return {TARGET: target, **expected, **own}, {TARGET: target, **expected, **parts}


def _is_part(value: Any) -> bool:
    return isinstance(value, dict) and TARGET in value


def _chosen(key: str, given: Settings, default: Settings) -> list[str]:
    """The options that somebody gave; others are from the file, or for another class."""
    stated = _stated()
    return [
        name
        for name, value in given.items()
        if name != TARGET
        and (name not in default or value != default[name] or f"{key}.{name}" in stated)
    ]


def _made() -> set[str]:
    """The groups whose choice is the user's; those of all others follow."""
    return (_stated() | {"experiment"}) & _choices().keys()


def _stated() -> set[str]:
    """The keys given on the command line or in the experiment's file."""
    overrides = HydraConfig.get().overrides.task
    keys = {override.partition("=")[0].lstrip("+~") for override in overrides}
    choice = HydraConfig.get().runtime.choices.get("experiment")
    for source in HydraConfig.get().runtime.config_sources:
        path = Path(source.path, "experiment", f"{choice}.yaml")
        if source.schema == "file" and path.is_file():
            keys |= flatten(yaml.safe_load(path.read_text()) or {}).keys()
    return keys


@cache
def _composed(choices: tuple[tuple[str, str], ...]) -> DictConfig:
    """The settings that these choices of groups give, before changing single values."""
    overrides = [f"{group}={choice}" for group, choice in choices]
    paths = [
        override
        for override in HydraConfig.get().overrides.hydra
        if override.startswith("hydra.searchpath=")
    ]
    with unchanged.aside():
        return compose(HydraConfig.get().job.config_name, [*overrides, *paths])


def container(config: Any, resolve: bool = True) -> Settings:
    """Composed settings as plain ones, without what files declare."""
    plain = OmegaConf.to_container(config, resolve=resolve)
    assert isinstance(plain, dict)
    return _undeclared(plain)


def _undeclared(settings: dict[Any, Any]) -> Settings:
    """The settings without declarations of files, including those of inner choices."""
    return {
        str(key): _undeclared(value) if isinstance(value, dict) else value
        for key, value in settings.items()
        if key not in DECLARED
    }


def _declared(config: Any) -> dict[str, Settings]:
    """The declarations in the files of choices, by section."""
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    return {
        str(group): {name: section[name] for name in DECLARED if name in section}
        for group, section in plain.items()
        if isinstance(section, dict) and section.keys() & set(DECLARED)
    }


def _folder_name(name: Any) -> str:
    """The name of a run, checked to name one folder."""
    text = str(name)
    if isinstance(name, list | dict) or text in (".", "..") or "/" in text or "\0" in text:
        raise UserError(f"name={name}: must be the name of one folder; out= says where it is")
    return text
