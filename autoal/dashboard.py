"""Lay out a W&B workspace for a project of runs: curves by strategy, weights, queries, times.

python -m autoal.dashboard                                 # the project autoal of your own
python -m autoal.dashboard --entity me --project digits    # another one
python -m autoal.dashboard --report                        # a report with its panels, to write in
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from autoal.errors import UserError, until_unread
from autoal.palette import ink
from autoal.plugins import STRATEGIES

LABELS = "n_labelled"  # the axis over which autoal.record.tracking logs all rounds
# The parts of wandb-workspaces in use: of its reports, and of its workspaces.
PANELS = (
    *("BarPlot", "LinePlot", "MediaBrowser", "ParallelCoordinatesPlot"),
    *("ParallelCoordinatesPlotColumn", "ParameterImportancePlot", "RunComparer"),
    *("Config", "SummaryMetric", "WeavePanelSummaryTable"),
    *("H2", "P", "PanelGrid", "Report", "Runset", "RunsetGroup", "RunsetGroupKey"),
)
FRAME = ("RunsetSettings", "Section", "Workspace", "WorkspaceSettings")
STRATEGY = "strategy.name"  # the setting by which runs are grouped and coloured
SINGLE = "Sweep"  # the section of a report whose runs stay single
PHASES = ("train", "test", "features", "score", "search")  # the last panel is AutoAL's
# The words of a report, by section; its owner replaces them.
LEDE = "Which strategy needs the fewest labels, by how much, and is that more than chance?"
WORDS = {
    "Accuracy over labels": "One line a strategy: the mean over its seeds, in a band of one "
    "standard deviation. Bands that overlap decide nothing; `python -m autoal.report` has tests.",
    "Mixing weights": "How much each candidate counts in a query, for strategies that mix others.",
    "Learner": "What the learner chose by itself, such as its penalty.",
    "Queries": "What was asked about, and how many of the labels were wrong.",
    "Time": "Seconds of a round, by what they were spent on.",
    "Training": "The loss over all fits of a run; the step goes on from round to round.",
    SINGLE: "All runs at once, and how they differ.",
}
JUDGED = ("al/balanced_accuracy", "al/macro_f1", "al/nll", "al/ece")


@until_unread
def main(argv: Sequence[str] | None = None) -> int:
    """Build the workspace and save it; return the exit code."""
    parser = argparse.ArgumentParser(
        "python -m autoal.dashboard",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--entity", help="user or team; default: yours")
    parser.add_argument("--project", default="autoal", help="default: autoal")
    parser.add_argument(
        "--name", default="Strategies compared", help="of the workspace or the report"
    )
    parser.add_argument("--report", action="store_true", help="lay out a report, to write in")
    given = parser.parse_args(argv)
    lay_out = report if given.report else workspace
    try:
        parts = _library()
        print(_saved(lay_out(parts, _entity(given.entity), given.project, given.name)))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def workspace(parts: Any, entity: str, project: str, name: str) -> Any:
    """The workspace, unsaved; this needs neither a key nor a network."""
    return parts.Workspace(
        entity=entity,
        project=project,
        name=name,
        settings=parts.WorkspaceSettings(x_axis=LABELS, max_runs=100),
        runset_settings=parts.RunsetSettings(
            groupby=[parts.GroupedBy(STRATEGY)],
            group_colors={name: ink(name) for name in STRATEGIES.installed()},
        ),
        sections=[
            parts.Section(name=title, panels=panels, is_open=True)
            for title, panels in _panels(parts).items()
        ],
    )


def report(parts: Any, entity: str, project: str, name: str) -> Any:
    """A report, unsaved: the workspace's panels, with words above each section."""
    blocks = [
        block
        for title, panels in _panels(parts).items()
        for block in (parts.H2(title), parts.P(WORDS[title]), _grid(parts, title, panels))
    ]
    return parts.Report(
        entity=entity,
        project=project,
        title=name,
        description=LEDE,
        blocks=blocks,
        width="fluid",
    )


def _grid(parts: Any, title: str, panels: list[Any]) -> Any:
    """Panels over the runs of the report's own project, by strategy and in its colour."""
    runs = parts.Runset(name="All runs")
    if title == SINGLE:
        return parts.PanelGrid(runsets=[runs], panels=panels, hide_run_sets=True)
    strategy = parts.Config(STRATEGY)
    runs.groupby = [f"config.{STRATEGY}"]
    return parts.PanelGrid(
        runsets=[runs],
        panels=panels,
        hide_run_sets=True,
        custom_run_colors={
            parts.RunsetGroup(runs.name, (parts.RunsetGroupKey(strategy, name),)): ink(name)
            for name in STRATEGIES.installed()
        },
    )


def _panels(parts: Any) -> dict[str, list[Any]]:
    accuracy = parts.SummaryMetric("al/accuracy.last")
    strategy, seed = parts.Config(STRATEGY), parts.Config("seed")
    return {
        "Accuracy over labels": [
            _by_strategy(parts, "Test accuracy, mean and deviation over seeds", "al/accuracy"),
            *(_by_strategy(parts, key.removeprefix("al/"), key) for key in JUDGED),
        ],
        "Mixing weights": [
            parts.LinePlot(
                title="Weights of the candidates", x=LABELS, metric_regex="query/weights/.*"
            )
        ],
        "Learner": [
            parts.LinePlot(
                title="What the learner chose", x=LABELS, metric_regex="query/learner/.*"
            )
        ],
        "Queries": [
            parts.LinePlot(title="Classes of the batch", x=LABELS, y=["query/classes"]),
            parts.MediaBrowser(title="Images of the batch", media_keys=["media/queried"]),
            parts.WeavePanelSummaryTable(table_name="media/rows"),  # where logger.tables=true
            _by_strategy(parts, "Labels bought a round", "al/bought"),
            _by_strategy(parts, "Wrong labels a round", "al/wrong"),
        ],
        "Time": [_by_strategy(parts, f"Seconds: {phase}", f"seconds/{phase}") for phase in PHASES],
        "Training": [parts.LinePlot(title="Loss", x="fit/step", y=["fit/loss"])],
        SINGLE: [
            parts.ParallelCoordinatesPlot(
                title="Strategy, seed, accuracy",
                columns=[
                    parts.ParallelCoordinatesPlotColumn(metric=axis)
                    for axis in (strategy, seed, accuracy)
                ],
            ),
            parts.BarPlot(
                title="Final accuracy",
                metrics=[accuracy],
                groupby=strategy,
                groupby_aggfunc="mean",
                groupby_rangefunc="stddev",
            ),
            parts.ParameterImportancePlot(with_respect_to="al/accuracy.last"),
            parts.RunComparer(diff_only="split"),
        ],
    }


def _by_strategy(parts: Any, title: str, key: str) -> Any:
    """One line a strategy, with a band over its seeds."""
    return parts.LinePlot(
        title=title,
        x=LABELS,
        y=[key],
        groupby=parts.Config(STRATEGY),
        groupby_aggfunc="mean",
        groupby_rangefunc="stddev",
    )


def _library() -> Any:
    """The parts of wandb-workspaces in use, by name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about its own use of pydantic, on import
            import wandb_workspaces.reports.v2 as reports
            import wandb_workspaces.workspaces as workspaces
            from wandb_workspaces.expr import Config as GroupedBy  # of workspaces alone
    except ImportError as error:
        raise UserError(
            f"a layout on W&B needs wandb-workspaces: pip install 'autoal[dashboard]' ({error})"
        ) from error
    return SimpleNamespace(
        **{name: getattr(reports, name) for name in PANELS},
        **{name: getattr(workspaces, name) for name in FRAME},
        GroupedBy=GroupedBy,
    )


def _entity(given: str | None) -> str:
    """The requested entity, or the default of the key's owner."""
    import wandb

    from autoal.record.login import signed_in

    if not signed_in():
        raise UserError("workspaces and reports are kept by W&B, and no key was found: wandb login")
    if given:
        return given
    try:
        return str(wandb.Api().default_entity)
    except Exception as error:  # wandb raises its own errors, its protocol's and the network's
        raise UserError(f"W&B does not tell your entity, give --entity: {error}") from error


def _saved(built: Any) -> str:
    """The address of the workspace or report, once W&B has it."""
    try:
        return str(built.save().url)
    except Exception as error:  # wandb raises its own errors, its protocol's and the network's
        raise UserError(f"W&B did not take it: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
