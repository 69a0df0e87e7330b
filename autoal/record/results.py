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
    """The learning curve, as vectors and as pixels."""
    figure = learning_curve(folder.rounds, folder.path.name)
    for kind in ("svg", "png"):
        folder.write(folder.path / f"learning_curve.{kind}", render(figure, kind))


def show_results(console: Console, folder: RunFolder) -> None:
    """The table of all rounds, and the paths of all that was written."""
    table = Table(title=folder.path.name, caption="times in seconds", box=SIMPLE)
    for name in ("round", "labelled", "accuracy", *PHASES):
        table.add_column(name, justify="right")
    for each in folder.rounds:
        seconds = (f"{each.seconds[name]:.2f}" for name in PHASES)
        accuracy = f"{each.metrics['accuracy']:.4f}"
        table.add_row(str(each.number), str(each.labelled), accuracy, *seconds)
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


def render(figure: Figure, kind: str) -> bytes:
    """The figure as the content of a file of this kind, svg or png."""
    content = BytesIO()
    metadata = {"Date": None} if kind == "svg" else None
    with mpl.rc_context(_STYLE):
        figure.savefig(content, format=kind, dpi=150, metadata=metadata)
    return content.getvalue()
