"""Fixtures of several test files: a made data set, small tasks, views of given probabilities."""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from autoal import Data, Loaded, Rows, Task, Trained, Training, View
from autoal.data.images import ImageData, Preprocess
from autoal.model.networks import MLP
from autoal.seeding import generator, seeded
from tests.transformers_made import tiny_bert, tiny_llama, tiny_roberta

# Tiny tensors need no second thread, and threads that wait for a busy core are slow.
torch.set_num_threads(1)

SHAPE = (1, 8, 8)
LINEAR = partial(MLP, hidden=(), dropout=0.0)


class Bands(ImageData):
    """Noise that is a little brighter in the upper, the middle or the lower rows."""

    classes = ("upper", "middle", "lower")

    def load(self) -> Loaded:
        return Loaded(_bands(60, "train"), _bands(30, "test"))


def _bands(count: int, name: str) -> Rows:
    labels = torch.arange(count) % 3
    images = torch.randint(200, (count, *SHAPE), generator=generator(0, name))
    for image, label in zip(images, labels.tolist(), strict=True):
        image[:, 3 * label : 3 * label + 2] += 50
    return Rows(images.to(torch.uint8), labels, shown=images.to(torch.uint8))


@pytest.fixture
def data() -> Data:
    bands = Bands()
    bands.setup()
    return bands


@pytest.fixture
def cpu() -> Training:
    return Training(accelerator="cpu")


@pytest.fixture
def make_task() -> Callable[..., Task]:
    def make(network: Any = LINEAR, crop: int = 0, **options: Any) -> Task:
        with seeded(0, "task"):
            return Task(network, SHAPE, 3, Preprocess([0.5], [0.25], crop=crop), **options)

    return make


@pytest.fixture
def make_learner(make_task: Callable[..., Task], cpu: Training) -> Callable[..., Trained]:
    def make(*arguments: Any, **options: Any) -> Trained:
        return Trained(make_task(*arguments, **options), cpu)

    return make


@pytest.fixture
def view_of() -> Callable[..., View]:
    """A view whose pool has exactly these class probabilities."""

    def make(probs: Tensor, seed: int = 0) -> View:
        return View.of(probs=probs, seed=seed)

    return make


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """The tasks that were copied so that somebody could still look through them."""
    made: list[Task] = []

    def counted(thing: Any) -> Any:
        if isinstance(thing, Task):
            made.append(thing)
        return deepcopy(thing)

    monkeypatch.setattr("autoal.model.trained.deepcopy", counted)
    return made


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny language model."""
    return tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for one that pads and separates texts in another way."""
    return tiny_roberta(tmp_path_factory.mktemp("roberta"))


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model that continues texts."""
    return tiny_llama(tmp_path_factory.mktemp("llama"))
