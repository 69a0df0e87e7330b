from pathlib import Path
from shutil import copytree, rmtree

import pytest
import torch
from torch import Tensor

from autoal import Arrays, Encoded, Rows
from autoal.data.texts import text_rows
from autoal.encoders.encoded import encoded_rows
from autoal.encoders.tokens import Tokens
from autoal.errors import UserError
from autoal.model.whereabouts import folder_key
from autoal.testing import check_encoder

CPU = torch.device("cpu")
LINES = ["the film", "the plot is very good and not bad", ""]


def texts(*lines: str) -> Rows:
    return text_rows([(line,) for line in lines], ("body",))


def pair(first: str, second: str) -> Rows:
    return text_rows([(first, second)], ("question", "answer"))


def encoded(model: Path, rows: Rows, length: int = 12) -> Tensor:
    encoder = Tokens(str(model), length)
    encoder.learn(rows, CPU)
    return encoder.encode(rows, CPU)


@pytest.mark.parametrize("model", ["bert", "roberta"])
def test_it_keeps_the_promises_of_encoders(model: str, request: pytest.FixtureRequest) -> None:
    check_encoder(
        Tokens(str(request.getfixturevalue(model)), 12), texts(*LINES), texts("is it good")
    )


@pytest.mark.parametrize("model", ["bert", "roberta"])
def test_tokens_are_those_of_the_library(model: str, request: pytest.FixtureRequest) -> None:
    from transformers import AutoTokenizer

    folder = request.getfixturevalue(model)
    expected = AutoTokenizer.from_pretrained(folder)(LINES)["input_ids"]
    found = encoded(folder, texts(*LINES))
    assert (found.dtype, found.shape) == (torch.int32, (3, 12))
    for row, ids in zip(found.tolist(), expected, strict=True):
        assert row == [number + 1 for number in ids] + [0] * (12 - len(ids))


def test_tokens_of_the_second_text_are_negative(bert: Path) -> None:
    (row,) = encoded(bert, pair("the film", "is good"))
    assert row.tolist() == [3, 7, 8, 4, -10, -15, -4, 0, 0, 0, 0, 0]


def test_a_model_that_does_not_tell_texts_apart_has_none_that_are_negative(roberta: Path) -> None:
    (row,) = encoded(roberta, pair("the film", "is good"))
    assert row.tolist() == [1, 7, 8, 3, 3, 10, 15, 3, 0, 0, 0, 0]


def test_several_texts_are_cut_where_they_are_longer(bert: Path) -> None:
    (row,) = encoded(bert, pair("film " * 30, "good"), length=8)
    assert row.tolist() == [3, 8, 8, 8, 8, 4, -15, -4]


def test_what_is_too_long_is_counted_and_told_once(
    bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = texts("good", *["the film " * 11_200] * 2, "good " * 10)
    encoder = Tokens(str(bert), 12)
    encoder.learn(rows, CPU)
    assert encoded_rows(encoder, rows, CPU).inputs.shape == (4, 12)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("2 of the texts of 4 rows were cut to 12 tokens")


def test_no_more_than_a_few_texts_are_in_memory_uncut(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = encoded(bert, texts(*LINES * 3))
    monkeypatch.setattr("autoal.encoders.tokens.FEW", 2)
    assert torch.equal(encoded(bert, texts(*LINES * 3)), expected)


def test_half_a_character_is_read(bert: Path) -> None:
    assert encoded(bert, texts("good \ud800")).shape == (1, 12)


def test_another_model_does_not_go_on(bert: Path, roberta: Path) -> None:
    there, elsewhere = Tokens(str(bert), 12), Tokens(str(roberta), 12)
    there.learn(texts(*LINES), CPU)
    elsewhere.load_state_dict(there.state_dict())
    with pytest.raises(UserError, match="is not the model with which rows were encoded before"):
        elsewhere.encode(texts(*LINES), CPU)
    assert there.key() != elsewhere.key()


def seen_by(model: Path) -> Encoded:
    data = Arrays((LINES[:2], [0, 1]))
    encoded = Encoded(data, Tokens(str(model), 12), CPU)
    encoded.setup()
    return encoded


def test_nobody_goes_on_with_a_model_that_was_replaced_only_with_one_that_was_moved(
    bert: Path, roberta: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = copytree(bert, tmp_path / "model")
    before = seen_by(folder).fingerprint()
    seen_by(bert).demand_same(before)
    rmtree(folder)
    copytree(roberta, folder)
    with pytest.raises(
        UserError, match=r"seen by the model .* before, and by the model .* now.*were replaced"
    ):
        seen_by(folder).demand_same(before)


def test_the_files_of_a_model_are_digested_once(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digested: list[Path] = []

    def counted(folder: Path) -> str:
        digested.append(folder)
        return folder_key(folder)

    monkeypatch.setattr("autoal.encoders.tokens.folder_key", counted)
    encoder = Tokens(str(bert), 12)
    encoder.key()
    encoder.learn(texts(*LINES), CPU)
    encoder.encode(texts(*LINES), CPU)
    assert digested == [bert]


def test_a_model_that_is_gone_is_asked_for_by_its_name(bert: Path, tmp_path: Path) -> None:
    folder = copytree(bert, tmp_path / "model")
    encoder = Tokens(str(folder))
    (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match=rf"encoder\.model={folder}: {folder} has no model"):
        encoder.key()


@pytest.mark.parametrize(("kind", "places"), [("bert", 40), ("roberta", 38)])
def test_rows_longer_than_the_model_reads_are_refused_before_any_is_read(
    kind: str, places: int, request: pytest.FixtureRequest
) -> None:
    model = str(request.getfixturevalue(kind))
    Tokens(model, places).learn(texts(*LINES), CPU)
    with pytest.raises(UserError, match=f"give encoder.length={places} or less"):
        Tokens(model, places + 1).learn(texts(*LINES), CPU)


def test_rows_that_are_no_texts_are_refused() -> None:
    with pytest.raises(UserError, match="Tokens encodes texts"):
        Tokens().learn(Rows.of(torch.zeros(4, 7)), CPU)
