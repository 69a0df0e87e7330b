"""Several people who labelled: their reliability, their agreement, and their errors."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import TypeVar

from autoal.maths.agreement import kappas
from autoal.report.groups import Setting
from autoal.report.page import Section
from autoal.report.past import Past
from autoal.report.runs import Run
from autoal.report.tables import Cell, Table

TITLE = "Who answered, and how well"
TEXT = (
    "Means over the seeds. Reliability: how often a person is right on rows of known classes, or, "
    "where there are none, says what all say together of rows that others labelled too; after the "
    "last round, with its 95 % interval (Wilson). Kappa: how far two people agree beyond chance, "
    "on rows that both labelled. Wrong: labels of a round that are not the truth, where it is "
    "known; it is measured, and never used. Entropy: how far people differ, as soft labels have "
    "it, in bits."
)
PEOPLE = ["setting", "strategy", "person", "seeds", "answers", "reliability", "95 % interval"]
PAIRS = ["setting", "strategy", "person", "and", "seeds", "rows", "kappa"]
ROUNDS = ["setting", "strategy", "round", "seeds", "labels", "wrong", "entropy"]

Name = TypeVar("Name")
Told = TypeVar("Told")


def answers(settings: Sequence[Setting]) -> Section:
    """People, pairs of people, and rounds, for runs with errors or with several people."""
    contenders = [
        (setting.name, name, runs)
        for setting in settings
        for name, runs in setting.contenders.items()
        if any(past.said or past.wrong for run in runs for past in run.rounds)
    ]
    if not contenders:
        return Section(TITLE, ["In no run several people were asked, or labels known to be wrong."])
    parts = (
        ("people", "How reliable they are", PEOPLE, _people),
        ("kappas", "How far they agree", PAIRS, _pairs),
        ("wrong", "What was wrong, round by round", ROUNDS, _rounds),
    )
    tables = [
        Table(name, title, header, [[*who, *row] for *who, runs in contenders for row in of(runs)])
        for name, title, header, of in parts
    ]
    return Section(TITLE, [TEXT, *(table for table in tables if table.rows)])


def _people(runs: Sequence[Run]) -> Iterator[list[Cell]]:
    """A row for each person with a known reliability."""
    for name, told in _by_name(runs, _reliability).items():
        counts, shares, lows, highs = (fmean(values) for values in zip(*told, strict=True))
        yield [name, len(told), counts, shares, (lows, highs)]


def _reliability(run: Run) -> Mapping[str, tuple[float, ...]]:
    """By person: answers in all rounds, and the last reliability with its interval."""
    counts: dict[str, float] = defaultdict(float)
    last: dict[str, Mapping[str, float]] = {}
    for past in run.rounds:
        for name, facts in past.people.items():
            counts[name] += facts.get("labels", 0)
            last |= {name: facts} if "reliability" in facts else {}
    ends = ("reliability", "low", "high")
    return {
        name: (count, *(last[name][end] for end in ends))
        for name, count in counts.items()
        if name in last
    }


def _pairs(runs: Sequence[Run]) -> Iterator[list[Cell]]:
    """A row for every two people who labelled the same rows."""
    for pair, told in _by_name(runs, _kappas).items():
        agreements, counts = (fmean(values) for values in zip(*told, strict=True))
        yield [*pair, len(told), counts, agreements]


def _kappas(run: Run) -> Mapping[tuple[str, str], tuple[float, int]]:
    said: dict[str, dict[int, int]] = defaultdict(dict)
    for past in run.rounds:
        for name, labels in past.said.items():
            said[name] |= labels
    return kappas({name: said[name] for name in sorted(said)})


def _rounds(runs: Sequence[Run]) -> Iterator[list[Cell]]:
    """A row for each round that all runs have done."""
    for number, pasts in enumerate(zip(*(run.rounds for run in runs), strict=False)):
        labels = fmean(sum(past.classes.values()) for past in pasts)
        yield [
            number,
            len(pasts),
            labels,
            _mean(pasts, lambda past: past.wrong),
            _mean(pasts, lambda past: past.entropy),
        ]


def _mean(pasts: Sequence[Past], of: Callable[[Past], float | None]) -> float | None:
    """The mean over those that have a value."""
    told = [value for past in pasts if (value := of(past)) is not None]
    return fmean(told) if told else None


def _by_name(
    runs: Sequence[Run], of: Callable[[Run], Mapping[Name, Told]]
) -> dict[Name, list[Told]]:
    """The facts about a person, from all runs that have them."""
    found: dict[Name, list[Told]] = defaultdict(list)
    for run in runs:
        for name, told in of(run).items():
            found[name].append(told)
    return found
