"""What can be refused of complete settings before torch is imported, as no part needs to be built.

The parts refuse the same once they are there; here it is answered at once.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

from autoal.building import refused
from autoal.cycle.plan import Plan
from autoal.errors import UserError
from autoal.settings import Settings, flatten

# What the file of a choice declares beside its class and options, and nobody can change: how many
# rows a pool has, and which of our strategies an oracle goes with.
ROWS, PARTNERS = "_rows_", "_strategies_"
DECLARED = (ROWS, PARTNERS)
# Options that never make a pool larger than what its file declares.
SMALLER = {
    *("crop", "flip", "imbalance", "imbalance_ratio", "split_seed", "validation"),
    *("download", "root"),
}
READERS = ("data", "encoder", "task")  # sections whose paths are read, and never written


def demand_feasible(settings: Settings, rows: int | None) -> None:
    """Refuse a plan that no pool has room for, and files that are not there.

    Args:
        settings: complete.
        rows: of the pool, at most; None: only the data tell.
    """
    with refused():
        plan = Plan(settings["start"]["size"], settings["budget"], settings["rounds"])
        if rows is not None:
            plan.demand_room(rows)
    for key, path in _paths(settings):
        if not path or not Path(path).expanduser().exists():
            kind = "file" if Path(path).suffix else "file or folder"
            raise UserError(f"there is no {kind} {path}; {key}= names one")


def demand_partner(oracle: str, strategy: str, partners: Collection[str]) -> None:
    """Refuse a strategy of ours that an oracle does not go with."""
    if strategy not in partners:
        raise UserError(
            f"oracle={oracle} does not go with strategy={strategy}; of ours, it goes with "
            f"{', '.join(partners)}"
        )


def may_grow(given: Settings, filed: Settings) -> bool:
    """Whether options of a data set may make its pool larger than what its file declares."""
    changed = {name for name in {*given, *filed} if given.get(name) != filed.get(name)}
    return not changed <= SMALLER


def _paths(settings: Settings) -> Iterator[tuple[str, str]]:
    """The options that name a file or a folder of this machine."""
    for key, value in flatten({section: settings[section] for section in READERS}).items():
        if isinstance(value, str) and "://" not in value and _is_path(key, value):
            yield key, value


def _is_path(key: str, value: str) -> bool:
    name = key.rpartition(".")[2]
    if name == "weights":  # which may also be a word
        return "/" in value or bool(Path(value).suffix)
    return name == "path" or name.endswith("_path")
