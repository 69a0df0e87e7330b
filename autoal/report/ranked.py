"""The end of a sweep: its runs in one table, the best first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os.path import commonpath
from pathlib import Path

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from autoal.report.across import leading
from autoal.report.groups import Setting, group
from autoal.report.runs import Run, read_runs
from autoal.report.statistics import t_interval
from autoal.screen import Screen


def show_ranked(folders: Sequence[Path], total: int, console: Console | None = None) -> None:
    """The table of the runs in these folders, how many are missing, and where to read more."""
    if not folders:
        return
    console = console or Screen(markup=False)  # brackets in a name are no markup
    settings, _ = group(read_runs(folders)[0])
    if any(setting.contenders for setting in settings):
        console.print(_table(settings))
        console.print(
            "area under accuracy over labels (95 % interval of the mean), final accuracy",
            highlight=False,
        )
    if lacking := total - len(folders):
        console.print(f"{lacking} of {total} runs are not done", highlight=False)
    top = Path(commonpath([folder.parent for folder in folders]))
    shown = top.relative_to(Path.cwd()) if top.is_relative_to(Path.cwd()) else top
    console.print(f"python -m autoal.report {shown}", highlight=False, soft_wrap=True)


def _table(settings: Sequence[Setting]) -> Table:
    table = Table(box=SIMPLE, collapse_padding=True)
    several = len(settings) > 1
    for heading in ("strategy", *(["setting"] if several else [])):
        table.add_column(heading, overflow="fold")
    for heading in ("seeds", "area", "final"):
        table.add_column(heading, justify="right", no_wrap=True)
    for setting in settings:
        best = leading(setting)
        for name, *cells in _rows(setting):
            style = "bold" if name in best else ""
            table.add_row(name, *([setting.name] if several else []), *cells, style=style)
        table.add_section()
    return table


def _rows(setting: Setting) -> Iterator[tuple[str, str, str, str]]:
    """A line for each contender, by falling area."""
    for name in setting.ranked:
        runs = setting.contenders[name]
        final = np.mean([run.final for run in runs])
        yield name, str(len(runs)), _with_interval(runs), f"{final:.3f}"


def _area(runs: Sequence[Run]) -> float:
    return float(np.mean([run.area for run in runs]))


def _with_interval(runs: Sequence[Run]) -> str:
    """A mean area, with its interval if there are enough seeds."""
    if len(runs) < 2:
        return f"{_area(runs):.3f}"
    low, high = np.clip(t_interval(np.array([run.area for run in runs])), 0, 1)
    return f"{_area(runs):.3f} ({low:.3f} to {high:.3f})"
