"""Parts in common: made pictures of CIFAR's shape, sizes, and measurements."""

import os
import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from autoal import Data, Experiment, Loaded, Oracle, Plan, Rows, Trained, Training, TrueLabels
from autoal.data.images import ImageData
from autoal.data.npz import read_npz
from autoal.model.trained import learner_of
from autoal.query import registry
from autoal.seeding import generator, seeded
from benchmarks.published.protocol import FILE, SIDE, preset

CLASSES = 10
MIB = 2**20


@dataclass(frozen=True)
class Size:
    """The amount of work.

    Args:
        side: of the pictures.
        pool: rows of it, in rounds of the published shape.
        test: rows of the test set.
        labels: of rounds of the published shape.
        epochs: fewest and most that a fit is timed with, between which a line is drawn.
        turns: likewise, epochs of the published search.
        share: of the pool, that each strategy scores.
        start: labels before it does.
        budget: rows that it chooses.
        batches: that are timed of a bare loop and of ours.
    """

    side: int
    pool: int
    test: int
    labels: tuple[int, ...]
    epochs: tuple[int, int]
    turns: tuple[int, int]
    share: float
    start: int
    budget: int
    batches: int


WHOLE = Size(
    SIDE, 50_000, 10_000, (1_000, 5_000, 10_000, 20_000), (1, 4), (1, 2), 0.2, 500, 100, 200
)
SMALL = Size(8, 120, 30, (20, 40), (1, 2), (1, 2), 0.5, 12, 4, 1)


class Line(NamedTuple):
    """A line of the table."""

    part: str
    what: str
    figure: str
    seconds: float | None = None
    memory: float | None = None  # peak memory in MiB


@dataclass
class Measured:
    """Seconds and memory of a block."""

    seconds: float = 0.0
    memory: float = 0.0


@dataclass(frozen=True, eq=False)
class Setting:
    """A device, sizes, and the pictures."""

    device: str  # in the words of `trainer.accelerator`
    size: Size
    images: Tensor = field(repr=False)
    labels: Tensor = field(repr=False)

    @classmethod
    def of(cls, device: str, size: Size) -> "Setting":
        count = size.pool + size.test
        return cls(device, size, *_pictures(count, size.side))

    @cached_property
    def data(self) -> Data:
        """The set, with a few rows held out."""
        return self._data(self.size.pool)

    @cached_property
    def part(self) -> Data:
        """The same with a share of its pool."""
        return self._data(int(self.size.share * self.size.pool))

    def learner(self, data: Data, training: Training | None = None, **options: Any) -> Trained:
        """The published learner, with other options of the task."""
        section = {**preset("margin")["task"], **options}
        with seeded(0, "task"):
            learner = learner_of(
                section,
                shape=data.train.shape,
                classes=CLASSES,
                preprocess=data.preprocess(),
                training=training or Training(accelerator=self.device),
            )
        assert isinstance(learner, Trained)
        return learner

    def experiment(
        self, data: Data, strategy: str, plan: Plan, options: Mapping[str, Any], epochs: int = 1
    ) -> tuple[Experiment, Oracle]:
        """An experiment whose rounds train for this many epochs."""
        chooses = registry.build(strategy, **options)
        learner = self.learner(data, epochs=epochs)
        return Experiment(data, learner, chooses, plan), TrueLabels(data.train.labels)

    def _data(self, pool: int) -> Data:
        rows = Rows(self.images, self.labels, shown=self.images)
        parts = torch.arange(pool), torch.arange(self.size.pool, len(rows))
        data = Pictures(*(rows.take(part) for part in parts), validation=self.size.budget)
        data.setup()
        return data

    @contextmanager
    def measured(self) -> Iterator[Measured]:
        """Seconds until the device has finished, and its peak memory, or that of the process."""
        found, on_gpu = Measured(), torch.cuda.is_available() and self.device != "cpu"
        if on_gpu:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        begun = time.perf_counter()
        yield found
        if on_gpu:
            torch.cuda.synchronize()
            found.memory = torch.cuda.max_memory_allocated() / MIB
        else:
            found.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB
        found.seconds = time.perf_counter() - begun


class Pictures(ImageData):
    """In-memory rows, augmented like the published ones."""

    classes = tuple("0123456789")

    def __init__(self, train: Rows, test: Rows, **options: Any) -> None:
        side = train.shape[-1]
        super().__init__(crop=4 * side // SIDE, flip=True, **options)
        self._loaded = Loaded(train, test)

    def load(self) -> Loaded:
        return self._loaded


def _pictures(count: int, side: int) -> tuple[Tensor, Tensor]:
    """The file's pictures, repeated, or made ones: noise with a bright row for each class."""
    path = Path(os.environ.get("AUTOAL_DATA", ""), FILE)
    if path.is_file() and side == SIDE:
        found = read_npz(path, ["train_images", "train_labels"])
        places = np.arange(count) % len(found["train_images"])
        images = torch.from_numpy(found["train_images"][places]).permute(0, 3, 1, 2).contiguous()
        return images, torch.from_numpy(found["train_labels"][places].reshape(-1).astype(int))
    labels = torch.arange(count) % CLASSES
    stream = generator(0, "pictures")
    images = torch.randint(192, (count, 3, side, side), generator=stream, dtype=torch.uint8)
    images[torch.arange(count), :, labels * side // CLASSES] += 60
    return images, labels
