"""Distinct names for things that would share one."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from autoal.settings import ABSENT, Settings, differences

SHOWN = 3  # differing options in a name
CLASS = "._target_"  # ends the key that names the class of a part


def tell_apart(names: Sequence[str], options: Sequence[Settings]) -> list[str]:
    """The names; those that several share are followed by the options in which these differ."""
    sharing: dict[str, list[Settings]] = {}
    for name, own in zip(names, options, strict=True):
        sharing.setdefault(name, []).append(own)
    needed = {name: _needed(several) for name, several in sharing.items()}
    return _numbered(
        [
            _followed(name, own, sharing[name], needed[name])
            for name, own in zip(names, options, strict=True)
        ]
    )


def _needed(options: Sequence[Settings]) -> list[str]:
    """Few keys that tell all apart: again and again the one in which most pairs differ."""
    pairs = [telling(*pair).keys() for pair in combinations(options, 2)]
    found: list[str] = []
    while counts := Counter(key for keys in pairs for key in keys):
        found.append(min(counts, key=lambda key: (-counts[key], *_depth(key))))
        pairs = [keys for keys in pairs if found[-1] not in keys]
    return found


def _followed(name: str, mine: Settings, several: Sequence[Settings], needed: list[str]) -> str:
    """The name and the options of one of several, first those that are needed."""
    own: Settings = {}
    for theirs in several:
        own |= telling(mine, theirs)
    there = {key: value for key, value in own.items() if value != ABSENT} or own
    first = sorted(there, key=lambda key: (key not in needed, *_depth(key)))[:SHOWN]
    parts = ", ".join(f"{key}={shown(there[key])}" for key in sorted(first, key=_depth))
    return f"{name} ({parts})" if parts else name


def _depth(key: str) -> tuple[int, str]:
    """Sections come before their options."""
    return key.count("."), key


def data_name(config: Settings) -> str:
    """The name of a data set: its flag or file, if many share one class."""
    if config.get("data.flag"):
        return str(config["data.flag"])
    if config.get("data.path"):
        return Path(str(config["data.path"])).stem
    if config.get("data.name"):
        return str(config["data.name"])
    return str(config.get("data._target_", "data")).rpartition(".")[2].lower()


def learner_name(config: Settings) -> str:
    """The class that learns, and the one that reads, if any; "" if nothing is recorded."""
    learns = config.get("task.network._target_", config.get("task._target_"))
    named = [learns, config.get("encoder._target_")]
    return " on ".join(str(name).rpartition(".")[2].lower() for name in named if name)


def with_learners(names: Sequence[str], configs: Sequence[Settings]) -> list[str]:
    """The names of data sets; if several learners learn from one, with the learner."""
    learners = [learner_name(config) for config in configs]
    told = set(zip(names, learners, strict=True))
    several = Counter(name for name, _ in told)
    return [
        f"{name}, {learner}" if learner and several[name] > 1 else name
        for name, learner in zip(names, learners, strict=True)
    ]


def telling(mine: Settings, theirs: Settings) -> Settings:
    """The settings that differ between groups; for parts of another class, only the class."""
    found = {key: here for key, (here, _) in differences(mine, theirs).items()}
    parts = {key.removesuffix(CLASS) for key in found if key.endswith(CLASS)}
    parts |= {key for key in found if any(other.startswith(f"{key}.") for other in found)}
    follow = tuple(f"{part}." for part in parts)
    kept = {key: value for key, value in found.items() if key not in parts}
    kept |= {part: _class(mine, part) for part in parts}
    return {key: value for key, value in kept.items() if not key.startswith(follow)}


def _class(options: Settings, part: str) -> str:
    """The class of a part, without its modules; none if there is no such part."""
    name = options.get(f"{part}{CLASS}", options.get(part))
    return str(name).rpartition(".")[2] if name else "none"


def _numbered(names: Sequence[str]) -> list[str]:
    """Names that are still the same get a number."""
    counts: Counter[str] = Counter()
    unique = []
    for name in names:
        counts[name] += 1
        unique.append(name if counts[name] == 1 else f"{name} #{counts[name]}")
    return unique


def shown(value: object) -> str:
    """A value of the settings in readable form."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
