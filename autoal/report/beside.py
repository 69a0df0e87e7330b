"""Learners on the same pool, from the same starts, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autoal.palette import places
from autoal.report import figures
from autoal.report.axis import AXES
from autoal.report.behaviour import querying, seconds
from autoal.report.groups import Setting, as_text, by
from autoal.report.measures import Curve, Spread
from autoal.report.naming import learner_name, tell_apart
from autoal.report.page import Section
from autoal.report.runs import Run
from autoal.report.tables import Cell, Table
from autoal.settings import Settings

READERS = ("encoder", "task")  # the parts of a learner: one that reads rows, and one that learns
TEXT = (
    "Settings that differ only in the task and the encoder; for each strategy, the runs whose seed "
    "and start set all learners have. A strategy that asks the model chooses different batches for "
    "each learner; random chooses the same for all. Seconds: means over the rounds after the "
    "start; compare only runs on the same, undisturbed machine."
)


@dataclass(frozen=True)
class Peers:
    """Learners with the same data."""

    name: str
    learners: dict[str, Setting]

    def runs(self, strategy: str) -> dict[str, list[Run]]:
        """For each learner with the strategy, the runs of the seeds and starts that all share."""
        reach = min(setting.reach for setting in self.learners.values())
        found = {
            name: {
                (run.seed, run.start): replace(run, reach=reach)
                for run in setting.contenders[strategy]
            }
            for name, setting in self.learners.items()
            if strategy in setting.contenders
        }
        shared = set.intersection(*map(set, found.values()))
        return {name: [runs[one] for one in sorted(shared)] for name, runs in found.items()}

    def compared(self) -> dict[str, dict[str, list[Run]]]:
        """The runs of each strategy that two learners or more have in common."""
        strategies = dict.fromkeys(
            strategy for setting in self.learners.values() for strategy in setting.contenders
        )
        found = {strategy: self.runs(strategy) for strategy in strategies}
        return {
            strategy: runs
            for strategy, runs in found.items()
            if len(runs) > 1 and all(runs.values())
        }


def peers(settings: Sequence[Setting]) -> list[Peers]:
    """The settings that differ only in their learners."""
    same = by(settings, lambda setting: as_text(_given(setting)))
    several = [found for found in same.values() if len(found) > 1]
    names = tell_apart([first.data for first, *_ in several], [_given(one) for one, *_ in several])
    return [Peers(name, _named(found)) for name, found in zip(names, several, strict=True)]


def side_by_side(settings: Sequence[Setting]) -> Section:
    """A figure for each strategy of a pool, and one table."""
    section = Section("Learners side by side", [TEXT])
    rows: list[list[Cell]] = []
    for found in peers(settings):
        if not (compared := found.compared()):
            continue
        colours = places(found.learners)
        section.parts.extend(
            figures.drawn(
                f"{found.name}, {strategy}",
                {name: Curve.of(runs) for name, runs in by_learner.items()},
                colours,
                settings[0].metric,
                AXES[settings[0].over].title,
            )
            for strategy, by_learner in compared.items()
        )
        rows += [
            [found.name, strategy, name, *_measured(runs)]
            for strategy, by_learner in compared.items()
            for name, runs in by_learner.items()
        ]
    header = ["pool", "strategy", "learner", "seeds", "area", f"{settings[0].metric} in the end"]
    header += ["query seconds a round", "training seconds a round", "seconds a round"]
    section.parts.append(Table("side_by_side", "Learners side by side", header, rows))
    return (
        section if rows else Section(section.title, ["No two learners were given the same data."])
    )


def _measured(runs: Sequence[Run]) -> list[Cell]:
    area, final = Spread.of([run.area for run in runs]), Spread.of([run.final for run in runs])
    spent = seconds(runs, ["train"])
    if not spent:  # a run of the start alone
        return [len(runs), area, final, None, None, None]
    return [len(runs), area, final, querying(runs), spent["train"], sum(spent.values())]


def _given(setting: Setting) -> Settings:
    """All settings but the learner."""
    return {key: value for key, value in setting.config.items() if not _is_of_learner(key)}


def _is_of_learner(key: str) -> bool:
    return key.partition(".")[0] in READERS


def _named(settings: Sequence[Setting]) -> dict[str, Setting]:
    """Each by its learner, with options only if names clash."""
    learners = [
        {key: value for key, value in setting.config.items() if _is_of_learner(key)}
        for setting in settings
    ]
    names = tell_apart([learner_name(own) or "learner" for own in learners], learners)
    return dict(sorted(zip(names, settings, strict=True)))
