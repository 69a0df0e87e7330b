"""The rows of a run's own pool that have no label are predicted."""

import csv
import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image

from autoal import Model
from autoal.encoders.patches import Patches
from autoal.exported.model import Predictions
from autoal.labels import main as labels
from autoal.predict import as_csv, main

pytestmark = pytest.mark.usefixtures("kept")


def table(capsys: pytest.CaptureFixture[str], run: Path) -> dict[str, dict[str, str]]:
    assert main([str(run)]) == 0
    return {line["name"]: line for line in csv.DictReader(StringIO(capsys.readouterr().out))}


def named(capsys: pytest.CaptureFixture[str], run: Path) -> set[str]:
    """The rows of which the labels tell."""
    assert labels([str(run)]) == 0
    return {line["name"] for line in csv.DictReader(StringIO(capsys.readouterr().out))}


def declined(run: Path) -> list[str]:
    rounds = [json.loads(line) for line in (run / "rounds.jsonl").read_text().splitlines()]
    pool = [json.loads(line) for line in (run / "pool.jsonl").read_text().splitlines()]
    return [pool[row]["name"] for done in rounds for row in done.get("declined", [])]


def test_every_row_without_a_label_is_predicted_and_no_other(
    photos: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predicted, labelled = table(capsys, photos), named(capsys, photos)
    assert len(labelled) == 6 + 4 + 4 - 1
    assert predicted.keys() == {path.name for path in pictures.iterdir()} - labelled
    assert len(declined(photos)) == 1
    assert predicted.keys() >= {*declined(photos)}


def test_they_are_predicted_as_new_rows_are(
    photos: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predicted = table(capsys, photos)
    paths = [str(pictures / name) for name in predicted]
    assert main([str(photos), *paths]) == 0
    new = csv.DictReader(StringIO(capsys.readouterr().out))
    assert [{**line, "name": Path(line["name"]).name} for line in new] == [*predicted.values()]


def test_what_the_encoder_made_of_them_is_not_made_again(
    photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Patches, "learn")
    monkeypatch.delattr(Patches, "encode")
    assert main([str(photos)]) == 0
    assert "looks at" not in capsys.readouterr().err


def test_where_the_pool_has_grown_the_encoder_of_the_model_is_asked(
    photos: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(pictures, tmp_path / "pictures")
    Image.new("RGB", (8, 8), (250, 0, 250)).save(tmp_path / "pictures" / "new.png")
    run = moved(photos, tmp_path / "run", tmp_path / "pictures")
    before, after = table(capsys, photos), table(capsys, run)
    probs = after.pop("new.png")
    assert after == before
    expected = Model.read(run).predict_files(tmp_path / "pictures" / "new.png").probs[0]
    assert float(probs["p_dark"]) == pytest.approx(float(expected[0]), rel=1e-6)


def moved(run: Path, folder: Path, pictures: Path) -> Path:
    """A copy of a run, of other pictures."""
    shutil.copytree(run, folder)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["data"]["path"] = str(pictures)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def test_files_that_came_labelled_are_left_out(
    photos: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(pictures, tmp_path / "pictures")
    (tmp_path / "pictures" / "dark").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "pictures" / "dark" / "new.png")
    run = moved(photos, tmp_path / "run", tmp_path / "pictures")
    assert table(capsys, run).keys() == table(capsys, photos).keys()


def test_of_simulated_runs_too(mlp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predicted, labelled = table(capsys, mlp), named(capsys, mlp)
    assert len(predicted) == 150 - 20 - 6
    assert len(labelled) == 20 + 6
    assert not predicted.keys() & labelled


def test_where_all_is_labelled_there_is_a_header_alone() -> None:
    assert as_csv(["a", "b"], Predictions([], torch.zeros(0, 2))) == "name,class,p_a,p_b,margin\n"


def test_a_model_alone_has_no_pool(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(photos / "model")]) == 2
    assert "with just a model, name the files whose rows to" in capsys.readouterr().err
