"""The output of a finished run: a table, a learning curve, and the places of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from autoal.palette import places
from autoal.record.layout import CURVE, SETTLED, WEIGHTS
from autoal.record.round import Round
from autoal.report import bars, figures
from autoal.report.baseline import random_beside
from autoal.report.groups import BASELINE
from autoal.report.judges import axis, judges
from autoal.report.measures import Curve, kinds_settled, settled
from autoal.report.metric import ACCURACY, words
from autoal.report.svg import Figure, standalone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autoal.record.folder import RunFolder

GAP = 2  # columns between those of the table, and around it
DRAWN = (ACCURACY, "balanced_accuracy", "soft_accuracy")  # in the learning curve
SEEN = 0.005  # least distance between two lines for both to be drawn


def write_results(folder: RunFolder) -> None:
    """Pictures of the learning curve and, if there are any, of weights and learners' choices."""
    history, name = folder.rounds, folder.path.name
    strategy = folder.config.get("strategy", {}).get("name", "this run")
    random = random_beside(folder.path, folder.config)
    drawn = {CURVE: learning_curve(history, name, strategy, random)}
    if any(finished.weights for finished in history):
        drawn[WEIGHTS] = mixing_weights(history, name)
    if kinds_settled(history):
        drawn[SETTLED] = chosen(history, name)
    for file, figure in drawn.items():
        folder.renew(folder.path / file, standalone(figure).encode())


def learning_curve(
    history: Sequence[Round], title: str, strategy: str, random: Sequence[Round] = ()
) -> Figure:
    """Accuracy over the number of labels, on the test set or its substitute.

    Args:
        history: of the run.
        title: of the figure.
        strategy: that queried.
        random: the rounds of the same setting at random, if there are any.
    """
    found = {metric: curve for metric in DRAWN if (curve := _curve(history, metric))}
    first = found.get(ACCURACY)
    curves = {
        strategy if curve is first else f"{strategy}, {words(metric)}": curve
        for metric, curve in found.items()
        if curve is first or _apart(curve, first)
    }
    if beside := _curve(random, ACCURACY):
        curves[BASELINE] = beside
    return figures.learning_curves(title, curves, places(curves), axis(ACCURACY, _judged(history)))


def _curve(history: Sequence[Round], metric: str) -> Curve | None:
    """One metric over labels, with its interval if recorded; None if the metric is not."""
    there = [finished for finished in history if metric in finished.metrics]
    values = np.array([finished.metrics[metric] for finished in there])
    if not len(values) or not np.isfinite(values).all():
        return None
    labelled = np.array([finished.labelled for finished in there], dtype=float)
    ends = [[done.metrics.get(f"{metric}_{end}") for done in there] for end in ("low", "high")]
    told = all(value is not None for end in ends for value in end)
    interval = (np.array(ends[0], dtype=float), np.array(ends[1], dtype=float)) if told else None
    return Curve(labelled, values, np.zeros_like(values), interval=interval)


def _apart(curve: Curve, first: Curve | None) -> bool:
    """Whether a curve would be visible beside the first."""
    if first is None or len(curve.mean) != len(first.mean):
        return True
    return bool(np.abs(curve.mean - first.mean).max() >= SEEN)


def _judged(history: Sequence[Round]) -> str:
    """The rows that judged the models."""
    judged = [finished.judged for finished in history if finished.metrics]
    return judges(judged, [finished.majority for finished in history])


def mixing_weights(history: Sequence[Round], title: str) -> Figure:
    """The weight of each candidate in each query, stacked."""
    found = [finished.weights for finished in history if finished.weights]
    names = dict.fromkeys(name for weights in found for name in weights)
    weights = {name: [told.get(name, 0.0) for told in found] for name in names}
    return bars.mixing_weights(title, weights)


def chosen(history: Sequence[Round], title: str) -> Figure:
    """The learner's own choices, one chart for each kind."""
    curves = {kind: settled(history, kind) for kind in kinds_settled(history)}
    charts = {kind: {kind: curve} for kind, curve in curves.items() if curve}
    return figures.settled(title, charts, {name: place for place, name in enumerate(charts)})


def show_results(console: Console, folder: RunFolder) -> None:
    """The table of all rounds, and the paths of everything that was written."""
    history = folder.rounds
    table = Table(title=folder.path.name, box=SIMPLE, collapse_padding=True)
    shown = _fitting(_columns(history), console.width)
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True)
    for cells in zip(*shown.values(), strict=True):
        table.add_row(*cells)
    console.print(table)
    console.print(axis(ACCURACY, _judged(history)), highlight=False, soft_wrap=True)
    for path in sorted(folder.path.iterdir()):
        if not path.name.startswith("."):
            console.print(str(path), highlight=False, soft_wrap=True)


def _columns(history: Sequence[Round]) -> dict[str, list[str]]:
    """The columns by heading, the least important last."""
    rare = {name: [getattr(finished, name) for finished in history] for name in _rare(history)}
    where = {
        "declined": [len(finished.declined) for finished in history],
        "looked at": [finished.looked for finished in history],
    }
    sums = {name: [getattr(done, name) for done in history] for name in ("cost", "taken")}
    metrics = [finished.metrics.get("accuracy") for finished in history]
    chosen = {kind: [done.settled.get(kind) for done in history] for kind in kinds_settled(history)}
    return {
        "round": _written([finished.number for finished in history], "d"),
        "labelled": _written([finished.labelled for finished in history], "d"),
        "accuracy": _written(metrics, ".4f"),
        **{name: _written(counts, "d") for name, counts in rare.items()},
        **{name: _written(counts, "d") for name, counts in where.items() if any(counts)},
        **{name: _written(spent, ".2f") for name, spent in sums.items() if any(spent)},
        "seconds": _written([finished.seconds["total"] for finished in history], ".1f"),
        **{f"task.{kind}": _written(values, ".3g") for kind, values in chosen.items()},
    }


def _written(values: Sequence[float | None], form: str) -> list[str]:
    """Numbers in their printed form; a dash if there is none."""
    return ["-" if value is None else format(value, form) for value in values]


def _fitting(columns: dict[str, list[str]], width: int) -> dict[str, list[str]]:
    """As many columns as fit side by side, from the first."""
    fitting: dict[str, list[str]] = {}
    left = width - GAP
    for name, cells in columns.items():
        left -= max(map(len, (name, *cells))) + GAP
        if left < 0:
            break
        fitting[name] = cells
    return fitting


def _rare(history: Sequence[Round]) -> tuple[str, ...]:
    """Counts that are obvious in most runs."""
    if any(finished.unasked for finished in history):
        return ("bought", "wrong")
    return ("wrong",) if any(finished.wrong for finished in history) else ()
