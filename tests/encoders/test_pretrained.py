import os
import pickle
import socket
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor

from autoal import Rows
from autoal.encoders.pretrained import ImageNet, Pretrained, Timm
from autoal.errors import UserError
from autoal.model.weights import torchvision_network
from autoal.seeding import generator, seeded
from autoal.testing import check_encoder

CPU = torch.device("cpu")


def looked(encoder: Pretrained, rows: Rows) -> Tensor:
    encoder.learn(rows, CPU)
    return encoder.encode(rows, CPU)


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
    found = looked(encoder, part)
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
    torch.testing.assert_close(looked(encoder, grey), looked(encoder, colour))


def test_weights_that_cannot_be_are_refused(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(UserError, match="the weights are not those of this network"):
        ImageNet("resnet34", weights=str(weights)).learn(images_of(3), CPU)
    (tmp_path / "a.pth").write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match="cannot read the weights"):
        ImageNet("resnet18", weights=str(tmp_path / "a.pth")).learn(images_of(3), CPU)
    with pytest.raises(UserError, match="did you mean 'resnet18'"):
        ImageNet("resnet81", weights=str(weights)).learn(images_of(3), CPU)
    with pytest.raises(ValueError, match=r"`size` must be at least 32 and at most .*, got 8"):
        ImageNet("resnet18", size=8)


def zipped(content: Any) -> bytes:
    stream = BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def saved(content: Any) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(zipped(content))


class Exploding:
    """An object that makes a folder when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, ("exploded",)


DAMAGED: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("nothing of the kind"),
    "half a file": lambda path: path.write_bytes(zipped({"a": torch.zeros(999)})[:900]),
    "code": saved({"a": Exploding()}),
    "bare code": lambda path: path.write_bytes(pickle.dumps(Exploding())),
    "no mapping": saved(torch.zeros(3)),
    "numbers": saved({"a": 3}),
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
}


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
@pytest.mark.parametrize("write", DAMAGED.values(), ids=DAMAGED)
def test_damaged_weights_are_refused_by_their_file_s_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], object], ending: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"a.{ending}"
    write(path)
    with pytest.raises(UserError, match=rf"a\.{ending}") as caught:
        torchvision_network("resnet18", str(path))
    assert "weights_only" not in str(caught.value)
    assert not (tmp_path / "exploded").exists()


def test_weights_that_are_not_there_are_refused_before_the_rows_are_read() -> None:
    with pytest.raises(UserError, match="there is no file nowhere; weights= names one"):
        ImageNet("resnet18", weights="nowhere").key()


@pytest.mark.parametrize("wrapped", ["", "model", "state_dict"])
def test_weights_may_be_wrapped_in_a_checkpoint(
    tmp_path: Path, weights: Path, wrapped: str
) -> None:
    content = torch.load(weights, weights_only=True)
    renamed = {f"module.{name}": value for name, value in content.items()}
    torch.save({wrapped: renamed, "epoch": 3} if wrapped else renamed, tmp_path / "a.pth")
    network = torchvision_network("resnet18", str(tmp_path / "a.pth"))
    assert torch.equal(network.state_dict()["conv1.weight"], content["conv1.weight"])


def test_a_file_of_safetensors_needs_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(UserError, match="pip install safetensors"):
        torchvision_network("resnet18", str(tmp_path / "a.safetensors"))


def test_weights_may_be_a_file_of_safetensors(tmp_path: Path, weights: Path) -> None:
    save_file = pytest.importorskip("safetensors.torch").save_file
    content = torch.load(weights, weights_only=True)
    save_file(content, tmp_path / "a.safetensors")
    network = torchvision_network("resnet18", str(tmp_path / "a.safetensors"))
    assert torch.equal(network.state_dict()["conv1.weight"], content["conv1.weight"])


def test_a_damaged_download_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    path = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match=r"cannot read the weights in .*resnet18-f37072fd\.pth"):
        torchvision_network("resnet18", None)


def test_weights_that_cannot_be_fetched_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*arguments: Any, **options: Any) -> None:
        raise OSError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", absent)
    with pytest.raises(UserError, match=r"(?s)not in .*checkpoints: no network.*https://.*TORCH"):
        ImageNet("resnet18").learn(images_of(3), CPU)


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
    found = looked(encoder, part)
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
        Timm("vit_small_patch14_dinov2.lvd142m").learn(images_of(3), CPU)
    with pytest.raises(UserError, match="unknown model of timm"):
        Timm("vit_smal").learn(images_of(3), CPU)


def test_rows_that_are_no_pictures_are_refused_before_weights_are_read() -> None:
    with pytest.raises(UserError, match=r"ImageNet encodes pictures.*the shape \(5,\)"):
        ImageNet("resnet18", weights="nowhere").learn(Rows.of(torch.zeros(3, 5)), CPU)


def test_a_pretrained_network_keeps_the_promises_of_encoders(weights: Path) -> None:
    check_encoder(ImageNet("resnet18", size=32, weights=str(weights)), images_of(3), images_of(1))


def test_the_state_brings_the_weights_along(weights: Path, tmp_path: Path) -> None:
    rows, there = images_of(3), ImageNet("resnet18", size=32, weights=str(weights))
    expected = looked(there, rows)
    elsewhere = ImageNet("resnet18", size=32, weights=str(tmp_path / "not brought along"))
    elsewhere.load_state_dict(there.state_dict())
    assert torch.equal(elsewhere.encode(rows, CPU), expected)
