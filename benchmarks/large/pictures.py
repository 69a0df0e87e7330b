"""A run with an encoder on picture files that would not fit into memory when decoded.

The files are JPEGs of 500x400 in five classes, each the mean of two windows of made textures, of
which one has the class's grain. Every part of the run is timed, and its memory watched.
"""

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from autoal.datamodules.folder import Folder
from PIL import Image
from torch import nn

from autoal import Encoded, Experiment, Plan, TorchLearner, TrueLabels, rounds
from autoal.encoders.pretrained import Lite0
from benchmarks.large.memory import Peak, most_resident, watched
from benchmarks.report import keep, table

WIDTH, HEIGHT = 500, 400
TEXTURE = 1000  # its height and width
GRAINS = (4, 5, 7, 9, 12)  # pixels between two drawn values, for each class's texture
CLASSES = len(GRAINS)
QUALITY = 85  # quality of the JPEGs: some 60 kB each
SIZE = 160  # size that pictures are resized to, for the encoder
PLAN = Plan(start=100, budget=100, rounds=3)

Pixels = npt.NDArray[np.uint8]


class Stage(NamedTuple):
    """A part of the run."""

    name: str
    seconds: float
    peak: Peak


def main(arguments: Sequence[str]) -> None:
    """Make the files, run, and keep the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.large pictures", description=__doc__)
    parser.add_argument("--pictures", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/autoal-large"))
    parser.add_argument("--features", default="single", help="precision: single or half")
    given = parser.parse_args(arguments)
    pictures = given.folder / f"pictures-{given.pictures}"
    os.environ["XDG_CACHE_HOME"] = str(given.folder / f"cache-{given.pictures}-{given.features}")
    stages: list[Stage] = []
    with staged("files are made", stages):
        write(pictures, given.pictures)
    accuracies = run(pictures, given.features, stages)
    keep("large_pictures", told(pictures, given.pictures, stages, accuracies))


@contextmanager
def staged(name: str, stages: list[Stage]) -> Iterator[None]:
    """Keep the time and memory of a part of the run."""
    begin = time.perf_counter()
    with watched() as watch:
        yield
    stages.append(Stage(name, time.perf_counter() - begin, watch.peak))


def run(pictures: Path, features: str, stages: list[Stage]) -> list[float]:
    """A run of three rounds; return its accuracies."""
    data = Folder(str(pictures), size=SIZE, memory="disk")
    with staged("files are looked through", stages):
        data.setup()
    encoded = Encoded(data, Lite0(SIZE), torch.device("cpu"), features)
    with staged("the encoder looks at them", stages):
        encoded.setup()
    with staged("rounds 0 to 3", stages):
        width = encoded.train.shape[0]
        learner = TorchLearner(lambda: nn.Sequential(nn.Linear(width, CLASSES)), encoded)
        experiment = Experiment(encoded, learner, "margin", PLAN)
        done = rounds(experiment, TrueLabels(encoded.train.labels))
        return [each.metrics["accuracy"] for each in done]


def write(folder: Path, count: int) -> None:
    """Make the files, unless they exist."""
    for name in range(CLASSES):
        (folder / f"{name}").mkdir(parents=True, exist_ok=True)
    textures = [_texture(number) for number in range(2 * CLASSES)]

    def one(number: int) -> None:
        path = folder / f"{number % CLASSES}" / f"{number:06}.jpg"
        if not path.exists():
            pixels = _picture(textures, number)
            Image.fromarray(pixels).save(path, quality=QUALITY)

    with ThreadPoolExecutor() as threads:
        for _ in threads.map(one, range(count)):
            pass


def _texture(number: int) -> Pixels:
    side = TEXTURE // GRAINS[number % CLASSES]
    drawn = np.random.default_rng(number).integers(256, size=(side, side, 3), dtype=np.uint8)
    grown = Image.fromarray(drawn).resize((TEXTURE, TEXTURE), Image.Resampling.BICUBIC)
    return np.asarray(grown)


def _picture(textures: Sequence[Pixels], number: int) -> Pixels:
    """The mean of one window of the class's texture and one of any texture."""
    stream = np.random.default_rng(number)
    other = int(stream.integers(len(textures)))
    first, second = (_window(textures[each], stream) for each in (number % CLASSES, other))
    return first // 2 + second // 2


def _window(texture: Pixels, stream: np.random.Generator) -> Pixels:
    top, left = stream.integers(TEXTURE - HEIGHT), stream.integers(TEXTURE - WIDTH)
    return texture[top : top + HEIGHT, left : left + WIDTH]


def told(folder: Path, count: int, stages: Sequence[Stage], accuracies: Sequence[float]) -> str:
    """The table with its explanation."""
    size = sum(path.stat().st_size for path in folder.rglob("*.jpg"))
    rows = [
        [stage.name, f"{stage.seconds:.0f}", *(f"{part:,.0f}" for part in stage.peak)]
        for stage in stages
    ]
    header = ["part", "seconds", "most resident, MiB", "of it made", "of it mapped files"]
    return (
        f"{count:,} JPEGs of {WIDTH}x{HEIGHT}, {size / 1e9:.2f} GB; decoded they would take "
        f"{count * WIDTH * HEIGHT * 3 / 1e9:.1f} GB, resized to {SIZE} pixels "
        f"{count * SIZE * SIZE * 3 / 1e9:.2f} GB. data.memory=disk, encoder=lite0, a linear head, "
        f"margin, 100 labels and three times 100 more. Accuracies: "
        f"{', '.join(f'{each:.3f}' for each in accuracies)}.\n\n"
        f"{table(header, rows)}\n\n"
        f"The most that was resident at any time (VmHWM): {most_resident():,.0f} MiB."
    )
