"""How the tests are collected, and what all files share that needs no torch."""

import gc
from collections.abc import Generator, Iterator

import pytest

from tests.launch import Zygote

# They take longest, and begin, so that no process is left alone with one at the end.
LONG = (
    *("sweeps", "train", "site", "compare", "command", "formats", "config", "texts", "together"),
    *("strategy", "autoal", "autoal_run", "language_run", "tuning", "search", "tutorials", "wheel"),
    *("attack", "second_device", "way", "run", "page", "own", "memory"),
)


def pytest_configure(config: pytest.Config) -> None:
    """Import torch, and the fixtures that need it, wherever tests run: not where others are sent.

    Garbage collection, which would take a quarter of the time, is off until tests are collected.
    """
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        gc.disable()
        config.pluginmanager.import_plugin("tests.fixtures")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect garbage again, but of what the tests make."""
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
