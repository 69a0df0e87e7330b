from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from autoal import Rows
from autoal.data.texts import text_rows
from autoal.encoders.encoded import encoded_rows
from autoal.encoders.sentence import Sentence
from autoal.errors import UserError
from autoal.model.bert import Pooled
from autoal.model.transformers import places_of
from autoal.model.whereabouts import OFFLINE, model_folder
from autoal.testing import check_encoder
from tests.transformers_made import WORDS, published

CPU = torch.device("cpu")
MODELS = ["bert", "roberta"]
LINES = [" ".join(WORDS[: 1 + 7 * row % 13]) for row in range(70)]


def texts(*lines: str) -> Rows:
    return text_rows([(line,) for line in lines], ("body",))


def encoded(encoder: Sentence, rows: Rows) -> Tensor:
    encoder.learn(rows, CPU)
    return encoder.encode(rows, CPU)


@torch.no_grad()
def by_transformers(folder: Path | str, *columns: list[str], pooling: str = "mean") -> Tensor:
    """Embeddings as the library computes them, text by text."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    found = []
    for several in zip(*columns, strict=True):
        hidden = network.eval()(**tokenizer(*several, return_tensors="pt")).last_hidden_state
        found.append(hidden[:, 0] if pooling == "cls" else hidden.mean(1))
    return torch.cat(found)


@pytest.fixture(params=MODELS)
def folder(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


def test_it_keeps_the_promises_of_encoders(folder: Path) -> None:
    check_encoder(Sentence(str(folder)), texts(*LINES), texts("the film", "is good and not dull"))


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_embeddings_are_those_of_transformers(folder: Path, pooling: str) -> None:
    found = encoded(Sentence(str(folder), pooling, normalise=False), texts(*LINES))
    expected = by_transformers(folder, LINES, pooling=pooling)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_embeddings_may_have_the_length_one(bert: Path) -> None:
    raw, unit = (
        encoded(Sentence(str(bert), normalise=wanted), texts(*LINES)) for wanted in (False, True)
    )
    torch.testing.assert_close(unit, functional.normalize(raw))


def test_two_texts_are_compared_axis_by_axis(folder: Path) -> None:
    both = LINES[:5], LINES[5:10]
    rows = text_rows(list(zip(*both, strict=True)), ("question", "answer"))
    first, second = (functional.normalize(by_transformers(folder, each)) for each in both)
    found = encoded(Sentence(str(folder)), rows)
    torch.testing.assert_close(found, first * second, atol=1e-5, rtol=0)


def test_two_texts_may_be_read_as_one(folder: Path) -> None:
    both = LINES[:5], LINES[5:10]
    rows = text_rows(list(zip(*both, strict=True)), ("question", "answer"))
    found = encoded(Sentence(str(folder), normalise=False, pairs="joined"), rows)
    torch.testing.assert_close(found, by_transformers(folder, *both), atol=1e-5, rtol=0)


def test_of_three_texts_every_two_are_compared(bert: Path) -> None:
    rows = text_rows([("the film", "is good", "and dull")], ("a", "b", "c"))
    assert encoded(Sentence(str(bert)), rows).shape == (1, 3 * 16)


def test_rows_keep_their_order_from_block_to_block(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Sentence(str(bert))
    expected = encoded(encoder, texts(*LINES))
    monkeypatch.setattr("autoal.encoders.tokens.BLOCK", 9)
    torch.testing.assert_close(encoded_rows(encoder, texts(*LINES), CPU).inputs, expected)


def test_once_all_rows_are_encoded_the_network_leaves_the_device(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[str] = []
    monkeypatch.setattr(Pooled, "to", lambda _, device: places.append(f"to {device}"))
    monkeypatch.setattr(Pooled, "cpu", lambda _: places.append("back"))
    encoder = Sentence(str(bert))
    encoder.learn(texts(*LINES), CPU)
    encoded_rows(encoder, texts(*LINES), CPU)
    assert places == ["to cpu", "back"]


def test_a_text_is_cut_to_what_the_model_reads(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder, rows = Sentence(str(folder)), texts("good " * 500, "good")
    encoder.learn(rows, CPU)
    assert encoded_rows(encoder, rows, CPU).inputs.isfinite().all()
    (line,) = capsys.readouterr().err.splitlines()
    reads = places_of(encoder._network.transformer)
    assert line.startswith(f"1 of the texts of 2 rows were cut to {reads} tokens")


def test_where_features_are_kept_no_weights_are_read(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the weights were read")

    monkeypatch.setattr("autoal.encoders.sentence.network_of", refuse)
    encoder = Sentence(str(bert))
    encoder.learn(texts(*LINES), CPU)
    encoder.load_state_dict(encoder.state_dict())
    assert list(encoder.state_dict()) == ["model"]


def test_keys_tell_the_options(bert: Path, roberta: Path) -> None:
    encoders = [
        Sentence(str(bert)),
        Sentence(str(roberta)),
        Sentence(str(bert), "cls"),
        Sentence(str(bert), length=64),
        Sentence(str(bert), normalise=False),
        Sentence(str(bert), pairs="joined"),
    ]
    assert len({encoder.key() for encoder in encoders}) == len(encoders)


def test_rows_that_are_no_texts_are_refused() -> None:
    with pytest.raises(UserError, match="Sentence encodes texts"):
        Sentence().learn(Rows.of(torch.zeros(4, 7)), CPU)


@published
def test_the_published_model_knows_what_sentences_mean() -> None:
    lines = ["a film that moves you", "a moving picture", "the bank raises its rates"]
    found = encoded(Sentence(), texts(*lines))
    expected = functional.normalize(by_transformers(model_folder(OFFLINE), lines))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    alike = found @ found.T
    assert alike[0, 1] > 0.4 > 0.2 > alike[0, 2]
