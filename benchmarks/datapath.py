"""How fast images get from RAM into a network: ours, and torchvision's transforms in a DataLoader.

    python -m benchmarks.datapath [--images 20000] [--repeat 5]

Both crop with padding, flip and normalise the same uint8 images of 32x32, with a draw for every
image, in batches of 128. Then: the share of an epoch of ResNet-18 that this takes, and the seconds
that opening a set of CIFAR-10's size takes, the first time and the second.
"""

import argparse
import os
import pickle
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from autoal.datamodules.cifar import Cifar10
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from autoal.data.batches import Batches
from autoal.data.images import Preprocess
from autoal.model.networks import ResNet18
from autoal.seeding import seeded
from benchmarks.report import keep, table

BATCH = 128
MEAN, STD = [0.49, 0.48, 0.45], [0.25, 0.24, 0.26]


class Transformed(Dataset[tuple[Tensor, Tensor]]):
    """The data set of torchvision's tutorials: one image at a time."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels
        self.transform = v2.Compose(
            [
                v2.RandomCrop(32, padding=4),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        return self.transform(self.images[row]), self.labels[row]


def seconds(act: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def ours(images: Tensor, labels: Tensor) -> None:
    """One epoch of batches as Task receives them."""
    preprocess = Preprocess(MEAN, STD, crop=4, flip=True)
    for batch, _ in Batches(images, labels, size=BATCH, shuffle=True):
        preprocess(batch)


def theirs(images: Tensor, labels: Tensor, workers: int) -> None:
    """One epoch of batches from a DataLoader."""
    data = Transformed(images, labels)
    for _ in DataLoader(data, batch_size=BATCH, shuffle=True, num_workers=workers):
        pass


def speeds(images: Tensor, labels: Tensor, repeat: int) -> str:
    """Images per second of each way, measured in turns."""
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: ours(images, labels),
        "torchvision v2, DataLoader": lambda: theirs(images, labels, 0),
        "torchvision v2, DataLoader, 2 workers": lambda: theirs(images, labels, 2),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeat + 1):
        for name, way in ways.items():
            taken = seconds(way)
            if turn:  # the first turn warms up
                times[name].append(taken)
    medians = {name: statistics.median(spent) for name, spent in times.items()}
    rows = [
        [name, f"{len(images) / median:,.0f}", f"{median / medians['ours']:.1f}"]
        for name, median in medians.items()
    ]
    return table(["way", "images/s", "times ours"], rows)


def share_of_an_epoch(images: Tensor, labels: Tensor) -> str:
    """The share of an epoch of ResNet-18 that is spent outside the network."""
    network, outside = ResNet18((3, 32, 32), 10).train(), 0.0
    preprocess = Preprocess(MEAN, STD, crop=4, flip=True)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    start = mark = time.perf_counter()
    for raw, known in Batches(images, labels, size=BATCH, shuffle=True):
        ready = preprocess(raw)
        outside += time.perf_counter() - mark
        loss = torch.nn.functional.cross_entropy(network(ready), known)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        mark = time.perf_counter()
    return f"{100 * outside / (time.perf_counter() - start):.2f} %"


def openings() -> list[str]:
    """Seconds to open a set of CIFAR-10's size and format, twice, with a fresh cache."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        source = Path(folder, "cifar-10-batches-py")
        source.mkdir()
        stream = np.random.default_rng(0)
        for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]:
            data = stream.integers(256, size=(10_000, 3072), dtype=np.uint8)
            labels = stream.integers(10, size=10_000).tolist()
            batch = pickle.dumps({"data": data, "labels": labels}, protocol=2)
            (source / name).write_bytes(batch)
        with tarfile.open(f"{folder}/cifar-10-python.tar.gz", "w:gz", compresslevel=1) as tar:
            tar.add(source, source.name)
        source.rename(f"{folder}/elsewhere")

        def use() -> None:
            data = Cifar10(root=folder, check=False)
            data.setup()
            data.preprocess()  # reads every pixel once

        return [f"{seconds(use):.2f}" for _ in range(2)]


def main() -> None:
    """Measure all three and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    with seeded(0, "benchmark"):
        images = torch.randint(256, (given.images, 3, 32, 32), dtype=torch.uint8)
        labels = torch.randint(10, (given.images,))
        text = speeds(images, labels, given.repeat)
        share = share_of_an_epoch(images[:384], labels[:384])
    first, second = openings()
    keep(
        "datapath",
        f"{text}\n\nShare of an epoch of ResNet-18 outside the network: {share}\n\n"
        f"Opening a set of CIFAR-10's size: {first} s the first time, {second} s the second",
    )


if __name__ == "__main__":
    main()
