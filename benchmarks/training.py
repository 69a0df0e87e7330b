"""The cost of Lightning: images/s of an epoch through Task and Trainer, and of a bare loop.

    python -m benchmarks.training [--images 512] [--batch 64] [--repeat 5]

Both train the same ResNet-18 on the same uint8 tensors of 32x32 with the same augmentation, in
turns, so that both see the machine in the same state; the median epoch of each counts.
"""

import argparse
import statistics
import time

import torch
from torch.nn.functional import cross_entropy

from autoal.data.images import Preprocess
from autoal.data.rows import Rows
from autoal.model.networks import ResNet18
from autoal.model.task import Task
from autoal.model.training import Training
from autoal.seeding import seeded
from benchmarks.report import keep, table

CLASSES = 10


def through_lightning(task: Task, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Seconds of one epoch through `Training`, its new Trainer included."""
    training = Training()
    start = time.perf_counter()
    training.fit(task, Rows(images, labels), lambda step: None)
    _wait()
    return time.perf_counter() - start


def bare(task: Task, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Seconds of one epoch of a loop written by hand."""
    device = images.device
    network, preprocess = task.network.to(device).train(), task.preprocess.to(device).train()
    on_gpu = device.type == "cuda"
    if on_gpu:
        network.to(memory_format=torch.channels_last)
    start = time.perf_counter()
    optimizer = torch.optim.SGD(
        network.parameters(), lr=0.03, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    for index in torch.randperm(len(images)).split(task.batch_size):
        rows = index.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=on_gpu):
            loss = cross_entropy(network(preprocess(images[rows])), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    _wait()
    return time.perf_counter() - start


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main() -> None:
    """Measure both in turns and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    with seeded(0, "benchmark"):
        images = torch.randint(256, (given.images, 3, 32, 32), dtype=torch.uint8)
        labels = torch.randint(CLASSES, (given.images,))
        preprocess = Preprocess([0.5] * 3, [0.25] * 3, crop=4, flip=True)
        task = Task(ResNet18, (3, 32, 32), CLASSES, preprocess, epochs=1, batch_size=given.batch)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        images, labels = images.to(device), labels.to(device)
        ways = {"bare PyTorch loop": bare, "Task and Trainer": through_lightning}
        times: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(given.repeat + 1):
            for name, way in ways.items():
                seconds = way(task, images, labels)
                if turn:  # the first turn warms up
                    times[name].append(seconds)
    speeds = {name: given.images / statistics.median(spent) for name, spent in times.items()}
    best = speeds["bare PyTorch loop"]
    rows = [
        [name, f"{speed:.0f}", f"{100 * speed / best:.1f} %", f"{min(spent):.2f}-{max(spent):.2f}"]
        for (name, speed), spent in zip(speeds.items(), times.values(), strict=True)
    ]
    size = f"{given.images} images, batches of {given.batch}, {given.repeat} epochs each in turns"
    text = table(["one epoch of ResNet-18 at 32x32", "images/s", "of bare", "seconds"], rows)
    keep("training", f"{text}\n\n{size}")


if __name__ == "__main__":
    main()
