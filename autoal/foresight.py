"""What can be refused of complete settings before torch is imported, as no part needs to be built.

The parts refuse the same once they are there; here it is answered at once.
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

# What the file of a choice declares beside its class and options, and nobody can change: how many
# rows a pool has, and how long a task trains on them, where task.epochs does not say; which of our
# strategies an oracle goes with: some, or all but some; and which other settings must be given.
ROWS, EPOCHS = "_rows_", "_epochs_"
PARTNERS, REFUSED, NEEDS = "_strategies_", "_refuses_", "_needs_"
DECLARED = (ROWS, EPOCHS, PARTNERS, REFUSED, NEEDS)
# Options that never make a pool larger than what its file declares.
SMALLER = {
    *("crop", "flip", "imbalance", "imbalance_ratio", "share", "split_seed", "validation"),
    *("download", "memory", "root", "test_votes"),
}
READERS = ("data", "encoder", "task")  # sections whose paths are read, and never written
# Tokens are names and no sizes: of ours, one encoder gives them, and one task reads them.
TOKENS, TOKEN_READER = "autoal.encoders.tokens.Tokens", "autoal.model.bert.Bert"


def demand_feasible(settings: Settings, rows: int | None) -> None:
    """Refuse a plan that no pool has room for, and files that are not there.

    Args:
        settings: complete.
        rows: of the pool, at most; None: only the data tell.
    """
    with refused(settings):
        whole("seed", settings["seed"], least=0)
        choice("features", settings["features"], FEATURES)
        if settings["features"] != FEATURES[0] and not settings["encoder"]:
            raise UserError(f"features={settings['features']} is of an encoder's: give encoder=")
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
    """Refuse to go on in the folder of another run; one that cannot be read is told of later."""
    folder = Path(settings["out"], settings["name"])
    if not (folder / ROUNDS).is_file():
        return
    try:
        there = read_config(folder / CONFIG).settings
    except UserError:
        return
    demand_more(folder, changes(there, plain(settings)))


def _demand_readable(encoder: Settings, task: Settings) -> None:
    """Refuse a task of ours that cannot read what an encoder of ours gives."""
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
    """Those of our strategies that an oracle goes with, by what its file declares."""
    refused = declared.get(REFUSED, ())
    return [name for name in declared.get(PARTNERS, ours) if name not in refused]


def demand_partner(oracle: str, strategy: str, partners: Collection[str]) -> None:
    """Refuse a strategy of ours that an oracle does not go with."""
    if strategy not in partners:
        raise UserError(
            f"oracle={oracle} does not go with strategy={strategy}; of ours, it goes with "
            f"{', '.join(partners)}"
        )


def demand_given(choice: str, needed: Iterable[str], settings: Settings) -> None:
    """Refuse a choice that cannot do without settings that are not given."""
    given = flatten(settings)
    if lacking := [key for key in needed if given.get(key) is None]:
        raise UserError(f"{choice} needs {' and '.join(lacking)}: give {'= and '.join(lacking)}=")


def may_grow(given: Settings, filed: Settings) -> bool:
    """Whether options of a data set may make its pool larger than what its file declares."""
    changed = {name for name in {*given, *filed} if given.get(name) != filed.get(name)}
    return not changed <= SMALLER


def _paths(settings: Settings) -> Iterator[tuple[str, str]]:
    """The options of our classes that name a file or a folder of this machine."""
    ours = {name: settings[name] for name in READERS if _is_ours(settings[name])}
    for key, value in flatten(ours).items():
        if isinstance(value, str) and "://" not in value and _is_path(key, value):
            yield key, value


def _is_ours(section: Settings) -> bool:
    """Whether all classes that a section names are of AutoAL, and it names one."""
    leaves = flatten(section).items()
    named = [str(name) for key, name in leaves if key.rpartition(".")[2] == TARGET]
    return bool(named) and all(name.startswith("autoal.") for name in named)


def _is_path(key: str, value: str) -> bool:
    name = key.rpartition(".")[2]
    if name == "weights":  # which may also be a word
        return "/" in value or bool(Path(value).suffix)
    return name == "path" or name.endswith("_path")
