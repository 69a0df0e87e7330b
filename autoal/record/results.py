"""What a finished run shows: a table, a learning curve and where everything is."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from autoal.record.folder import RunFolder
from autoal.record.round import Round

PHASES = ("train", "test", "features", "score", "total")

# Text stays text, and the same run gives the same file.
_STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "autoal"}


def write_results(folder: RunFolder) -> None:
    """The learning curve, and the weights of the candidates if there are some; as svg and png."""
    history = folder.rounds
    figures = {"learning_curve": learning_curve(history, folder.path.name)}
    if any("weights" in each.notes for each in history):
        figures["weights"] = mixing_weights(history, folder.path.name)
    for name, figure in figures.items():
        for kind in ("svg", "png"):
            folder.write(folder.path / f"{name}.{kind}", render(figure, kind))


def show_results(console: Console, folder: RunFolder) -> None:
    """The table of all rounds, and the paths of all that was written."""
    table = Table(title=folder.path.name, caption="times in seconds", box=SIMPLE)
    history = folder.rounds
    labels = ("bought", "wrong") if any(each.unasked for each in history) else ()
    for name in ("round", "labelled", *labels, "accuracy", *PHASES):
        table.add_column(name, justify="right")
    for each in history:
        counts = (getattr(each, name) for name in ("number", "labelled", *labels))
        shown = ("-" if count is None else str(count) for count in counts)
        seconds = (f"{each.seconds[name]:.2f}" for name in PHASES)
        table.add_row(*shown, f"{each.metrics['accuracy']:.4f}", *seconds)
    console.print(table)
    for path in sorted(folder.path.iterdir()):
        if not path.name.startswith("."):
            console.print(str(path), highlight=False, soft_wrap=True)


def learning_curve(history: Sequence[Round], title: str) -> Figure:
    """Test accuracy over the number of labels."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    labelled = [each.labelled for each in history]
    for name, style in (("accuracy", "o-"), ("balanced_accuracy", "s--")):
        values = [each.metrics[name] for each in history]
        axes.plot(labelled, values, style, markersize=4, label=name.replace("_", " "))
    axes.set(title=title, xlabel="labelled images", ylabel="test set")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def mixing_weights(history: Sequence[Round], title: str) -> Figure:
    """What each candidate weighs in each query, stacked."""
    searched = [each for each in history if "weights" in each.notes]
    names = list(searched[0].notes["weights"])
    weights = [[each.notes["weights"][name] for each in searched] for name in names]
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.stackplot(
        [each.number for each in searched], weights, labels=names, colors=_colours(len(names))
    )
    axes.set(title=title, xlabel="round", ylabel="mean weight in the query", ylim=(0, 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _colours(count: int) -> list[Any]:
    return [mpl.colormaps["tab20"](place % 20) for place in range(count)]


def render(figure: Figure, kind: str) -> bytes:
    """The figure as the content of a file of this kind, svg or png."""
    content = BytesIO()
    metadata = {"Date": None} if kind == "svg" else None
    with mpl.rc_context(_STYLE):
        figure.savefig(content, format=kind, dpi=150, metadata=metadata)
    return content.getvalue()
