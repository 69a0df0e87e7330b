"""Runs kept like those of `train.py`, each in a folder of its own, for the same report.

A run that was stopped goes on, and one that is finished is not run again; the tables are the
report's, of all that are there.
"""

import argparse
import shutil
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from autoal import Experiment, Oracle, RunFolder, UserError, rounds
from autoal.record.versions import versions
from autoal.report import outcomes, overview
from autoal.report.comparisons import against
from autoal.report.contents import contender_names
from autoal.report.groups import HARDWARE, Setting, group
from autoal.report.runs import read_runs
from autoal.report.tables import Cell, Table
from benchmarks.report import keep

Job = tuple[Any, ...]  # a function and its arguments


def keep_run(
    folder: Path, settings: Mapping[str, Any], build: Callable[[], tuple[Experiment, Oracle]]
) -> None:
    """Do the rest of one experiment; a finished one needs no state."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    with RunFolder(folder, settings, versions()) as run_folder:
        if len(run_folder.rounds) > settings["rounds"]:
            return
        for _ in rounds(*build(), run_folder):
            pass
        shutil.rmtree(folder / "state")


def run_all(jobs: Sequence[Job], processes: int) -> None:
    """Do them in this many processes; one failure ends them all."""
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        running = [pool.submit(*job) for job in jobs]
        for count, done in enumerate(as_completed(running), 1):
            done.result()
            print(f"{count} of {len(jobs)} runs", end="\r", flush=True)


def parser(name: str) -> argparse.ArgumentParser:
    """The options that all of these commands share."""
    options = argparse.ArgumentParser(
        description=sys.modules["__main__"].__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--seeds", type=int, default=10)
    options.add_argument("--first", type=int, default=0, help="of the seeds")
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--out", type=Path, default=Path("runs", name))
    options.add_argument("--keep", action="store_true", help="write the tables to results/")
    options.add_argument("--report", action="store_true", help="only of what is there; run nothing")
    return options


def read(tops: Sequence[Path]) -> list[Setting]:
    """The settings of the runs below; faults, or an empty folder, are reported."""
    try:
        runs, faults = read_runs([top for top in tops if top.exists()] or tops)
    except UserError as error:
        print(error, file=sys.stderr)
        return []
    settings, more = group(runs)
    for fault in (*faults, *more):
        print(f"{fault.kind}: {fault.where}: {fault.what}", file=sys.stderr)
    return settings


def over_all(settings: Sequence[Setting], bases: Sequence[str], where: str = "") -> list[Table]:
    """A line for each contender, and its differences to each of these, over all settings."""
    summary = overview.summary(settings, contender_names(settings))
    found = [replace(summary, title=f"{summary.title}{where}")]
    found += [overview.across("across", f"Minus {base}{where}", settings, base) for base in bases]
    return found


def one_by_one(settings: Sequence[Setting], bases: Sequence[str]) -> list[Table]:
    """The shares of the reference's gain, ranks, areas, and differences in each setting."""
    names = contender_names(settings)
    found = [overview.shares_table(settings, names)]
    ranks = outcomes.ranks(settings, names)
    found += [table for table in ranks.tables if table.name == "ranks"]
    found += outcomes.results(settings).tables
    for base in bases:
        compared = {setting.name: against(setting, base) for setting in settings}
        found.append(outcomes.comparisons(f"against_{base}", f"Against {base}", compared))
    return found


def made_with(settings: Sequence[Setting]) -> Table:
    """The versions that made the runs, which may differ from the present ones."""
    found = Counter(
        tuple(str(run.versions.get(name) or "") for name in HARDWARE)
        for setting in settings
        for run in setting.runs
    )
    rows: list[list[Cell]] = [[*made, count] for made, count in sorted(found.items())]
    return Table("made_with", "What the runs were made with", [*HARDWARE, "runs"], rows)


def tables(tops: Sequence[Path], bases: Sequence[str] = ("random", "autoal")) -> list[Table]:
    """The tables of the runs below, over all settings and for each."""
    settings = read(tops)
    return [*over_all(settings, bases), *one_by_one(settings, bases), made_with(settings)]


def show(name: str, found: Sequence[Table], *, save: bool) -> None:
    """Print the tables that have rows, or keep them, if there are any."""
    text = "\n\n".join(f"## {table.markdown()}" for table in found if table.rows)
    if save and text:
        keep(name, text)
    else:
        print(text)
