"""The sources of labels, people or a language model, and their cost."""

from collections.abc import Sequence

from autoal.report.groups import Setting
from autoal.report.measures import mean_of_sums
from autoal.report.page import Section
from autoal.report.past import Past
from autoal.report.runs import Run
from autoal.report.tables import Cell, Table

TITLE = "Who labelled, and for how much"


def priced(setting: Setting) -> bool:
    """Whether money differs from the number of labels in its runs."""
    return any(run.priced for run in setting.runs)


def timed(setting: Setting) -> bool:
    """Whether the records say how long its labels took."""
    return any(run.timed for run in setting.runs)


def sources(settings: Sequence[Setting]) -> Section:
    """Labels and money by source."""
    rows = [
        _row(setting, name, runs)
        for setting in settings
        if priced(setting) or timed(setting)
        for name, runs in setting.contenders.items()
    ]
    if not rows:
        return Section(TITLE, ["In every run each label was asked for, and cost one."])
    text = (
        "Sums over a run's rounds, means over the seeds. Money is in the unit of the prices given: "
        "one a label where none was, language.price_in= and price_out= for a language model, and "
        "oracle.price= for whoever answers in its place. Right: the share of its labels that are, "
        "where the truth is known; it is measured, and never used. Seconds: that people took, or "
        "the costs of a simulation say they would."
    )
    header = ["setting", "strategy", "seeds", "labels by a model", "right", "labels by others"]
    header += ["money for a model", "money for others", "seconds"]
    return Section(TITLE, [text, Table("sources", TITLE, header, rows)])


def _row(setting: Setting, name: str, runs: Sequence[Run]) -> list[Cell]:
    machine = mean_of_sums(runs, lambda past: past.machine)
    labels = mean_of_sums(runs, lambda past: sum(past.classes.values()))
    paid, all_paid = (mean_of_sums(runs, of) for of in (lambda p: p.model_money, lambda p: p.money))
    right = _right([past for run in runs for past in run.rounds if past.machine])
    seconds = mean_of_sums(runs, lambda past: past.time) or None
    others = [labels - machine, paid, max(0.0, all_paid - paid), seconds]
    return [setting.name, name, len(runs), machine, right, *others]


def _right(rounds: Sequence[Past]) -> float | None:
    """The share of a language model's labels that is right, if every round records it."""
    told = [past.right for past in rounds if past.right is not None]
    if not rounds or len(told) < len(rounds):
        return None
    return sum(told) / sum(past.machine for past in rounds)
