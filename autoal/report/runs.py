"""Run folders as plain data: all that the report needs of them, and no more."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from autoal.errors import UserError
from autoal.record.failure import FAILURE, read_failure
from autoal.record.round import Round, rounds_of
from autoal.report.faults import Fault
from autoal.settings import Settings, flatten

TRUTH = "TrueLabels"  # the oracle of a plain simulation

Floats = npt.NDArray[np.float64]

CONFIG, ROUNDS = "config.yaml", "rounds.jsonl"
NEEDED = ("strategy.name", "seed", "rounds")
# Several times faster, where PyYAML was built with it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Past:
    """One round of a run."""

    labelled: int
    accuracy: float  # on the test set
    classes: dict[int, int]  # how many of the queried rows were given each label
    bought: int | None  # labels paid for; unknown in records from before that was told
    wrong: int | None  # labels given that are not the truth, where anybody knows
    seconds: dict[str, float]
    weights: dict[str, float]  # of the candidates, if there are some
    unasked: bool  # labels were given that nobody was asked for


@dataclass(frozen=True)
class Run:
    """What one run folder says."""

    path: Path
    config: Settings  # flat: by dotted keys
    versions: Settings
    start: str  # stands for the rows of the start set, whatever their order
    rounds: tuple[Past, ...]
    empty: int = 0  # rounds at the beginning in which every row was declined
    failure: str = ""  # what stopped it, if it is known to have failed

    @property
    def strategy(self) -> str:
        return str(self.config["strategy.name"])

    @property
    def oracle(self) -> str:
        """Who answers."""
        return str(self.config.get("oracle._target_", TRUTH)).rpartition(".")[2]

    @property
    def seed(self) -> int:
        return int(self.config["seed"])

    @property
    def planned(self) -> int:
        """Rounds of a finished run in which something was labelled, the start among them."""
        return int(self.config["rounds"]) + 1 - self.empty

    @property
    def labelled(self) -> Floats:
        return np.array([past.labelled for past in self.rounds], dtype=float)

    @property
    def accuracy(self) -> Floats:
        return np.array([past.accuracy for past in self.rounds], dtype=float)

    @property
    def queries(self) -> tuple[Past, ...]:
        """The rounds in which the strategy chose."""
        return self.rounds[1:]


def read_runs(tops: Sequence[Path]) -> tuple[list[Run], list[Fault]]:
    """All runs below these folders, and what could not be read."""
    runs: list[Run] = []
    faults: list[Fault] = []
    for path in _run_folders(tops):
        failure = read_failure(path)
        if failure and not (path / CONFIG).exists():
            faults.append(Fault("failed", str(path), f"{failure}; before its start; left out"))
            continue
        try:
            runs.append(read_run(path))
        except UserError as error:
            faults.append(Fault("unreadable", str(path), f"{error}; left out"))
    if not runs and not faults:
        places = ", ".join(map(str, tops))
        raise UserError(f"no run below {places}: a run is a folder with a {CONFIG}")
    return runs, faults


def _run_folders(tops: Iterable[Path]) -> list[Path]:
    """Each once, even where one of the folders given lies in another."""
    found: dict[Path, Path] = {}
    for top in tops:
        if not top.is_dir():
            raise UserError(f"there is no folder {top}")
        for path in _below(top):
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _below(top: Path) -> Iterator[Path]:
    for path, folders, files in os.walk(top):
        if CONFIG in files or ROUNDS in files:
            folders.clear()  # what a run keeps below is its own
            yield Path(path)
        elif FAILURE in files:
            yield Path(path)
        else:
            folders[:] = sorted(name for name in folders if not name.startswith("."))


def read_run(path: Path) -> Run:
    """The run in this folder; a UserError says what is amiss with it."""
    config, versions = _read_config(path / CONFIG)
    all_rounds = _read_rounds(path / ROUNDS)
    history = all_rounds[_empty(all_rounds) :]
    if all_rounds and not history:
        raise UserError(f"{ROUNDS}: every row was declined, and nothing was learnt")
    start = sorted(history[0].queried) if history else []
    return Run(
        path=path,
        config=config,
        versions=versions,
        start=sha256(repr(start).encode()).hexdigest(),
        rounds=tuple(map(_past, history)),
        empty=len(all_rounds) - len(history),
        failure=read_failure(path),
    )


def _read_config(path: Path) -> tuple[Settings, Settings]:
    try:
        nested = yaml.load(path.read_text(), _LOADER)
        versions = dict(nested.pop("about", {}).get("versions", {}))
        config = flatten(nested)
        missing = [key for key in NEEDED if key not in config]
        if not missing:
            int(config["seed"]), int(config["rounds"])
    except OSError as error:
        raise UserError(f"cannot read {path.name}: {error.strerror}") from error
    except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise UserError(f"{path.name} is not the config of a run") from error
    if missing:
        raise UserError(f"{path.name} is not the config of a run: it has no {missing[0]}")
    return config, versions


def _read_rounds(path: Path) -> list[Round]:
    try:
        lines = path.read_text().splitlines() if path.exists() else []
    except (OSError, UnicodeError) as error:
        raise UserError(f"cannot read {path.name}: {error}") from error
    found = rounds_of(lines, path.name)
    for done in found[_empty(found) :]:
        accuracy = done.metrics.get("accuracy")
        if accuracy is None or not np.isfinite(accuracy):
            raise UserError(
                f"{path.name}, line {done.number + 1} has no accuracy: nothing was tested"
            )
    return found


def _empty(history: Sequence[Round]) -> int:
    """How many rounds there are before the first label was given."""
    labelled = (done.number for done in history if done.queried)
    return next(labelled, len(history))


def _past(found: Round) -> Past:
    return Past(
        labelled=found.labelled,
        accuracy=found.metrics["accuracy"],
        classes=dict(Counter(found.labels)),
        bought=found.bought,
        wrong=found.wrong,
        seconds=found.seconds,
        weights=found.notes.get("weights", {}),
        unasked=found.unasked,
    )
