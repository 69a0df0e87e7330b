"""The rows that were queried first and last, if a run kept pictures or texts of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from autoal.record.finished import finished_rounds
from autoal.report.faults import Fault
from autoal.report.groups import Setting
from autoal.report.kept import Query, queries
from autoal.report.runs import Run

MOST = 4_000_000  # most bytes of them in one page


@dataclass(frozen=True)
class Queried:
    """The first and the last query of one run, or its only one."""

    setting: str
    contender: str
    run: str
    queries: list[Query]


@dataclass(frozen=True)
class Gallery:
    """Everything to show, the number left out, and the runs without such queries."""

    shown: list[Queried]
    left_out: int
    faults: list[Fault]


def queried(settings: Sequence[Setting]) -> Gallery:
    """One run per contender, while the page stays small."""
    shown: list[Queried] = []
    faults: list[Fault] = []
    size = left_out = 0
    for setting in settings:
        for name in setting.ranked:
            found = _first(setting, name, faults)
            if found is None:
                continue
            size += sum(query.size for query in found.queries)
            if size > MOST:
                left_out += 1
            else:
                shown.append(found)
    return Gallery(shown, left_out, faults)


def _first(setting: Setting, name: str, faults: list[Fault]) -> Queried | None:
    """The first run of a contender that kept the queries of all rounds."""
    for run in setting.contenders[name]:
        if found := _kept(run, name, faults):
            return Queried(setting.name, name, run.path.name, found)
    return None


def _kept(run: Run, name: str, faults: list[Fault]) -> list[Query]:
    """The queries of a run; broken ones are reported."""
    try:
        if not (run.path / "wandb").is_dir():
            return []
        _, rounds = finished_rounds(run.path)
        return queries(run.path, rounds[run.empty :], name)
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        what = "its pictures or texts of queries cannot be read; they are not shown"
        faults.append(Fault("broken queries", str(run.path), what))
        return []
