"""The picks of each strategy among points of three classes, as a picture for docs/strategies.md.

    python -m benchmarks.picks            # every installed strategy
    python -m benchmarks.picks margin     # some of them

A small network has learnt from three points of each class. A strategy is asked for a batch, the
network learns its labels, too, and the strategy is asked again: the picture shows both batches.
"""

import math
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
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
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
from autoal.palette import LIGHT
from autoal.plugins import STRATEGIES
from autoal.query import registry
from autoal.seeding import generator, seeded

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "strategies"
CLASSES, START, BUDGET = 3, 9, 9
HIDDEN, WIDTH = 64, 32  # widths of the network's layers
STEPS = 30
READER = "active_llm"  # which chooses among texts
DROPOUT = 0.2
SIZE, DPI = (6.4, 4.8), 100  # size of a picture
COLOURS = 64  # its colours; few keep it small
GRID = 200  # points per side of the grid that finds the borders between predictions
INKS = LIGHT[:CLASSES]  # colours of the classes
UNSURE = "#c9d1d9"
JUDGES = 60  # points of known classes
JUDGED = ("ibds", "isal", "salutary")  # strategies that foresee a row's effect by these
OPTIONS = {"tcm": {"queries": 1}}  # without a fourth batch, in which it would differ


class Network(nn.Module):
    """Two hidden layers, dropout and a linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(2, HIDDEN), nn.ReLU())
        self.second = nn.Sequential(nn.Linear(HIDDEN, WIDTH), nn.ReLU())
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, points: Tensor) -> Tensor:
        return self.head(self.dropout(self.second(self.first(points))))

    @torch.no_grad()
    def stages(self, points: Tensor) -> Tensor:
        """The hidden layers side by side; the last is the embedding."""
        first = self.first(points)
        return torch.cat([first, self.second(first)], 1)


def arms() -> tuple[Tensor, Tensor]:
    """The points and their classes; the first ones, labelled at the start, alternate in class.

    Three arms meet in the middle. One of them is sparse, and has an island of its own.
    """
    stream = generator(0, "arms")
    drawn = []
    for label, (count, turn) in enumerate(((220, 90), (150, 210), (60, 330))):
        along = torch.rand(count, generator=stream) * 2.2
        bent = math.radians(turn) + 0.35 * along
        arm = torch.stack([along * bent.cos(), along * bent.sin()], 1)
        arm += 0.3 * torch.randn(count, 2, generator=stream)
        drawn.append((arm, torch.full((count,), label)))
    island = torch.tensor([2.5, 1.7]) + 0.16 * torch.randn(20, 2, generator=stream)
    drawn.append((island, torch.full((20,), 2)))
    points, labels = (torch.cat(parts) for parts in zip(*drawn, strict=True))
    order = torch.randperm(len(points), generator=stream)
    points, labels = points[order], labels[order]
    near = (points - torch.tensor([2.5, 1.7])).norm(dim=1) > 0.8  # the island has no labels
    turns = [((labels == label) & near).nonzero().flatten()[: START // 3] for label in range(3)]
    start = torch.stack(turns, 1).flatten()
    rest = ~torch.isin(torch.arange(len(points)), start)
    order = torch.cat([start, rest.nonzero().flatten()])
    return points[order], labels[order]


def trained(points: Tensor, labels: Tensor) -> Network:
    """A network trained on these points."""
    with seeded(0, "arms", len(points)):
        network = Network()
        optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
        for _ in range(STEPS):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(points), labels).backward()
            optimizer.step()
    return network.eval()


def view_of(points: Tensor, labels: Tensor, labelled: Tensor, judges: int) -> tuple[View, Network]:
    """The view once these rows, in ascending order, have been labelled; and the network.

    Args:
        points: all of them.
        labels: their classes.
        labelled: the rows that the network learns from.
        judges: how many, from the last one, are for validation.
    """
    network = trained(points[labelled], labels[labelled])
    stages = network.stages(points)
    known = torch.full_like(labels, -1)
    aside = torch.arange(len(points)) >= len(points) - judges
    known[labelled], known[aside] = labels[labelled], labels[aside]
    view = View.of(
        stages[:, -WIDTH:],
        stages=stages[:, :-WIDTH],
        head=network.head,
        labels=known,
        inputs=points,
        held_out=aside,
        dropout=DROPOUT,
        seed=len(labelled),
    )
    bench = Bench(
        lambda phase: nullcontext(),
        fitted=partial(fitted, points[labelled], labels[labelled]),
        outcome=partial(outcome, points, labels, labelled),
    )
    return replace(view, bench=bench), network


def fitted(points: Tensor, labels: Tensor, places: Tensor) -> Learner:
    """A learner trained on some of the labelled points, for strategies that have a committee."""
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
def outcome(
    points: Tensor, labels: Tensor, labelled: Tensor, rows: Tensor, judges: Tensor
) -> float:
    """The loss after training with these rows too, for strategies that may know it."""
    known = torch.cat([labelled, rows])
    with torch.enable_grad():
        network = trained(points[known], labels[known])
    return float(nn.functional.cross_entropy(network(points[judges]), labels[judges]))


def picture(
    points: Tensor, labels: Tensor, network: Network, batches: tuple[Tensor, Tensor]
) -> bytes:
    """A PNG of the points with the network's predictions, the labels, and both batches."""
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    axes = figure.add_subplot(xlabel="first feature", ylabel="second feature", aspect="equal")
    _draw_borders(axes, points, network)

    def mark(rows: Tensor, **look: Any) -> None:
        axes.scatter(points[rows, 0], points[rows, 1], **look)

    start, (first, second) = torch.arange(START), batches
    mark(torch.arange(len(points)), c=_shades(network, points), s=14, alpha=0.8, linewidths=0)
    told: dict[str, Any] = {"edgecolors": "black", "linewidths": 1.1, "zorder": 3}
    for rows, marker, size, name in (
        (start, "s", 52, "labelled at the start"),
        (first, "D", 52, "asked first"),
    ):
        mark(rows, c=[INKS[label] for label in labels[rows]], marker=marker, s=size, **told)
        axes.scatter([], [], c="white", marker=marker, s=size, label=name, **told)
    mark(second, c="white", s=150, label="asked then, from 1 on", **told)
    for number, (x, y) in enumerate(points[second].tolist(), 1):
        axes.text(x, y, str(number), size=9, ha="center", va="center_baseline", zorder=4)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    return _png(figure)


@torch.no_grad()
def _shades(network: Network, points: Tensor) -> Tensor:
    """The colour of the likeliest class, paler where it is less likely."""
    inks = torch.tensor([mpl.colors.to_rgb(ink) for ink in INKS])
    most, best = network(points).softmax(1).max(1)
    share = ((most - 1 / CLASSES) / (1 - 1 / CLASSES))[:, None]
    return share * inks[best] + (1 - share) * torch.tensor(mpl.colors.to_rgb(UNSURE))


@torch.no_grad()
def _draw_borders(axes: Axes, points: Tensor, network: Network) -> None:
    """Lines between the regions that the network assigns to different classes."""
    low, high = points.min(0).values - 0.2, points.max(0).values + 0.2
    xs, ys = (torch.linspace(float(low[i]), float(high[i]), GRID) for i in (0, 1))
    logits = network(torch.cartesian_prod(xs, ys)).view(GRID, GRID, CLASSES).transpose(0, 1)
    for label in range(CLASSES - 1):  # the last class shares all of its borders with these
        others = [other for other in range(CLASSES) if other != label]
        lead = logits[..., label] - logits[..., others].max(2).values
        axes.contour(xs, ys, lead, levels=[0], colors="#57606a", linewidths=0.8)


def _png(figure: Figure) -> bytes:
    drawn, small = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png")
    Image.open(drawn).convert("RGB").quantize(COLOURS).save(small, format="png", optimize=True)
    return small.getvalue()


def draw(name: str, build: Callable[[], QueryStrategy], folder: Path = PICTURES) -> Path:
    """Ask a strategy twice, and keep a picture of its picks."""
    points, labels = arms()
    strategy, labelled, judges = build(), torch.arange(START), JUDGES * (name in JUDGED)
    view, _ = view_of(points, labels, labelled, judges)
    first = select(strategy, view, BUDGET)
    labelled = torch.cat([labelled, first]).sort().values
    view, network = view_of(points, labels, labelled, judges)
    second = select(strategy, view, BUDGET)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    path.write_bytes(picture(points, labels, network, (first, second)))
    return path


def main() -> None:
    """Draw the requested strategies, or all that can choose among points."""
    for name in sys.argv[1:] or [name for name in STRATEGIES.installed() if name != READER]:
        path = draw(name, partial(registry.load(name), **OPTIONS.get(name, {})))
        print(f"{path.relative_to(PICTURES.parents[1])}  {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
