"""How many images pass through which network."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from autoal import QueryStrategy, Scored, Trained, View
from autoal.query.strategy import as_scored
from autoal.record.finished import finished_rounds
from autoal.report.groups import Setting
from autoal.report.tables import Cell, Table
from autoal.search.searchnet import ImageWeights

COLOURS = 3  # channels that only a network's first layer reads
NETWORKS = ("learner", "FitNet", "SearchNet")
NOTE = "images"  # the note that a query adds to its round


class Counted(QueryStrategy):
    """A strategy that also notes how many images its query sends through each ResNet-18.

    Args:
        strategy: chooses.
        learner: that it sees.
    """

    def __init__(self, strategy: QueryStrategy, learner: Trained) -> None:
        self.strategy = strategy
        self.reads = strategy.reads
        self.learner = learner
        self.images: Counter[str] = Counter()

    def fit(self, view: View) -> None:
        self.images.clear()
        with self._counting():
            self.strategy.fit(view)

    def score(self, view: View, budget: int) -> Scored:
        with self._counting():
            scored = as_scored(self.strategy.score(view, budget))
        return scored._replace(notes={**scored.notes, NOTE: dict(self.images)})

    def state_dict(self) -> dict[str, Any]:
        return self.strategy.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.strategy.load_state_dict(state)

    @contextmanager
    def _counting(self) -> Iterator[None]:
        handle = register_module_forward_pre_hook(self._count)
        try:
            yield
        finally:
            handle.remove()

    def _count(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if isinstance(module, nn.Conv2d) and module.in_channels == COLOURS:
            self.images[self._whose(module)] += len(inputs[0])

    def _whose(self, stem: nn.Module) -> str:
        """The network that begins with this layer; every query makes a new FitNet."""
        if stem is self.learner.task.network.embed.conv1:
            return "learner"
        searchnet = getattr(self.strategy, "searchnet", None)
        own = isinstance(searchnet, ImageWeights) and stem is searchnet.trunk.conv1
        return "SearchNet" if own else "FitNet"


def passes(path: Path, epochs: int) -> list[int]:
    """Of the run in a folder: the learner's in training, and each network's in queries.

    Args:
        path: of the folder.
        epochs: of a round's training.
    """
    _, done = finished_rounds(path)
    queries: Counter[str] = Counter()
    for each in done:
        queries.update(each.notes.get(NOTE, {}))
    trained = epochs * sum(each.labelled for each in done)
    return [trained, *(queries[name] for name in NETWORKS)]


def table(settings: Sequence[Setting], epochs: int) -> Table:
    """The passes of a whole run, averaged over the seeds, without those of tests."""
    rows: list[list[Cell]] = []
    for setting in settings:
        for name, found in setting.contenders.items():
            seeds = [passes(run.path, epochs) for run in found]
            counts = [round(mean(column)) for column in zip(*seeds, strict=True)]
            rows.append([name, *counts, sum(counts)])
    header = ["strategy", "learner, training", *(f"{name}, queries" for name in NETWORKS), "all"]
    return Table("images", "Images through a ResNet-18 in a run", header, rows)
