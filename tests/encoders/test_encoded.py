from pathlib import Path

import pytest
import torch
from torch import Tensor

from autoal import ImageData
from autoal.encoders.encoded import Backbone, FrozenData, Parts

CPU = torch.device("cpu")


class Brightness(Backbone):
    """Mean and spread of each image; counts how often it is asked."""

    def __init__(self, name: str = "a") -> None:
        self.name = name
        self.looks = 0

    def key(self) -> str:
        return self.name

    def features(self, parts: Parts, device: torch.device) -> dict[str, Tensor]:
        self.looks += 1
        return {name: _brightness(part.images) for name, part in parts.items()}


def _brightness(images: Tensor) -> Tensor:
    flat = images.float().flatten(1)
    return torch.stack([flat.mean(1), flat.std(1)], 1)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def seen(data: ImageData, backbone: Backbone) -> FrozenData:
    frozen = FrozenData(data, backbone, CPU)
    frozen.setup()
    return frozen


def test_features_stand_in_the_place_of_the_images(data: ImageData) -> None:
    frozen = seen(data, Brightness())
    assert frozen.shape == (2, 1, 1)
    assert torch.equal(frozen.train.images.flatten(1), _brightness(data.train.images))
    assert torch.equal(frozen.test.images.flatten(1), _brightness(data.test.images))
    assert torch.equal(frozen.train.labels, data.train.labels)
    assert frozen.classes == data.classes
    assert frozen.pictures is not None
    assert torch.equal(frozen.pictures, data.train.images)
    assert frozen.validation is None


def test_the_backbone_looks_once_for_each_content_and_key(data: ImageData) -> None:
    backbone = Brightness()
    for _ in range(2):
        seen(data, backbone)
    assert backbone.looks == 1
    other = Brightness("b")
    seen(data, other)
    assert other.looks == 1
    data.train.images[3, 0, 2, 2] += 1
    seen(data, backbone)
    assert backbone.looks == 2


def test_another_choice_of_rows_is_another_content(data: ImageData) -> None:
    backbone = Brightness()
    seen(data, backbone)
    data.validation = data.train.take(torch.arange(4))
    frozen = seen(data, backbone)
    assert backbone.looks == 2
    assert frozen.validation is not None
    expected = _brightness(data.train.images[:4])
    assert torch.equal(frozen.validation.images.flatten(1), expected)


def test_features_are_centred_and_keep_their_proportions(data: ImageData) -> None:
    frozen = seen(data, Brightness())
    ready = frozen.preprocess().eval()(frozen.train.images).flatten(1)
    torch.testing.assert_close(ready.mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(ready.var(0).mean(), torch.tensor(1.0), atol=1e-4, rtol=0)
    raw = _brightness(data.train.images)
    torch.testing.assert_close(ready.std(0) / ready.std(0)[0], raw.std(0) / raw.std(0)[0])
