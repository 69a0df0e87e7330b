from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autoal.language.client import Client
from tests.language.door import MODEL, Door, opened
from tests.language.served import served

__all__ = ["served"]


@pytest.fixture
def door() -> Iterator[Door]:
    with opened() as door:
        yield door


@pytest.fixture
def client_of(door: Door, tmp_path: Path) -> Callable[..., Client]:
    """A client of the door, which keeps what it is told for this test alone."""

    def make(**options: Any) -> Client:
        return Client(door.url, MODEL, cache=tmp_path / "answers.sqlite", **options)

    return make


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long somebody waited, which takes no time here."""
    waited: list[float] = []

    class Impatient:
        def wait(self, seconds: float) -> bool:
            waited.extend([seconds] * bool(seconds))
            return False

        def set(self) -> None: ...

    monkeypatch.setattr("autoal.language.client.Event", Impatient)
    return waited
