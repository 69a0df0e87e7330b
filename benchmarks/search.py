"""The cost of a search beside the task model's own training, in seconds and in images.

    AUTOAL_DATA=FOLDER python -m benchmarks.search

The folder has pneumoniamnist.npz and mnist.npz, in MedMNIST's layout. Counts are of images that
pass through a ResNet-18, in training or to be looked at, by hooks; the published protocol's are
added up by a formula that must give what was counted on the digits. --heads needs no folder, and
measures only what a search costs where FitNet is a head on features.
"""

import os
import warnings
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from autoal.datamodules.digits import Digits
from autoal.datamodules.npz import Npz

from autoal import (
    Experiment,
    ImageData,
    Plan,
    QueryStrategy,
    Round,
    Task,
    Trained,
    Training,
    TrueLabels,
    View,
    rounds,
    select,
)
from autoal.model.networks import Network, ResNet18
from autoal.query import registry
from autoal.seeding import generator, seeded
from benchmarks.report import keep, table

PUBLISHED = 1.58e9  # forward passes of images in the published search, over its CIFAR-10 protocol
EPOCHS = 200  # of a round's training, in that protocol
# Labels, rows of the pool, columns, batch.
SIZES = [(labels, 2_000, 200, 25) for labels in (20, 50, 100, 300, 1_000)]
SIZES += [(1_000, 50_000, 512, 1_000)]
VARIANTS: dict[str, Callable[[], QueryStrategy]] = {
    "margin": lambda: registry.build("margin"),
    "autoal, FitNet a head": lambda: registry.build("autoal", fitnet="head"),
    "autoal, FitNet a network": lambda: registry.build("autoal", fitnet="network"),
}


def experiment(
    data: ImageData, plan: Plan, strategy: QueryStrategy, **options: Any
) -> list[tuple[Round, int]]:
    """The rounds, and how many images passed through a network in each."""
    counts: list[int] = []

    def build(shape: Any, classes: int) -> Network:
        network = ResNet18(shape, classes, maxpool=True)
        network.embed.register_forward_pre_hook(lambda _, inputs: counts.append(len(inputs[0])))
        return network

    with seeded(0, "task"):
        task = Task(build, data.train.shape, len(data.classes), data.preprocess(), **options)
    assert data.test is not None
    found: list[tuple[Round, int]] = []
    made = Experiment(data, Trained(task, Training(accelerator="cpu")), strategy, plan)
    for done in rounds(made, TrueLabels(data.train.labels)):
        found.append((done, sum(counts) - len(data.test)))
        counts.clear()
    return found


def seconds(
    data: ImageData, plan: Plan, variants: list[str], **options: Any
) -> tuple[str, list[int]]:
    """The times and images of the last round, for each variant."""
    rows, counts = [], []
    for name in variants:
        last, images = experiment(data, plan, VARIANTS[name](), **options)[-1]
        spent = last.seconds
        search = spent.get("search", 0.0)
        rest = max(0.0, spent["score"] - search)
        cells = (spent["train"], spent["features"], search, rest)
        rows.append([name, *(f"{cell:.1f}" for cell in cells), f"{images:,}"])
        counts.append(images)
    header = ["strategy", "train", "features", "search", "other scoring", "images"]
    return table(header, rows), counts


def heads() -> str:
    """Seconds of a query without and with a search, where FitNet is a head on features."""
    rows = []
    for size in SIZES:
        *whole, budget = size
        view = drawn(*whole)
        cells = [min(asked(view, budget, steps) for _ in range(3)) for steps in (0, 12)]
        rows.append([*(f"{each:,}" for each in size), *(f"{cell:.2f}" for cell in cells)])
    header = ["labels", "pool", "columns", "batch", "without a search", "with it"]
    return table(header, rows)


def drawn(labelled: int, pool: int, width: int) -> View:
    """A view of the pool and labelled rows, drawn from a mixture of 10 classes."""
    stream = generator(0, "features")
    labels = torch.arange(pool + labelled) % 10
    centres = torch.randn(10, width, generator=stream)
    rows = centres[labels] + 4 * torch.randn(len(labels), width, generator=stream)
    with seeded(0, "head"):
        head = torch.nn.Linear(width, 10)
    labels[labelled:] = -1
    return View.of(rows, head=head, labels=labels)


def asked(view: View, budget: int, steps: int) -> float:
    """Seconds of one query, with this many steps of the search."""
    start = perf_counter()
    select(registry.build("autoal", steps=steps), replace(view), budget)
    return perf_counter() - start


def part(name: str, size: int) -> ImageData:
    """The first images of a set."""
    data = Npz(str(Path(os.environ["AUTOAL_DATA"], f"{name}.npz")))
    data.setup()
    data.train = data.train.take(torch.arange(size))
    return data


def added(labelled: int, epochs: int, network: bool) -> int:
    """Images that a search adds to a round: its pass over the labelled rows, and FitNet's part."""
    taught = labelled // 2
    return labelled + (taught * (epochs // 2) + labelled if network else 0)


def protocol(network: bool) -> float:
    """The sum over 1,000 to 20,000 labels of 50,000, by a thousand, with passes over the pool."""
    sizes = range(1_000, 20_000, 1_000)
    return sum(50_000 - labelled + added(labelled, EPOCHS, network) for labelled in sizes)


def main() -> None:
    """Measure, add up, and keep the tables."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(2)
    options = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    options.add_argument("--heads", action="store_true", help="nothing but heads on features")
    if options.parse_args().heads:
        print(heads())
        return
    pneumonia, _ = seconds(part("pneumoniamnist", 820), Plan(20, 20, 2), list(VARIANTS))
    digits = Digits()
    digits.setup()
    short, (plain, *more) = seconds(digits, Plan(200, 50, 1), list(VARIANTS), epochs=4)
    expected = [added(200, 4, network) for network in (False, True)]
    if [count - plain for count in more] != expected:
        raise SystemExit(f"counted {more} after {plain}, not {expected} more: mend `added`")
    mnist, searched = part("mnist", 50_000), ["autoal, FitNet a network"]
    large, _ = seconds(mnist, Plan(1_000, 100, 1), searched, epochs=10)
    rows = [
        [name, f"{protocol(network):,.0f}", f"1 / {PUBLISHED / protocol(network):,.0f}"]
        for name, network in (("a head", False), ("a network", True))
    ]
    parts = [
        "A head on features, 10 classes: seconds of the query",
        heads(),
        "PneumoniaMNIST, ResNet-18, a pool of 780, 40 labels, a batch of 20: seconds of the round",
        pneumonia,
        "digits, 200 labels, 4 epochs: seconds of the round",
        short,
        "MNIST, a pool of 49,000, 1,000 labels, 10 epochs: seconds of the round",
        large,
        f"The published CIFAR-10 protocol, whose search needs {PUBLISHED:.2e} image forwards",
        table(["FitNet", "image forwards", "of the published"], rows),
    ]
    keep("search", "\n\n".join(parts))


if __name__ == "__main__":
    main()
