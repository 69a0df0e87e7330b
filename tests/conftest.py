"""Fixtures of several test files: a made data set, small tasks, views of given probabilities."""

import gc
from collections.abc import Callable, Generator, Iterator
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
from tests.launch import Zygote
from tests.transformers_made import tiny_bert, tiny_llama, tiny_roberta

# Tiny tensors need no second thread, and threads that wait for a busy core are slow.
torch.set_num_threads(1)

SHAPE = (1, 8, 8)
LINEAR = partial(MLP, hidden=(), dropout=0.0)
# They take longest, and begin, so that no process is left alone with one at the end.
LONG = (
    *("sweeps", "train", "site", "compare", "command", "formats", "config", "texts", "together"),
    *("strategy", "autoal", "autoal_run", "language_run", "tuning", "search", "tutorials", "wheel"),
    *("attack", "second_device", "way", "run", "page", "own", "memory"),
)


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


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect with garbage collection off, which would take a third of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first."""
    items.sort(key=lambda item: item.path.stem.removeprefix("test_") not in LONG)


@pytest.fixture(scope="session", autouse=True)
def _a_cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Files kept by another version, or by the machine's user, have no part in the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def train(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    zygote = Zygote(tmp_path_factory.mktemp("output"))
    yield zygote
    zygote.end()


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
