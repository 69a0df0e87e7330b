import socket
import sys
from pathlib import Path
from shutil import copytree

import pytest

from autoal.errors import UserError
from autoal.model.whereabouts import OFFLINE, PACKAGE, folder_key, model_folder, model_place
from tests.transformers_made import tiny_bert


@pytest.fixture
def folder(bert: Path, tmp_path: Path) -> Path:
    """A model of the test's own, which it may spoil."""
    return copytree(bert, tmp_path / "model")


@pytest.fixture
def package(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model in an installed package that cannot be imported."""
    site = tmp_path / "site"
    inside = copytree(bert, site / "words_of_mine/model")
    (site / "words_of_mine/__init__.py").write_text("raise SystemExit")
    information = site / "words_of_mine-0.1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Name: words-of-mine\nVersion: 0.1\n")
    paths = [path.relative_to(site) for path in site.rglob("*") if path.is_file()]
    (information / "RECORD").write_text("".join(f"{path},,\n" for path in paths))
    monkeypatch.syspath_prepend(str(site))
    return inside


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("the network is down")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def test_a_model_in_a_package_is_found_and_none_of_its_code_is_run(package: Path) -> None:
    assert model_folder(f"{PACKAGE}words-of-mine") == package
    assert "words_of_mine" not in sys.modules


def test_a_model_of_a_package_may_be_a_file_of_llama_cpp(package: Path) -> None:
    name = f"{PACKAGE}words-of-mine"
    assert model_place(name) == package
    (package / "model.safetensors").rename(package / "model.gguf")
    record = package.parents[1] / "words_of_mine-0.1.dist-info/RECORD"
    record.write_text("words_of_mine/model/model.gguf,,\n")
    assert model_place(name) == package / "model.gguf"
    assert model_place(str(package / "model.gguf")) == package / "model.gguf"
    with pytest.raises(UserError, match="the package words-of-mine has no model in it"):
        model_folder(name)


def test_the_key_is_that_of_the_content_wherever_it_lies(bert: Path, folder: Path) -> None:
    assert folder_key(folder) == folder_key(bert)
    (folder / "README.md").write_text("which nobody reads")
    assert folder_key(folder) == folder_key(bert)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "vocab.txt"])
def test_the_key_tells_every_file_that_is_read(bert: Path, folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    assert folder_key(folder) != folder_key(bert)


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        ("config.json", r"model has no config\.json"),
        ("model.safetensors", r"model has no model\.safetensors: model\.save_pretrained"),
        ("vocab.txt tokenizer.json", r"model has no tokenizer \(tokenizer\.json, vocab\.txt"),
    ],
)
def test_a_file_that_is_missing_is_named(folder: Path, lacking: str, message: str) -> None:
    for name in lacking.split():
        (folder / name).unlink()
    with pytest.raises(UserError, match=message):
        model_folder(str(folder))


def test_pickled_weights_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"pytorch_model\.bin is not read, since it may run code"):
        model_folder(str(folder))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("package:no-package-of-this-name", "no package 'no-package-of-this-name': pip install"),
        ("package:pytest", "the package pytest has no model in it"),
        ("package:", "there is no package ''"),
        ("package:~nobodyx", "there is no package '~nobodyx'"),
        ("~nobodyx/model", "there is no folder ~nobodyx/model, and no model can have this name"),
        ("/no/such/folder", "there is no folder /no/such/folder, and no model can have this name"),
    ],
)
def test_a_model_that_is_nowhere_is_told(model: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        model_folder(model)


@pytest.mark.usefixtures("offline")
def test_without_a_network_a_name_of_the_hub_is_refused_at_once() -> None:
    with pytest.raises(UserError, match=f"cannot be fetched: .*down\n  name a folder.*{OFFLINE}"):
        model_folder("somebody/model")


@pytest.mark.usefixtures("offline")
def test_what_the_hub_was_asked_for_before_needs_no_network(tmp_path: Path) -> None:
    kept = tmp_path / "hub/models--somebody--model"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs/main").write_text("c0ffee")
    (kept / "snapshots").mkdir()
    folder = tiny_bert(kept / "snapshots/c0ffee")
    assert model_folder("somebody/model") == folder
    (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match="cannot be fetched"):
        model_folder("somebody/model")
