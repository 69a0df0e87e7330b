import json
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
from autoal.model.whereabouts import model_folder

MODELS = ["bert", "roberta"]


@pytest.fixture
def folder(bert: Path, tmp_path: Path) -> Path:
    """A model of the test's own, which it may spoil."""
    return copytree(bert, tmp_path / "model")


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
        with pytest.raises(UserError, match=f"{kind}, is not a text encoder, such as BERT or Ro"):
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


def test_without_transformers_the_extra_is_named(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UserError, match=r"need transformers: pip install -e '\.\[text\]'"):
        network_of(bert)
