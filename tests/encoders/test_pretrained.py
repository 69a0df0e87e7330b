import socket
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision

from autoal import Rows
from autoal.encoders.pretrained import ImageNet, Timm
from autoal.errors import UserError
from autoal.seeding import generator, seeded
from autoal.testing import check_encoder

CPU = torch.device("cpu")


def images_of(channels: int) -> Rows:
    pixels = torch.randint(256, (3, channels, 9, 13), generator=generator(0)).to(torch.uint8)
    return Rows(pixels, torch.zeros(3).long())


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as torchvision publishes it, of a network that nobody trained."""
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    with seeded(0):
        torch.save(torchvision.models.resnet18(weights=None).state_dict(), path)
    return path


def test_features_are_those_below_the_head(weights: Path) -> None:
    encoder = ImageNet("resnet18", size=40, weights=str(weights))
    part = images_of(3)
    found = encoder.encode({"train": part}, CPU)["train"]
    network = torchvision.models.resnet18(weights=None)
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.fc = torch.nn.Identity()
    pixels = torch.nn.functional.interpolate(
        part.inputs.float() / 255, (40, 40), mode="bilinear", antialias=True
    )
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    ready = torchvision.transforms.functional.normalize(pixels, mean, std)
    with torch.no_grad():
        torch.testing.assert_close(found, network.eval()(ready))
    assert found.shape == (3, 512)


def test_grey_images_are_seen_in_three_channels(weights: Path) -> None:
    encoder = ImageNet("resnet18", size=40, weights=str(weights))
    grey = images_of(1)
    colour = Rows(grey.inputs.expand(-1, 3, -1, -1), grey.labels)
    found = encoder.encode({"grey": grey, "colour": colour}, CPU)
    torch.testing.assert_close(found["grey"], found["colour"])


def test_weights_that_cannot_be_are_refused(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(UserError, match="the weights are not those of this network"):
        ImageNet("resnet34", weights=str(weights)).encode({}, CPU)
    (tmp_path / "a.pth").write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match="cannot read the weights"):
        ImageNet("resnet18", weights=str(tmp_path / "a.pth")).encode({}, CPU)
    with pytest.raises(UserError, match="did you mean 'resnet18'"):
        ImageNet("resnet81", weights=str(weights)).encode({}, CPU)
    with pytest.raises(ValueError, match=r"`size` must be at least 32 and at most .*, got 8"):
        ImageNet("resnet18", size=8)


def test_weights_that_cannot_be_fetched_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*arguments: Any, **options: Any) -> None:
        raise OSError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", absent)
    with pytest.raises(UserError, match=r"(?s)not in .*checkpoints: no network.*https://.*TORCH"):
        ImageNet("resnet18").encode({}, CPU)


def test_the_key_follows_the_file_of_weights(weights: Path) -> None:
    keys = {
        ImageNet("resnet18").key(),
        ImageNet("resnet18", weights=str(weights)).key(),
        ImageNet("resnet18", size=64).key(),
        ImageNet("resnet34").key(),
    }
    assert len(keys) == 4


def test_timm_s_networks_are_read_from_a_file(tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    with seeded(0):
        network = timm.create_model("vit_small_patch14_dinov2", num_classes=0, img_size=42).eval()
    torch.save(network.state_dict(), tmp_path / "vit.pth")
    encoder = Timm("vit_small_patch14_dinov2", size=42, weights=str(tmp_path / "vit.pth"))
    part = images_of(3)
    found = encoder.encode({"train": part}, CPU)["train"]
    assert found.shape == (3, 384)
    pixels = torch.nn.functional.interpolate(
        part.inputs.float() / 255, (42, 42), mode="bilinear", antialias=True
    )
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    ready = torchvision.transforms.functional.normalize(pixels, mean, std)
    with torch.no_grad():
        torch.testing.assert_close(found, network(ready))


def test_timm_s_weights_that_cannot_be_fetched_are_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("timm")

    def absent(*arguments: Any, **options: Any) -> None:
        raise OSError("no network")

    monkeypatch.setattr(socket, "create_connection", absent)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        UserError, match=r"(?s)huggingface\.co/timm/vit_small.*no network.*weights="
    ):
        Timm("vit_small_patch14_dinov2.lvd142m").encode({}, CPU)
    with pytest.raises(UserError, match="unknown model of timm"):
        Timm("vit_smal").encode({}, CPU)


def test_rows_that_are_no_pictures_are_refused_before_weights_are_read() -> None:
    with pytest.raises(UserError, match=r"ImageNet encodes pictures.*the shape \(5,\)"):
        ImageNet("resnet18", weights="nowhere").encode({"train": Rows.of(torch.zeros(3, 5))}, CPU)


def test_a_pretrained_network_keeps_the_promises_of_encoders(weights: Path) -> None:
    parts = {"train": images_of(3), "test": images_of(1)}
    check_encoder(ImageNet("resnet18", size=32, weights=str(weights)), parts)
