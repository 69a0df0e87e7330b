"""What each strategy picks on two moons, as a picture for docs/strategies.md.

    python -m benchmarks.two_moons            # every installed strategy
    python -m benchmarks.two_moons margin     # some of them

A small network has learnt from a few labels. Every strategy is asked twice, first with the network
of fewer labels, since some compare a round with the one before; the second batch is shown.
"""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import torch
from matplotlib.figure import Figure
from PIL import Image
from sklearn.datasets import make_moons
from torch import Tensor, nn

from autoal import (
    Arrays,
    Bench,
    Learner,
    QueryStrategy,
    Rows,
    TorchLearner,
    Training,
    View,
    select,
)
from autoal.model.fitstep import unwatched
from autoal.plugins import STRATEGIES
from autoal.query import registry
from autoal.seeding import seeded

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "strategies"
POINTS, LABELLED, BEFORE, BUDGET = 400, 10, 6, 12
HIDDEN, WIDTH = 64, 32  # of the network's layers
STEPS = 30
READER = "active_llm"  # chooses among texts
DROPOUT = 0.2
COLOURS = 64  # of a picture, which keeps it small
# There are no validation points, which some would else ask for.
OPTIONS = {name: {"folds": 5} for name in ("ibds", "isal", "salutary")}
LEFT, RIGHT = "#2b6cb0", "#c05621"  # the two classes


class Network(nn.Module):
    """Two hidden layers, dropout and a linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(2, HIDDEN), nn.ReLU())
        self.second = nn.Sequential(nn.Linear(HIDDEN, WIDTH), nn.ReLU())
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(WIDTH, 2)

    def forward(self, points: Tensor) -> Tensor:
        return self.head(self.dropout(self.second(self.first(points))))

    @torch.no_grad()
    def stages(self, points: Tensor) -> Tensor:
        """The hidden layers side by side; the last is the embedding."""
        first = self.first(points)
        return torch.cat([first, self.second(first)], 1)


def moons() -> tuple[Tensor, Tensor]:
    """The points and their classes; the first ones, which will be labelled, take turns."""
    points, labels = make_moons(POINTS, noise=0.15, random_state=0)
    order = torch.arange(POINTS)
    halves = [order[torch.from_numpy(labels == label)] for label in (0, 1)]
    turns = torch.stack(halves, 1).flatten()
    return torch.from_numpy(points).float()[turns], torch.from_numpy(labels).long()[turns]


def trained(points: Tensor, labels: Tensor) -> Network:
    """A network that has learnt from these points."""
    with seeded(0, "two moons", len(points)):
        network = Network()
        optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
        for _ in range(STEPS):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(points), labels).backward()
            optimizer.step()
    return network.eval()


def view_of(points: Tensor, labels: Tensor, labelled: int) -> View:
    """What is known when the first points have been labelled."""
    network = trained(points[:labelled], labels[:labelled])
    stages = network.stages(points)
    known = torch.where(torch.arange(len(points)) < labelled, labels, -1)
    view = View.of(
        stages[:, -WIDTH:],
        stages=stages[:, :-WIDTH],
        head=network.head,
        labels=known,
        inputs=points,
        dropout=DROPOUT,
        seed=labelled,
    )
    bench = Bench(
        lambda phase: nullcontext(),
        fitted=partial(fitted, points, labels),
        outcome=partial(outcome, points, labels),
    )
    return replace(view, bench=bench)


def fitted(points: Tensor, labels: Tensor, places: Tensor) -> Learner:
    """A learner that was taught some of the first points, for who has a committee of such."""
    learner = TorchLearner(
        Network,
        Arrays((points, labels)),
        training=Training(accelerator="cpu"),
        optimizer="adamw",
        learning_rate=0.01,
        steps=STEPS,
    )
    with seeded(0, "member", *places.tolist()):
        learner.fit(Rows(points[places], labels[places]), first=True, watch=unwatched)
    return learner


@torch.no_grad()
def outcome(points: Tensor, labels: Tensor, rows: Tensor, judges: Tensor) -> float:
    """The loss after training with these rows, too, for who may know it."""
    known = torch.cat([torch.arange(LABELLED), rows])
    with torch.enable_grad():
        network = trained(points[known], labels[known])
    return float(nn.functional.cross_entropy(network(points[judges]), labels[judges]))


def picture(points: Tensor, view: View, picks: Tensor) -> bytes:
    """The pool by its probabilities, the labelled points and the numbered picks, as a PNG."""
    figure = Figure(figsize=(4, 3), dpi=80)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()

    def mark(rows: Tensor, **look: Any) -> None:
        axes.scatter(points[rows, 0], points[rows, 1], **look)

    shades = mpl.colors.LinearSegmentedColormap.from_list("", [LEFT, "#d0d0d0", RIGHT])
    towards = view.pool.probs[:, 1]
    mark(view.pool.rows, c=towards, cmap=shades, vmin=0, vmax=1, s=9, alpha=0.55)
    colours = [(LEFT, RIGHT)[label] for label in view.labelled.labels.tolist()]
    mark(view.labelled.features.rows, c=colours, marker="s", s=42, edgecolors="black")
    mark(picks, c="white", s=90, edgecolors="black", linewidths=1.2, zorder=3)
    for number, (x, y) in enumerate(points[picks].tolist(), 1):
        axes.text(x, y, str(number), size=7, ha="center", va="center_baseline", zorder=4)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    drawn, small = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png")
    Image.open(drawn).convert("RGB").quantize(COLOURS).save(small, format="png", optimize=True)
    return small.getvalue()


def draw(name: str, build: Callable[[], QueryStrategy], folder: Path = PICTURES) -> Path:
    """Ask a strategy, and keep the picture of its answer."""
    points, labels = moons()
    strategy = build()
    view = view_of(points, labels, LABELLED)
    if "outcomes" not in (strategy.reads or ()):
        select(strategy, view_of(points, labels, BEFORE), BUDGET)
    picks = select(strategy, view, BUDGET)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    path.write_bytes(picture(points, view, picks))
    return path


def main() -> None:
    """Draw the strategies that are asked for, or all that can choose among points."""
    for name in sys.argv[1:] or [name for name in STRATEGIES.installed() if name != READER]:
        path = draw(name, partial(registry.load(name), **OPTIONS.get(name, {})))
        print(f"{path.relative_to(PICTURES.parents[1])}  {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
