"""Run folders as plain data, reduced to the needs of the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from math import inf
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autoal.costs.units import LABELS, MONEY, SECONDS
from autoal.errors import UserError
from autoal.record.config import is_open, read_config
from autoal.record.failure import read_failure
from autoal.record.finished import finished_rounds
from autoal.record.kinds import TEXT, WHOLE
from autoal.record.layout import CONFIG, ROUNDS
from autoal.record.memory import read_peaks
from autoal.record.round import SPENT, Round
from autoal.report.faults import Fault
from autoal.report.folders import run_folders
from autoal.report.metric import ACCURACY
from autoal.report.past import Past, past_of
from autoal.settings import Settings, flatten

TRUTH = "TrueLabels"  # the oracle of a plain simulation
MODEL = "language.model"

Floats = npt.NDArray[np.float64]

NEEDED = {"strategy.name": TEXT, "seed": WHOLE, "rounds": WHOLE.or_null()}


class IncomparableError(UserError):
    """A run lacks the metric or the unit of the requested comparison."""


@dataclass(frozen=True)
class Run:
    """The content of one run folder."""

    path: Path
    config: Settings  # flat: by dotted keys
    versions: Settings
    start: str  # identifies the rows of the start set, in any order
    rounds: tuple[Past, ...]
    empty: int = 0  # first rounds, in which every row was declined
    begun: float = 0.0  # money or seconds of these rounds, if compared over them
    reach: float = inf  # amount up to which it is compared
    ended: bool = False  # by its stop, or without a planned end
    failure: str = ""  # the error that stopped it, if known
    metric: str = ACCURACY  # metric of comparison
    over: str = LABELS  # unit of comparison
    peaks: Mapping[str, float] = field(default_factory=dict)  # MiB of memory, if recorded

    @property
    def strategy(self) -> str:
        return str(self.config["strategy.name"])

    @property
    def oracle(self) -> str:
        """The class of the oracle."""
        return str(self.config.get("oracle._target_", TRUTH)).rpartition(".")[2]

    @property
    def answering(self) -> Settings:
        """The identity of an oracle: its class and options, and its language model."""
        own = {key: value for key, value in self.config.items() if key.startswith("oracle.")}
        model = self.config.get(MODEL)
        found = {"oracle": self.oracle, **own, **({MODEL: model} if model else {})}
        found.pop("oracle._target_", None)
        return {key: value for key, value in found.items() if not is_open(key, value)}

    @property
    def composed(self) -> bool:
        """Whether the strategy is made of others, to which it gives weights."""
        return any(past.weights for past in self.rounds)

    @property
    def seed(self) -> int:
        return int(self.config["seed"])

    @property
    def planned(self) -> int:
        """Rounds of a finished run with labels, including the start."""
        return (
            max(len(self.rounds), 1) if self.ended else int(self.config["rounds"]) + 1 - self.empty
        )

    @property
    def finished(self) -> bool:
        """Whether all its rounds are there."""
        return len(self.rounds) == self.planned

    @cached_property
    def labelled(self) -> Floats:
        return np.array([past.labelled for past in self.rounds], dtype=float)

    @cached_property
    def spent(self) -> Floats:
        """The amount spent by the end of each round: labels, or the money or seconds they cost."""
        if self.over == LABELS:
            return self.labelled
        each = [past.money if self.over == MONEY else past.time for past in self.rounds]
        return self.begun + np.cumsum(each)

    @cached_property
    def compared(self) -> tuple[Floats, Floats]:
        """The amounts spent and the results, as far as all runs of its setting go."""
        inside = np.append(True, self.spent[1:] <= self.reach)
        along, results = self.spent[inside], self.results[inside]
        if along[-1] < self.reach < self.spent[-1]:
            along = np.append(along, self.reach)
            results = np.append(results, np.interp(self.reach, self.spent, self.results))
        return along, results

    @property
    def priced(self) -> bool:
        """Whether money differs from the number of labels."""
        return any(past.priced for past in self.rounds)

    @property
    def timed(self) -> bool:
        """Whether the record says how long labels took."""
        return any(past.time for past in self.rounds)

    @cached_property
    def results(self) -> Floats:
        """The metric of each round; more is better."""
        return np.array([past.result for past in self.rounds], dtype=float)

    @cached_property
    def area(self) -> float:
        """The area under results over spending by the trapezoid rule, divided by the range.

        The mean result over the budget; where nothing was spent after the start, over the rounds.
        """
        return _area(*self.compared)

    @property
    def final(self) -> float:
        """The result after the last round, or where the shortest run of its setting ends."""
        return float(self.compared[1][-1])

    @property
    def queries(self) -> tuple[Past, ...]:
        """The rounds in which the strategy chose."""
        return self.rounds[1:]

    @property
    def rule(self) -> str:
        """The rule that was asked whether to stop; "" if there was none."""
        asked = (past.stop for past in self.rounds if past.stop)
        return next((str(stop.get("rule", "a rule")) for stop in asked), "")

    @property
    def advised(self) -> int | None:
        """The index of the first round after which the rule advised to stop."""
        places = (place for place, past in enumerate(self.rounds) if "reason" in past.stop)
        return next(places, None)

    @property
    def advice(self) -> str:
        """The outcome of the rule, in a line."""
        if self.advised is None:
            return f"{self.rule} never advised to stop"
        number, labels = self.empty + self.advised, self.rounds[self.advised].labelled
        return f"{self.rule} advised to stop after round {number} ({labels} labels)"


def _area(along: Floats, results: Floats) -> float:
    """The area under a curve by the trapezoid rule over its range; the mean at a single place."""
    if along[0] == along[-1]:  # of the start alone, or all later rows were declined
        return float(results.mean())
    middles = (results[1:] + results[:-1]) / 2
    return float(np.sum(middles * np.diff(along)) / (along[-1] - along[0]))


def read_runs(
    tops: Sequence[Path], metric: str = ACCURACY, over: str = LABELS
) -> tuple[list[Run], list[Fault]]:
    """All runs below these folders, for a comparison by a metric over a unit, and the faults."""
    runs: list[Run] = []
    faults: list[Fault] = []
    for path in run_folders(tops, faults):
        failure = read_failure(path)
        if failure and not (path / CONFIG).exists():
            faults.append(Fault("failed", str(path), f"{failure}; before its start; left out"))
            continue
        try:
            runs.append(read_run(path, metric, over))
        except IncomparableError:
            raise
        except (UserError, OSError) as error:
            faults.append(Fault("unreadable", str(path), f"{error}; left out"))
    if not runs and not faults:
        places = ", ".join(map(str, tops))
        raise UserError(f"no run below {places}: a run is a folder with a {CONFIG}")
    return runs, faults


def read_run(path: Path, metric: str = ACCURACY, over: str = LABELS) -> Run:
    """The run in this folder; a UserError says what is wrong with it."""
    config = read_config(path / CONFIG)
    settings = flatten(config.settings)
    for key, kind in NEEDED.items():
        kind.demand(key, settings.get(key))
    all_rounds = _read_rounds(path)
    if settings["rounds"] is not None and len(all_rounds) > settings["rounds"] + 1:
        raise UserError(f"{ROUNDS} has {len(all_rounds)} rounds, where the plan has fewer")
    history = all_rounds[_empty(all_rounds) :]
    if all_rounds and not history:
        raise UserError(f"{ROUNDS}: every row was declined, and nothing was learnt")
    _demand_metric(path, history, metric)
    start = sorted(history[0].queried) if history else []
    run = Run(
        path=path,
        config=settings,
        versions=config.about.get("versions", {}),
        start=sha256(repr(start).encode()).hexdigest(),
        rounds=tuple(past_of(done, metric) for done in history),
        empty=len(all_rounds) - len(history),
        begun=_spent(all_rounds[: -len(history) or None], over),
        ended=_ended(settings, history),
        failure=read_failure(path),
        metric=metric,
        over=over,
        peaks=read_peaks(path),
    )
    _demand_spent(run)
    return run


def _demand_metric(path: Path, history: Sequence[Round], metric: str) -> None:
    """Refuse a metric that some of its rounds lack."""
    for done in history:
        if metric not in done.metrics:
            raise IncomparableError(
                f"--metric={metric}: {path} has none in round {done.number}, only "
                f"{', '.join(sorted(done.metrics))}"
            )


def _demand_spent(run: Run) -> None:
    """Refuse seconds that no record has; money and labels are always known."""
    if run.over == SECONDS and run.rounds and run.finished and not run.timed:
        raise IncomparableError(
            f"--over={run.over}: {run.path} does not tell how long its labels took"
        )


def _spent(rounds: Sequence[Round], over: str) -> float:
    """Money or seconds of rounds; 0 for labels, which each round counts in total."""
    if over == LABELS:
        return 0.0
    return sum(done.money if over == MONEY else done.time for done in rounds)


def _read_rounds(folder: Path) -> list[Round]:
    _, found = finished_rounds(folder)
    for done in found[_empty(found) :]:
        if not 0 <= done.metrics.get("accuracy", -1) <= 1:
            raise UserError(
                f"{ROUNDS}, line {done.number + 1} has no accuracy from 0 to 1: "
                "nothing was tested, or the file is damaged"
            )
    return found


def _ended(settings: Settings, history: Sequence[Round]) -> bool:
    """Whether a run ended without a planned number of rounds."""
    said = history[-1].stop if history else {}
    obeyed = settings.get("stop.obey") is True or said.get("rule") == SPENT
    return settings["rounds"] is None or bool(obeyed and said.get("reason"))


def _empty(history: Sequence[Round]) -> int:
    """The number of rounds before anything was learnt or, if nothing was, before a label."""
    learnt = [done.number for done in history if done.metrics]
    labelled = [done.number for done in history if done.queried or done.given]
    return next(iter(learnt or labelled), len(history))
