"""Fixtures shared by tests of the search."""

from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points

import pytest
import torchvision
from torchvision.models.resnet import BasicBlock, ResNet


@pytest.fixture(scope="session", autouse=True)
def one_look_for_callbacks() -> Iterator[None]:
    """Lightning asks all installed packages for callbacks at every Trainer, longer than we fit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lightning_fabric.utilities.registry.entry_points", cache(entry_points))
        yield


@pytest.fixture
def shallow(monkeypatch: pytest.MonkeyPatch) -> None:
    """ResNets of half the layers but full width, with still 4.9 million parameters."""
    monkeypatch.setattr(
        torchvision.models, "resnet18", lambda weights: ResNet(BasicBlock, [1, 1, 1, 1])
    )
