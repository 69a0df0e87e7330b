"""The text of --help: the choices of every group, and options with meanings and defaults."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from inspect import Parameter
from itertools import pairwise
from pathlib import Path
from textwrap import TextWrapper
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from autoal import plugins, remarks
from autoal.building import TARGET
from autoal.choices import brought, filed
from autoal.config import CONFIGS, NAMED, TARGETED, VALUED, container, options_of
from autoal.errors import unknown
from autoal.plugins import STRATEGIES
from autoal.remarks import Remarks
from autoal.settings import Settings

FLAGS = ("--help", "-h")
TOP = "train"  # the file with options outside groups
WIDEST, NAMES = 110, 32  # columns of a line, and of the name at its beginning
LEFT_OUT = ("_target_", "name")  # shown in the head of a section
START = "rows to label first"
HEAD = """\
Run one active-learning experiment, or go on with it.

  {0} data=digits strategy=autoal task=resnet18 seed=0 start=20 budget=10 rounds=10
  {0} -m strategy=random,margin,entropy seed=0,1,2    every combination in turn
  {0} -m hydra/launcher=joblib seed=0,1,2             several at once
  {0} -m experiment=compare                           eight strategies, ten seeds
  {0} --help task=resnet18                            a choice and its options
  {0} --help task                                     all choices of a group

The run's folder is <out>/<name>. The same command again goes on where it was stopped.
docs/running.md tells more; --hydra-help is about Hydra itself."""


def manual(arguments: Sequence[str], command: str) -> str:
    """The whole text, or only that of groups named in the arguments.

    Args:
        arguments: of the command line.
        command: the way the program is started.
    """
    words = [*_words(arguments)]
    offered, settings, chosen = _composed([word for word in words if "=" in word], arguments)
    sections = []
    for word in words:
        group, choice, _ = word.partition("=")
        if group in offered and choice:
            sections.append(_section(group, chosen.get(group, ""), _inside(settings, group)))
        elif not choice:  # other arguments with a value set an option
            group = group.replace(".", "/")
            if group not in offered:
                raise unknown("group", word, offered)
            sections.append(_choices_of(group, offered[group]))
    if not sections:
        told = [_section(key, chosen[key], settings[key]) for key in settings if key in offered]
        own = {key: value for key, value in settings.items() if key not in offered}
        sections = [[HEAD.format(command)], _overview(offered), _common(own)]
        sections += [section for section in told if len(section) > 1]
    return "\n\n".join("\n".join(section) for section in sections)


def _words(arguments: Sequence[str]) -> Iterator[str]:
    """The arguments that are neither flags nor values of Hydra's flags."""
    for before, argument in pairwise(["", *arguments]):
        if not argument.startswith("-") and before not in VALUED:
            yield argument


def _inside(settings: Settings, group: str) -> Any:
    """The section of a group, which may be inside another's."""
    for name in group.split("/"):
        settings = settings.get(name) or {}
    return settings


def _composed(
    overrides: Sequence[str], arguments: Sequence[str]
) -> tuple[dict[str, list[str]], Settings, dict[str, str]]:
    """The choices of every group, the settings with all options, and the current choices."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIGS)):
        composed = compose(TOP, [*overrides, *_search_paths(arguments)], return_hydra_config=True)
        loader = GlobalHydra.instance().config_loader()
        outer = [group for group in loader.list_groups("") if group != "hydra"]
        groups = [f"{group}/{name}" for group in outer for name in loader.list_groups(group)]
        offered = {group: loader.get_group_options(group) for group in sorted([*outer, *groups])}
    made = composed.hydra.runtime.choices
    chosen = {group: str(made[group]) for group in offered if group in made}
    settings = container(composed, resolve=False)
    del settings["hydra"]
    return offered, {key: _complete(key, settings[key], chosen) for key in settings}, chosen


def _search_paths(arguments: Sequence[str]) -> list[str]:
    """The folders with the user's own choices that a command line names."""
    for place, argument in enumerate(arguments):
        flag, _, folder = argument.partition("=")
        if flag in ("--config-dir", "-cd"):
            path = Path(folder or arguments[place + 1]).resolve()
            return [f"hydra.searchpath=[file://{path}]"]
    return [override for override in arguments if override.startswith("hydra.searchpath=")]


def _complete(group: str, section: Any, chosen: Mapping[str, str]) -> Any:
    """A section with options that no file lists: a strategy's, or a plugin class's."""
    if group in NAMED:
        return {**options_of(section["name"]), **section}
    if group in TARGETED and not (CONFIGS / group / f"{chosen[group]}.yaml").exists():
        kind, filled = TARGETED[group]
        return {**plugins.options(kind.load(chosen[group]), filled), **section}
    return section


def _overview(offered: Mapping[str, Sequence[str]]) -> list[str]:
    """Every group, its purpose and its choices."""
    meanings = remarks.of_file(CONFIGS / f"{TOP}.yaml").options
    lines = ["Choices, as group=choice:"]
    for group, choices in offered.items():
        lines += _beside(
            f"  {group}", f"{meanings.get(f'defaults.{group}', '')}: {', '.join(choices)}"
        )
    return lines


def _common(settings: Settings) -> list[str]:
    """The options outside groups."""
    told = remarks.of_file(CONFIGS / f"{TOP}.yaml")
    return ["Options, as key=value, with their defaults:", *_options(settings, told)]


def _choices_of(group: str, choices: Sequence[str]) -> list[str]:
    """A description of each choice of a group."""
    lines = [f"{group}= is one of"]
    for choice in choices:
        lines += _beside(f"  {choice}", _about(group, choice).head)
    return lines


def _section(group: str, choice: str, section: Any) -> list[str]:
    """A group's choice and its options."""
    told = _about(group, choice, section)
    head = _wrapped(f"{group}={choice}: {told.head or 'says nothing about itself'}", "", "    ")
    options = _options(section, told, f"{group}.") if isinstance(section, dict) else []
    return [*head, *_along(group, choice), *options]


def _along(group: str, choice: str) -> list[str]:
    """Lines about the options that a choice sets outside its own section."""
    along = brought(f"{group}/{choice}", group)
    told = ", ".join(f"{key}={_written(value)}" for key, value in along.items())
    return _wrapped(f"It brings {told}, unless others are given.", "  ", "  ") if told else []


def _options(section: Settings, told: Remarks, prefix: str = "") -> list[str]:
    lines: list[str] = []
    for key, value in _leaves(section):
        lines += _beside(f"  {prefix}{key}={_written(value)}", _meaning(key, section, told))
    return lines


def _leaves(section: Settings, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The options by dotted names; a mapping of named things with options counts as one."""
    for name, value in section.items():
        if name == TARGET or (name == "name" and not prefix and "seed" not in section):
            continue  # the head of a section shows its class
        named = isinstance(value, dict) and any(inner == {} for inner in value.values())
        if isinstance(value, dict) and value and not named:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _meaning(key: str, section: Settings, told: Remarks) -> str:
    """The meaning of an option: from its file, or the class of its section."""
    outer, _, name = key.rpartition(".")
    for part in outer.split(".") if outer else ():
        section = section[part]
    by_class = remarks.of_class(section.get(TARGET, "")).options.get(name, "")
    return told.options.get(key) or by_class or told.options.get(outer, "")


def _about(group: str, choice: str, section: Any = None) -> Remarks:
    """The remarks in the file of a choice, in those it builds on, and in its class."""
    kind = STRATEGIES if group in NAMED else TARGETED[group][0] if group in TARGETED else None
    name = (section or {}).get("name", choice) if group in NAMED else choice
    point = kind.installed().get(name) if kind else None
    target = point.value.replace(":", ".") if point else (section or {}).get(TARGET, "")
    told = filed(f"{group}/{choice}", group).over(remarks.of_class(target))
    return told.over(Remarks(options={"size": START})) if group == "start" else told


def _written(value: Any) -> str:
    """A default as given on the command line, or its contents."""
    if value is Parameter.empty or value == "???":
        return "(needed)"
    if isinstance(value, str):
        return "(follows)" if "${" in value else value
    if isinstance(value, list) and "${" in str(value):
        return "(follow)"
    return ",".join(value) if isinstance(value, dict) and value else json.dumps(value)


def _beside(name: str, told: str) -> list[str]:
    """A name with its meaning beside it or, if the name is long, below it."""
    if not told:
        return [name]
    indent = " " * NAMES
    lines = _wrapped(told, indent, indent)
    if len(name) > NAMES - 2:
        return [name, *lines]
    return [name.ljust(NAMES) + lines[0][NAMES:], *lines[1:]]


def _wrapped(text: str, first: str, later: str) -> list[str]:
    wrapper = TextWrapper(
        min(shutil.get_terminal_size((WIDEST, 0)).columns, WIDEST),
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapper.wrap(text)
