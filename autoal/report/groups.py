"""Groups of runs: settings, the contenders within them, and the runs that do not fit."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TypeVar

from autoal.costs.units import LABELS
from autoal.report.axis import AXES, counted
from autoal.report.faults import Fault
from autoal.report.judges import judges
from autoal.report.metric import ACCURACY, words
from autoal.report.naming import data_name, shown, tell_apart, telling, with_learners
from autoal.report.runs import TRUTH, Run
from autoal.settings import Settings

BASELINE = "random"
ASKED = (TRUTH, "Noisy", "Crowd")  # oracles that simulate people who are asked
# The names of a run, its places, hardware and length, and the things under comparison.
APART = ("seed", "name", "out", "logger", "trainer", "rounds", "strategy", "oracle", "language")
# How a plan turns a strategy's rows into a batch, with the values of older runs, which lack them.
COMPARED: Settings = {"plan.per_cost": False, "plan.apart": None, "look": None}
# A plan that buys whole labels at one each, as older runs do, whose configs lack these keys.
PLAIN: Settings = {
    **{"costs": {}, "questions": {}},
    **{"plan.unit": LABELS, "plan.spend": None, "plan.minutes": None},
}
PLACES = ("data.root", "data.download")  # the places of the same files, and their origin
HARDWARE = ("autoal", "torch", "machine", "gpu", "threads")

CHEATS = ("cheating_oracle",)

Item = TypeVar("Item")
Key = TypeVar("Key")


@dataclass(frozen=True)
class Setting:
    """A data set, a task and a plan, and all finished runs of it."""

    name: str
    data: str
    config: Settings  # the settings that its runs share
    contenders: dict[str, list[Run]]  # by name, in the order of the seeds

    @property
    def baseline(self) -> str | None:
        """The contender that queries at random and asks the truth, or else the only random one."""
        random = {
            name: runs[0].oracle
            for name, runs in self.contenders.items()
            if runs[0].strategy == BASELINE and runs[0].oracle in ASKED
        }
        truly = [name for name, oracle in random.items() if oracle == TRUTH]
        found = truly or [*random]
        return found[0] if len(found) == 1 else None

    @property
    def runs(self) -> list[Run]:
        return [run for runs in self.contenders.values() for run in runs]

    @property
    def metric(self) -> str:
        """The metric that compares its runs, in words."""
        return words(self.runs[0].metric)

    @property
    def over(self) -> str:
        """The unit over which its runs are compared."""
        return self.runs[0].over

    @property
    def reach(self) -> float:
        """The amount that all runs spent, up to which they are compared."""
        return min(run.spent[-1] for run in self.runs)

    @property
    def judges(self) -> str:
        """The source of its runs' results, and of accuracies what guessing one class would give."""
        rounds = [past for run in self.runs for past in run.rounds]
        guessed = [past.majority for past in rounds] if self.runs[0].metric == ACCURACY else []
        return judges([past.judged for past in rounds], guessed)

    @property
    def ranked(self) -> list[str]:
        """The contenders by falling mean area."""
        areas = {name: fmean(run.area for run in runs) for name, runs in self.contenders.items()}
        return sorted(areas, key=lambda name: -areas[name])

    @property
    def honest(self) -> list[str]:
        """The contenders without upper references, which see more than a strategy may."""
        return [name for name, runs in self.contenders.items() if runs[0].strategy not in CHEATS]

    @property
    def references(self) -> list[str]:
        """The upper references."""
        return [name for name in self.contenders if name not in self.honest]

    @property
    def single(self) -> list[str]:
        """The honest contenders that are not made of other strategies."""
        return [name for name in self.honest if not self.contenders[name][0].composed]


def group(runs: Sequence[Run]) -> tuple[list[Setting], list[Fault]]:
    """The settings with their sound runs, and the faults of the others."""
    faults = [*_unfinished(runs), *_duplicates(runs)]
    out = {fault.where for fault in faults}
    sound = [run for run in runs if str(run.path) not in out]
    settings = _settings(sound)
    faults += _other_configs(settings)
    for setting in settings:
        faults += [*_other_starts(setting), *_other_lengths(setting)]
        faults += [*_other_versions(setting), *_untested(setting)]
    return settings, faults


def by_baseline(name: str) -> tuple[bool, str]:
    """The order of contenders: random first, then by name."""
    return not name.startswith(BASELINE), name


def _settings(runs: Sequence[Run]) -> list[Setting]:
    names = _contender_names(runs)
    members = by(runs, lambda run: as_text(_common(run)))
    shared = [_common(found[0]) for found in members.values()]
    titles = tell_apart(with_learners(list(map(data_name, shared)), shared), shared)
    settings = []
    for title, config, found in zip(titles, shared, members.values(), strict=True):
        reach = min(run.spent[-1] for run in found)
        alike = [replace(run, reach=reach) for run in found]
        named = by(alike, lambda run: names[as_text(_options(run))])
        contenders = {
            name: sorted(named[name], key=lambda run: run.seed)
            for name in sorted(named, key=by_baseline)
        }
        settings.append(Setting(title, data_name(config), config, contenders))
    return sorted(settings, key=lambda setting: setting.name)


def _contender_names(runs: Sequence[Run]) -> dict[str, str]:
    """A name for each strategy with its options; only options that differ appear."""
    variants = {as_text(_options(run)): _options(run) for run in runs}
    bases = [str(options["name"]) for options in variants.values()]
    return dict(zip(variants, tell_apart(bases, list(variants.values())), strict=True))


def _common(run: Run) -> Settings:
    return {
        key: value
        for key, value in run.config.items()
        if key.split(".")[0] not in APART
        and key not in (*PLACES, *COMPARED)
        and not (key in PLAIN and value == PLAIN[key])
    }


def _options(run: Run) -> Settings:
    """The identity of a contender: the strategy with its options, its batches, and the oracle."""
    own = {
        key.removeprefix("strategy."): value
        for key, value in run.config.items()
        if key.startswith("strategy.")
    }
    batches = {key: run.config.get(key, plain) for key, plain in COMPARED.items()}
    return {**own, **batches, **run.answering}


def as_text(settings: Settings) -> str:
    """A value that is the same for equal settings only."""
    return json.dumps(settings, sort_keys=True, default=str)


def by(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """The items of each key, in order."""
    found: dict[Key, list[Item]] = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return dict(found)


def _unfinished(runs: Sequence[Run]) -> list[Fault]:
    return [_incomplete(run) for run in runs if not run.finished]


def _incomplete(run: Run) -> Fault:
    detail = f"{len(run.rounds)} of {run.planned} rounds are there; left out"
    if len(run.rounds) > run.planned:
        return Fault("too long", str(run.path), detail)
    if run.failure:
        return Fault("failed", str(run.path), f"{run.failure}; {detail}")
    return Fault("unfinished", str(run.path), detail)


def _duplicates(runs: Sequence[Run]) -> list[Fault]:
    """All but the longest of finished runs that are the same experiment."""
    finished = sorted((run for run in runs if run.finished), key=lambda run: -len(run.rounds))
    same = by(finished, lambda run: (as_text(_common(run)), as_text(_options(run)), run.seed))
    faults = []
    for first, *others in same.values():
        for run in others:
            equal = run.rounds and [*run.results] == [*first.results[: len(run.rounds)]]
            verb = "agree" if equal else "differ"
            what = f"the same experiment as {first.path}; their results {verb}; left out"
            faults.append(Fault("duplicate", str(run.path), what))
    return faults


def _other_configs(settings: Sequence[Setting]) -> list[Fault]:
    """Runs that differ in more than strategy and seed from most runs on their data set."""
    faults = []
    for same in by(settings, lambda setting: setting.data).values():
        most = max(same, key=lambda setting: len(setting.runs))
        for setting in same:
            if setting is not most:
                here = telling(setting.config, most.config)
                there = telling(most.config, setting.config)
                detail = ", ".join(
                    f"{key}={shown(here[key])} in place of {shown(there[key])}" for key in here
                )
                what = f"{detail}; compared among themselves only, runs: {len(setting.runs)}"
                faults.append(Fault("another config", setting.name, what))
    return faults


def _other_starts(setting: Setting) -> list[Fault]:
    """Runs that began differently from most runs of their seed."""
    faults = []
    for seed, runs in by(setting.runs, lambda run: run.seed).items():
        usual = Counter(run.start for run in runs).most_common(1)[0][0]
        first = Counter(run.rounds[0].result for run in runs if run.start == usual)
        usual_result = first.most_common(1)[0][0]
        for run in runs:
            if run.start != usual:
                what = f"not the start set of most runs of seed {seed}; not paired with them"
                faults.append(Fault("another start set", str(run.path), what))
            elif run.rounds[0].result != usual_result:
                what = (
                    f"the start set of seed {seed}, yet {words(run.metric)} of "
                    f"{run.rounds[0].result:.4f} where most have {usual_result:.4f}: "
                    "other first weights, or another machine; paired all the same"
                )
                faults.append(Fault("another start", str(run.path), what))
    return faults


def _other_lengths(setting: Setting) -> list[Fault]:
    """A note if runs spend different amounts."""
    shortest = min(setting.runs, key=lambda run: run.spent[-1])
    longest = max(run.spent[-1] for run in setting.runs)
    if longest == setting.reach:
        return []
    amount = AXES[setting.over].amount
    what = (
        f"runs end between {counted(setting.reach)} and {counted(longest)} {amount}; areas and "
        f"final results are those up to {counted(setting.reach)}, where {shortest.path} ends"
    )
    return [Fault("other lengths", setting.name, what)]


def _other_versions(setting: Setting) -> list[Fault]:
    return [
        Fault("mixed versions", setting.name, f"{name}: {', '.join(sorted(found))}")
        for name in HARDWARE
        if len(found := {str(run.versions.get(name)) for run in setting.runs}) > 1
    ]


def _untested(setting: Setting) -> list[Fault]:
    """Runs with results that come from no test set."""
    return [
        Fault("no test set", str(run.path), f"its {words(run.metric)} is that of: {judges(judged)}")
        for run in setting.runs
        if any(judged := [past.judged for past in run.rounds])
    ]
