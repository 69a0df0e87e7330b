"""Refuses complete settings as far as possible before torch is imported or parts are built.

The parts would refuse the same later; this answers at once.
"""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from autoal.blame import refused
from autoal.bounds import choice, whole
from autoal.building import TARGET
from autoal.cycle.plan import Plan
from autoal.errors import UserError
from autoal.record.config import changes, demand_more, read_config
from autoal.record.layout import CONFIG, ROUNDS
from autoal.settings import FEATURES, Settings, flatten, plain

# What the file of a choice declares beside its class and options, and nobody can change: the rows
# of a pool, the epochs that a task trains on them unless task.epochs is given, the strategies that
# work with an oracle (some, or all but some), and required settings.
ROWS, EPOCHS = "_rows_", "_epochs_"
PARTNERS, REFUSED, NEEDS = "_strategies_", "_refuses_", "_needs_"
DECLARED = (ROWS, EPOCHS, PARTNERS, REFUSED, NEEDS)
# Options that never make a pool larger than its file declares.
SMALLER = {
    *("crop", "flip", "imbalance", "imbalance_ratio", "share", "split_seed", "validation"),
    *("download", "memory", "root", "test_votes"),
}
READERS = ("data", "encoder", "task")  # sections whose paths are only read
# Token ids are names, not sizes: one of our encoders makes them, and one task reads them.
TOKENS, TOKEN_READER = "autoal.encoders.tokens.Tokens", "autoal.model.bert.Bert"


def demand_feasible(settings: Settings, rows: int | None) -> None:
    """Refuse a plan that the pool has no room for, and missing files.

    Args:
        settings: complete.
        rows: most rows of the pool; None: only the data knows.
    """
    with refused(settings):
        whole("seed", settings["seed"], least=0)
        choice("features", settings["features"], FEATURES)
        if settings["features"] != FEATURES[0] and not settings["encoder"]:
            raise UserError(f"features={settings['features']} needs an encoder: give encoder=")
        plan = Plan.of(settings)
        if rows is not None:
            plan.demand_room(rows)
    _demand_folder(settings)
    _demand_readable(settings["encoder"], settings["task"])
    for key, path in _paths(settings):
        if not path or not Path(path).expanduser().exists():
            kind = "file" if Path(path).suffix else "file or folder"
            raise UserError(f"there is no {kind} {path}; {key}= names one")


def _demand_folder(settings: Settings) -> None:
    """Refuse to go on in another run's folder; an unreadable one is reported later."""
    folder = Path(settings["out"], settings["name"])
    if not (folder / ROUNDS).is_file():
        return
    try:
        there = read_config(folder / CONFIG).settings
    except UserError:
        return
    demand_more(folder, changes(there, plain(settings)))


def _demand_readable(encoder: Settings, task: Settings) -> None:
    """Refuse one of our tasks that cannot read one of our encoders' output."""
    gives, reads = encoder.get(TARGET) == TOKENS, task.get(TARGET) == TOKEN_READER
    if gives and not reads and _is_ours(task):
        raise UserError(
            "encoder=tokens is for task=bert, and this task reads features: give task=bert, or "
            "another encoder, such as sentence"
        )
    if reads and not gives and _is_ours(encoder):
        raise UserError(
            "task=bert reads the tokens of texts, and this encoder gives features: leave the "
            "encoder out, or give another task, such as logistic"
        )


def partners_of(declared: Settings, ours: Iterable[str]) -> list[str]:
    """Our strategies that work with an oracle, as its file declares."""
    refused = declared.get(REFUSED, ())
    return [name for name in declared.get(PARTNERS, ours) if name not in refused]


def demand_partner(oracle: str, strategy: str, partners: Collection[str]) -> None:
    """Refuse one of our strategies that does not work with an oracle."""
    if strategy not in partners:
        raise UserError(
            f"oracle={oracle} does not work with strategy={strategy}; of ours, it works with "
            f"{', '.join(partners)}"
        )


def demand_given(choice: str, needed: Iterable[str], settings: Settings) -> None:
    """Refuse a choice whose required settings are missing."""
    given = flatten(settings)
    if lacking := [key for key in needed if given.get(key) is None]:
        raise UserError(f"{choice} needs {' and '.join(lacking)}: give {'= and '.join(lacking)}=")


def may_grow(given: Settings, filed: Settings) -> bool:
    """Whether options of a data set may make its pool larger than its file declares."""
    changed = {name for name in {*given, *filed} if given.get(name) != filed.get(name)}
    return not changed <= SMALLER


def _paths(settings: Settings) -> Iterator[tuple[str, str]]:
    """The options of our classes that name a local file or folder."""
    ours = {name: settings[name] for name in READERS if _is_ours(settings[name])}
    for key, value in flatten(ours).items():
        if isinstance(value, str) and "://" not in value and _is_path(key, value):
            yield key, value


def _is_ours(section: Settings) -> bool:
    """Whether a section names classes, all of them AutoAL's."""
    leaves = flatten(section).items()
    named = [str(name) for key, name in leaves if key.rpartition(".")[2] == TARGET]
    return bool(named) and all(name.startswith("autoal.") for name in named)


def _is_path(key: str, value: str) -> bool:
    name = key.rpartition(".")[2]
    if name == "weights":  # which may also be a word
        return "/" in value or bool(Path(value).suffix)
    return name == "path" or name.endswith("_path")
