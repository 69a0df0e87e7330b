"""Labels that are wrong on purpose are suspected first."""

import csv
import json
import shutil
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from autoal import UserError
from autoal.exported.suspects import suspects
from autoal.kept import KeptRun
from autoal.labels import main
from tests.launch import Zygote

FLIPPED = range(0, 400, 40)  # of the file's rows
FIELDS = ["row", "name", "label", "probability", "better", "better_probability", "round", "source"]


@pytest.fixture(scope="session")
def flipped(train: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was told digits, of which every fortieth is another one than is said."""
    folder = tmp_path_factory.mktemp("flipped")
    images, labels = (load_digits().images * 15).astype(np.uint8), load_digits().target.copy()
    labels[FLIPPED] = (labels[FLIPPED] + 1) % 10
    parts = {"train": slice(0, 400), "test": slice(400, 460)}
    arrays = {f"{part}_images": images[rows] for part, rows in parts.items()}
    arrays |= {f"{part}_labels": labels[rows] for part, rows in parts.items()}
    np.savez(folder / "digits.npz", **arrays)
    finished = train.run(
        *("data=npz", f"data.path={folder}/digits.npz", "task=logistic", "start=390", "budget=5"),
        *("rounds=1", "strategy=margin", "logger=none", f"out={folder}", "name=run"),
    )
    assert finished.code == 0, finished.err
    return folder / "run"


def suspected(capsys: pytest.CaptureFixture[str], run: Path) -> list[dict[str, str]]:
    assert main([str(run), "--suspects"]) == 0
    reader = csv.DictReader(StringIO(capsys.readouterr().out))
    assert reader.fieldnames == FIELDS
    return [*reader]


def test_they_come_first_with_the_classes_that_they_are_of(
    flipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = [json.loads(line) for line in (flipped / "rounds.jsonl").read_text().splitlines()]
    asked = {name for done in rounds for name in done["names"]}
    truth = {f"train[{row}]": f"class {load_digits().target[row]}" for row in FLIPPED}
    wrong = truth.keys() & asked
    lines = suspected(capsys, flipped)
    better = {line["name"]: line["better"] for line in lines}
    assert {name: better[name] for name in wrong} == {name: truth[name] for name in wrong}
    first = {line["name"] for line in lines[: len(wrong)]}
    assert len(first & wrong) >= 0.8 * len(wrong)  # of 400; some digits are hard to tell


def test_another_class_beats_each_and_the_least_probable_come_first(
    flipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = suspected(capsys, flipped)
    own = [float(line["probability"]) for line in lines]
    assert own == sorted(own)
    for line, probability in zip(lines, own, strict=True):
        assert line["better"] != line["label"]
        assert probability < float(line["better_probability"])


def test_they_are_the_same_whenever_they_are_asked_for_and_in_lines_of_json(
    flipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = suspected(capsys, flipped)
    assert main([str(flipped), "--suspects", "--format", "jsonl"]) == 0
    again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [{key: str(value) for key, value in line.items()} for line in again] == lines


def test_rows_that_an_encoder_has_seen_and_rows_held_out_are_judged_too(
    mlp: Path, photos: Path, kept: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {line["row"] for line in suspected(capsys, mlp)} >= {""}
    assert {line["source"] for line in suspected(capsys, photos)} <= {"files"}


@pytest.mark.parametrize("form", ["folder", "npz", "gallery"])
def test_they_come_as_lines_alone(form: str, mlp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(mlp), "--suspects", "--format", form, "--out", "out"]) == 2
    assert "--suspects are written as lines: give --format csv or jsonl" in capsys.readouterr().err


def test_without_a_model_nothing_is_suspected(
    mlp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(mlp, tmp_path / "run", ignore=shutil.ignore_patterns("model"))
    assert main([str(tmp_path / "run"), "--suspects"]) == 2
    assert "has no model/model.json" in capsys.readouterr().err


def test_two_classes_are_needed(photos: Path, kept: None) -> None:
    run = KeptRun(photos)
    run.labelled.labels = [replace(label, label="dark") for label in run.labelled.labels]
    with pytest.raises(UserError, match="all labels are 'dark' so far: to tell which may be wrong"):
        suspects(run.labelled, run.labelled.rows, run.model.learner)
