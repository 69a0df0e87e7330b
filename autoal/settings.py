"""The settings of a run: checks and differences."""

from collections.abc import Iterable, Mapping
from inspect import Parameter
from pathlib import PurePath
from typing import Any

from autoal.bounds import shown
from autoal.errors import UserError, unknown
from autoal.kinds import demand_finite, fits, words

Settings = dict[str, Any]

ABSENT = "nothing"  # shown for a key that one side lacks

FEATURES = ("single", "half")  # precisions of an encoder's stored features
MEMORY = "data.memory"  # where rows are, which does not affect results

# How a language model is reached and paid for, which does not affect its answers.
REACHED = tuple(
    f"language.{name}"
    for name in (
        *("url", "key_env", "price_in", "price_out", "most"),
        *("tries", "timeout", "parallel"),
    )
)

# Former names of options, and their present spellings.
MOVED = {
    "labeler": "oracle=truth, salutary or pseudo",
    "task.backbone": "encoder=<name>",
    "task.backbones": "encoder.<option>=",
    "strategy.hypergradient": "strategy.road=implicit or unroll",
    "strategy.objective": "strategy.road=paper",
    "strategy.inner_steps": "strategy.unroll.steps=",
    "strategy.inner_learning_rate": "strategy.unroll.learning_rate=",
    "strategy.warmup": "strategy.paper.warmup=",
    "strategy.loss_prediction": "strategy.paper.loss_prediction=",
}


def plain(value: Any, key: str = "") -> Any:
    """A setting as YAML stores it: mappings and lists of numbers, texts, true, false and null."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner, f"{key}.{name}") for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner, key) for inner in value]
    if isinstance(value, PurePath):
        return str(value)
    found = value.item() if type(value).__module__ == "numpy" and value.shape == () else value
    if found == found and (found is None or type(found) in (bool, int, float, str)):
        return found
    raise UserError(f"{key[1:]}={value!r}: a setting must be a number, a text, a list or a mapping")


def flatten(settings: Settings, prefix: str = "") -> Settings:
    """The leaves of nested settings by their dotted keys."""
    flat: Settings = {}
    for name, value in settings.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{key}.")
        else:
            flat[key] = value
    return flat


def differences(before: Settings, after: Settings) -> dict[str, tuple[Any, Any]]:
    """The leaves that differ, by dotted key, with the value on each side."""
    old, new = flatten(before), flatten(after)
    keys = dict.fromkeys([*old, *new])
    pairs = {key: (old.get(key, ABSENT), new.get(key, ABSENT)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def demand_keys(given: Settings, defaults: Settings) -> None:
    """Refuse keys that the defaults lack, and missing keys that they have."""
    expected, found = flatten(defaults), flatten(given)
    for key in found:
        if key not in expected:
            raise unknown_key(key, expected)
    for key in expected:
        if key not in found:
            raise UserError(f"the option {key!r} is missing; it cannot be removed")


def demand_kinds(given: Settings, defaults: Settings) -> None:
    """Refuse a value of a different type than the default.

    For null, and for a list with a number for each of several, only the class knows more.
    """
    expected = flatten(defaults)
    for key, value in flatten(given).items():
        if value == "???":
            raise UserError(f"{key} is needed: give {key}=<value>")
        of_a_class = f"{key.rpartition('.')[0]}._target_" in expected or key in REACHED
        by_class = of_a_class and (value is None or isinstance(value, list))
        if expected[key] != "???" and not by_class:
            demand_kind(key, value, expected[key])


def demand_names(given: Iterable[str], known: Iterable[str], owner: str, section: str) -> None:
    """Refuse an option that its owner does not have."""
    for name in given:
        if name not in known:
            raise _moved(f"{section}.{name}") or unknown(f"option of {owner}:", name, known)


def completed(
    given: Settings, options: Settings, owner: str, section: str = "strategy"
) -> Settings:
    """The options of a class, with defaults for those not given.

    A mapping as a default is a group of options, some of which may be given; refusals are like
    those of other settings.

    Args:
        given: the user's options.
        options: all of them with their defaults.
        owner: their owner, for messages.
        section: of the settings that contains them.
    """
    demand_names(given, options, owner, section)
    complete = {**options, **given}
    for name, default in options.items():
        key, value = f"{section}.{name}", complete[name]
        if value is Parameter.empty:
            raise UserError(f"{owner} needs the option {name!r}: give {key}=")
        demand_kind(key, value, default)
        if isinstance(default, dict) and default:
            complete[name] = completed(value, default, f"{owner}, {name}", key)
        if isinstance(value, tuple):
            complete[name] = list(value)
    return complete


def demand_kind(key: str, value: Any, default: Any) -> None:
    """Refuse values that are not of the default's type; for null, only the class knows more."""
    demand_finite(key, value)
    if default is None or default is Parameter.empty:
        return
    kind = type(default)
    if not fits(value, kind):
        raise UserError(
            f"{key}={shown(value)}: must be {words(kind)}, such as the default {default!r}"
        )


def unknown_key(key: str, known: Iterable[str]) -> UserError:
    """The error for a misspelt key, with the nearest and all names on its level."""
    known = list(known)
    parent, _, name = key.rpartition(".")
    while parent and not any(option.startswith(f"{parent}.") for option in known):
        parent, _, name = parent.rpartition(".")
    if moved := _moved(key):
        return moved
    level = f"{parent}." if parent else ""
    beside = {
        option.removeprefix(level).split(".")[0] for option in known if option.startswith(level)
    }
    if name in beside and level + name == key:
        return UserError(f"{key!r} takes no value, only its options do: {key}.<option>=<value>")
    if name in beside:
        return UserError(
            f"{level + name!r} has no options as it is chosen here, so {key!r} cannot be set; "
            "where an experiment sets it, choose another experiment"
        )
    offered = beside - {"_target_"}  # the group's choice sets the class
    return unknown(f"option of {parent!r}:" if parent else "option", name, offered)


def _moved(key: str) -> UserError | None:
    """The error for an option that was renamed."""
    for old, new in MOVED.items():
        if key == old or key.startswith(f"{old}."):
            return UserError(f"{key} was renamed: give {new}")
    return None
