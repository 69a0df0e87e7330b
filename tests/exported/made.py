"""Rounds of made-up answers about rows that are shown in whatever form."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from autoal import Data, Loaded, Round, Rows
from autoal.exported.labelled import Labelled
from autoal.people.events import Event

COUNT = 8


class Pets(Data):
    classes = ("cat", "dog")
    keeps_order = True

    def __init__(self, shown: Any, inputs: Tensor | None = None, names: Any = None) -> None:
        super().__init__()
        self.shown = shown
        self.inputs = torch.arange(2.0 * COUNT).view(COUNT, 2) if inputs is None else inputs
        self.names = names

    def load(self) -> Loaded:
        labels = torch.zeros(COUNT).long()
        return Loaded(Rows(self.inputs, labels, shown=self.shown, names=self.names))


def pets(shown: Any = None, **parts: Any) -> Data:
    data = Pets(shown, **parts)
    data.setup()
    return data


HISTORY = [
    Round(
        0,
        4,
        queried=[5, 1],
        labels=[0, 0],
        metrics={"accuracy": 0.5, "accuracy_low": 0.25, "accuracy_high": 0.75},
        seconds={},
        steps=0,
        by="ann",
        checked=[2, 7],
        checked_labels=[1, 0],
        judged="check",
    ),
    Round(
        1,
        6,
        queried=[6, 0],
        labels=[1, 0],
        metrics={},
        seconds={},
        steps=0,
        by="ann, ben",
        declined=[3],
        amended={1: 1},
        given={4: 1},
    ),
]


def event(row: int, number: int, label: str | None, **parts: Any) -> Event:
    said = {"name": f"{row}", "by": "ann", "kind": "label" if label else "unsure", **parts}
    return Event(number, row, id=f"{row} {label} {said['kind']}", label=label, **said)


EVENTS = [
    event(5, 0, "cat", seconds=1.25),
    event(1, 0, "cat", seconds=2.0),
    event(2, 0, "dog", seconds=3.0),
    event(7, 0, "cat", seconds=4.0),
    event(6, 1, "dog", by="ben", seconds=0.5, guess="cat", shown=True),
    event(0, 1, "cat", by="ben", seconds=60.0, guess="cat"),
    event(3, 1, None, seconds=9.0, guess="dog", shown=True),
    event(1, 1, "dog", kind="correct", by="ben"),
]


def labelled(data: Data, events: Sequence[Event] = EVENTS) -> Labelled:
    said = {event.row: event for event in events if event.label is not None}
    return Labelled(data, HISTORY, said)


def files(folder: Path, *, size: tuple[int, int] = (40, 20)) -> list[Path]:
    """A picture file for each row, redder and redder."""
    folder.mkdir()
    paths = [folder / f"pet {row}.JPG" for row in range(COUNT)]
    for row, path in enumerate(paths):
        Image.new("RGB", size, (30 * row, 0, 0)).save(path)
    return paths


def pixels(channels: int = 3) -> Tensor:
    """Tiny pictures, brighter and brighter."""
    return (20 * torch.arange(COUNT).byte()).view(-1, 1, 1, 1).expand(COUNT, channels, 4, 4)
