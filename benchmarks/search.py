"""What a search costs beside the task model's own training, in seconds and in images.

    AUTOAL_DATA=FOLDER python -m benchmarks.search

The folder has pneumoniamnist.npz and mnist.npz, in MedMNIST's layout. Counts are of images that
pass through a ResNet-18, in training or to be looked at, by hooks; the published protocol's are
added up from those of one round.
"""

import os
import warnings
from pathlib import Path
from typing import Any

import torch

from autoal import ImageData, Plan, Task, Training, TrueLabels, registry, rounds
from autoal.networks import Network, ResNet18
from autoal.record.round import Round
from autoal.seeding import seeded
from benchmarks.report import keep, table
from datamodules.digits import Digits
from datamodules.npz import Npz

PUBLISHED = 1.58e9  # image forwards of the published search over its CIFAR-10 protocol
EPOCHS = 200  # of a round's training, in that protocol
VARIANTS: dict[str, dict[str, Any]] = {
    "margin": {"name": "margin"},
    "autoal, FitNet a head": {"name": "autoal", "fitnet": "head"},
    "autoal, FitNet a network": {"name": "autoal", "fitnet": "network"},
}


def experiment(data: ImageData, plan: Plan, strategy: dict[str, Any], **options: Any) -> Any:
    """The rounds, and how many images passed through a network in each."""
    counts: list[int] = []

    def build(shape: Any, classes: int) -> Network:
        network = ResNet18(shape, classes, maxpool=True)
        network.embed.register_forward_pre_hook(lambda _, inputs: counts.append(len(inputs[0])))
        return network

    with seeded(0, "task"):
        task = Task(build, data.shape, len(data.classes), data.preprocess(), **options)
    found: list[tuple[Round, int]] = []
    oracle = TrueLabels(data.train.labels)
    chosen = registry.build(strategy)
    for each in rounds(data, task, chosen, oracle, plan, training=Training(accelerator="cpu")):
        found.append((each, sum(counts) - len(data.test)))
        counts.clear()
    return found


def seconds(data: ImageData, plan: Plan, variants: list[str], **options: Any) -> str:
    """Where the time of the last round goes, for each variant."""
    rows = []
    for name in variants:
        strategy = VARIANTS[name]
        last, images = experiment(data, plan, strategy, **options)[-1]
        spent = last.seconds
        search = spent.get("search", 0.0)
        rest = spent["score"] - search
        cells = (spent["train"], spent["features"], search, rest)
        rows.append([name, *(f"{each:.1f}" for each in cells), f"{images:,}"])
    return table(["strategy", "train", "features", "search", "other scoring", "images"], rows)


def part(name: str, size: int) -> ImageData:
    """The first images of a set."""
    data = Npz(str(Path(os.environ["AUTOAL_DATA"], f"{name}.npz")))
    data.setup()
    data.train = data.train.take(torch.arange(size))
    return data


def protocol(network: bool) -> float:
    """Images that a search adds over 1,000 to 20,000 labels of 50,000, by a thousand."""
    total = 0.0
    for labelled in range(1_000, 20_000, 1_000):
        taught = labelled // 2
        total += 50_000 - labelled + labelled  # one look at the pool and the labelled rows
        if network:
            total += taught * (EPOCHS // 2) + labelled  # FitNet's training, and its look
    return total


def main() -> None:
    """Measure, add up, and keep the tables."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(2)
    pneumonia = seconds(part("pneumoniamnist", 820), Plan(20, 20, 2), list(VARIANTS))
    digits = Digits()
    digits.setup()
    short = seconds(digits, Plan(200, 50, 1), list(VARIANTS), epochs=4)
    mnist, searched = part("mnist", 50_000), ["autoal, FitNet a network"]
    large = seconds(mnist, Plan(1_000, 100, 1), searched, epochs=10)
    rows = [
        [name, f"{protocol(network):,.0f}", f"1 / {PUBLISHED / protocol(network):,.0f}"]
        for name, network in (("a head", False), ("a network", True))
    ]
    parts = [
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
