"""The views for measuring queries."""

import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from autoal import Features, Known, Rows, View
from autoal.model.predictions import Head
from autoal.seeding import generator, seeded

WIDTH, CLASSES = 512, 10
STAGES = 448  # width of the layers before the embedding in ResNet-18
FOLDER = "AUTOAL_BENCHMARK_ROWS"  # folder of the features of one run of this command


class Size(NamedTuple):
    """The size of a pool and of a query."""

    rows: int
    labelled: int
    batch: int
    half: bool = False
    device: str = "cpu"

    def __str__(self) -> str:
        kind = "float16" if self.half else "float32"
        return f"{self.rows:,} x {WIDTH} {kind}, {self.labelled:,} labelled, batch {self.batch:,}"


def rows_of(count: int, size: Size, width: int, name: str) -> tuple[Tensor, Tensor]:
    """Features of a mixture of classes in few directions, with noise, as a network's are."""
    stream = generator(0, "directions")
    centres = 1.5 * torch.randn(CLASSES, 16, generator=stream)
    directions = torch.randn(16, width, generator=stream)
    stream = generator(0, name)
    labels = torch.randint(CLASSES, (count,), generator=stream)
    features = torch.empty(count, width, dtype=torch.half if size.half else torch.float)
    for piece in torch.arange(count).split(50_000):
        inner = centres[labels[piece]] + torch.randn(len(piece), 16, generator=stream)
        noise = torch.randn(len(piece), width, generator=stream) / 2
        features[piece] = (inner @ directions + noise).relu_().to(features.dtype)
    return features, labels


def kept_rows(count: int, size: Size, width: int, name: str) -> tuple[Tensor, Tensor]:
    """The same, drawn once for all measurements."""
    path = Path(os.environ[FOLDER], f"{name}-{count}-{width}-{size.half}.pt")
    if not path.exists():
        torch.save(rows_of(count, size, width, name), path)
    rows, labels = torch.load(path)
    return rows.to(size.device), labels


def view_of(size: Size, reads: tuple[str, ...] | None) -> View:
    """A view in which everything that is read has been computed."""
    stages = "stages" in (reads or ())
    width = WIDTH + STAGES * stages
    pool, _ = kept_rows(size.rows, size, width, "pool")
    labelled, labels = kept_rows(size.labelled, size, width, "labelled")
    with seeded(0, "head"):
        head = nn.Linear(WIDTH, CLASSES).to(size.device)

    blank = torch.zeros(1, 1, 1, 1, dtype=torch.uint8)

    def features(first: int, rows: Tensor) -> Features:
        numbers = torch.arange(first, first + len(rows))
        inputs = Rows.of(blank.expand(first + len(rows), 1, 1, 1))
        of_embedding = WIDTH if stages else None
        return Features(inputs, numbers, lambda: rows, Head(head), width=of_embedding)

    view = View(features(0, pool), Known(features(size.rows, labelled), labels), CLASSES, seed=0)
    if "validation" in (reads or ()):
        judges, known = kept_rows(size.labelled, size, width, "validation")
        held_out = features(size.rows + size.labelled, judges)
        view = replace(view, validation=Known(held_out, known))
    computed(view, reads)
    return view


def computed(view: View, reads: tuple[str, ...] | None) -> list[Tensor]:
    """Compute the parts of the view that exist before a query."""
    names = {"probs": "probs", "draws": "drawn_probs", "stages": "stages", "inputs": "inputs"}
    read = ["embeddings", *(names[name] for name in reads or () if name in names)]
    parts = (view.pool, view.labelled.features)
    return [getattr(part, name) for part in parts for name in read]
