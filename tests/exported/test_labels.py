"""All that was labelled in a run comes out again."""

import csv
import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from autoal.datamodules.npz import Npz
from PIL import Image

from autoal import Data, Loaded, Model, Round, Rows
from autoal.exported.labelled import Label, Labelled, as_csv, as_folder, as_npz, folder_names
from autoal.labels import main
from autoal.run import data_set

ABOUT = "about: {id: abc, versions: {}}"


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([*map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_every_label_stands_in_a_line(mlp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = list(csv.DictReader(StringIO(told(capsys, mlp))))
    assert [line["source"] for line in lines] == ["validation"] * 6 + ["truth"] * 20
    assert [line["round"] for line in lines] == ["0"] * 18 + ["1"] * 8
    data = data_set(yaml.safe_load((mlp / "config.yaml").read_text()))
    record = [json.loads(line) for line in (mlp / "rounds.jsonl").read_text().splitlines()]
    asked = [row for done in record for row in done["queried"]]
    assert [line["row"] for line in lines] == [""] * 6 + [str(row) for row in asked]
    probs = Model.read(mlp).predict_rows(data.train.take(torch.tensor(asked)))
    for line, row, each in zip(lines[6:], asked, probs, strict=True):
        label = int(data.train.labels[row])
        assert line["label"] == data.classes[label]
        assert line["name"] == data.train.named(torch.tensor([row]))[0]
        assert float(line["probability"]) == pytest.approx(float(each[label]), rel=1e-5)


def test_lines_of_json_say_the_same(mlp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = list(csv.DictReader(StringIO(told(capsys, mlp))))
    lines = [json.loads(line) for line in told(capsys, mlp, "--format", "jsonl").splitlines()]
    plain = [
        {key: "" if value is None else str(value) for key, value in line.items()} for line in lines
    ]
    assert plain == table


def test_a_run_that_is_not_finished_tells_what_there_is(
    mlp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(mlp, tmp_path / "run")
    record = tmp_path / "run" / "rounds.jsonl"
    record.write_text(record.read_text().splitlines(keepends=True)[0])
    state = tmp_path / "run" / "state" / "round-0001.pt"
    state.rename(state.with_name("round-0000.pt"))
    lines = list(csv.DictReader(StringIO(told(capsys, tmp_path / "run"))))
    assert len(lines) == 6 + 12
    assert {line["probability"] for line in lines} == {""}


def test_pictures_come_as_a_data_set(
    mlp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = list(csv.DictReader(StringIO(told(capsys, mlp))))
    out = tmp_path / "labelled.npz"
    assert main([str(mlp), "--format", "npz", "--out", str(out)]) == 0
    data, again = data_set(yaml.safe_load((mlp / "config.yaml").read_text())), Npz(str(out))
    again.setup()
    assert again.classes == data.classes
    assert again.test is not None
    assert len(again.train) + len(again.test) == 26
    with np.load(out) as file:
        images, labels = file["train_images"][6:, :, :, 0], file["train_labels"][6:]
    asked = torch.tensor([int(line["row"]) for line in lines if line["row"]])
    assert np.array_equal(images, data.train.inputs[asked, 0])
    assert np.array_equal(labels, data.train.labels[asked])


def test_pictures_come_in_a_folder_for_each_class_and_nowhere_else(
    mlp: Path, tmp_path: Path
) -> None:
    out = tmp_path / "inside" / "labelled"
    assert main([str(mlp), "--format", "folder", "--out", str(out)]) == 0
    files = sorted(out.rglob("*.png"))
    assert len(files) == 26
    assert {file.parent.parent for file in files} == {out}
    assert [path.name for path in (tmp_path / "inside").iterdir()] == ["labelled"]
    data = data_set(yaml.safe_load((mlp / "config.yaml").read_text()))
    names = folder_names(data.classes)
    for file in files:
        if file.stem.isdecimal():
            row = int(file.stem)
            assert file.parent.name == names[int(data.train.labels[row])]
            assert np.array_equal(np.asarray(Image.open(file)), data.train.inputs[row, 0].numpy())


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        (["cat", "a dog", "5"], ["cat", "a dog", "5"]),
        (["a/b", "..", "", "a.b"], ["a_b-0", "__-1", "-2", "a_b-3"]),
        (["Cat", "cat", "test"], ["Cat-0", "cat-1", "test-2"]),
        (["x" * 300, "y\0"], ["x" * 100 + "-0", "y_-1"]),
    ],
)
def test_a_class_that_is_no_name_for_a_folder_is_called_otherwise(
    classes: list[str], names: list[str]
) -> None:
    assert folder_names(classes) == names


class Columns(Data):
    classes = ("a", "b")
    keeps_order = True

    def load(self) -> Loaded:
        return Loaded(Rows(torch.arange(12.0).view(6, 2), torch.arange(6) % 2))


def columns(queried: list[int]) -> Labelled:
    data = Columns()
    data.setup()
    labels = [row % 2 for row in queried]
    return Labelled(data, [Round(0, len(queried), queried, labels, {}, {}, 0, by="me")])


def test_rows_that_are_no_pictures_come_as_arrays(tmp_path: Path) -> None:
    (tmp_path / "labelled.npz").write_bytes(as_npz(columns([4, 1])))
    with np.load(tmp_path / "labelled.npz") as file:
        assert file["inputs"].tolist() == [[8, 9], [2, 3]]
        assert file["labels"].tolist() == [0, 1]
        assert file["classes"].tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="no pictures: give --format csv, jsonl or npz"):
        as_folder(columns([4, 1]), tmp_path / "labelled", None)
    assert not (tmp_path / "labelled").exists()


def test_the_file_of_a_picture_is_copied(tmp_path: Path) -> None:
    (tmp_path / "data" / "cat").mkdir(parents=True)
    (tmp_path / "data" / "cat" / "1.JPG").write_bytes(b"as it is")
    labelled = columns([2])
    labelled.rows = [Rows(torch.zeros(1, 2), torch.zeros(1).long(), shown=torch.zeros(1, 3, 4, 4))]
    labelled.labels = [Label(2, "cat/1.JPG", "a", 0, "me")]
    as_folder(labelled, tmp_path / "out", tmp_path / "data")
    assert (tmp_path / "out" / "a" / "000002.jpg").read_bytes() == b"as it is"


def test_the_record_of_another_data_set_is_refused() -> None:
    with pytest.raises(ValueError, match="row 6 was labelled, and the data set has only 6"):
        columns([6])


def test_names_are_quoted() -> None:
    table = as_csv([Label(None, 'a,"b"\n', "x,y", 0, "me")])
    assert list(csv.reader(StringIO(table)))[1] == ["", 'a,"b"\n', "x,y", "0", "me", ""]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "npz"], "--format npz needs a name: give --out"),
        (["--format", "folder", "--out", "."], "is there already"),
        (["--out", "there.csv"], "is there already"),
    ],
)
def test_what_cannot_be_is_one_message(
    options: list[str],
    message: str,
    mlp: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").write_text("mine")
    assert main([str(mlp), *options]) == 2
    assert message in capsys.readouterr().err
    assert (tmp_path / "there.csv").read_text() == "mine"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (f"{ABOUT}\ndata: {{_target_: any.Thing}}", "nothing was labelled yet in"),
        (f"{ABOUT}\ndata: {{name: mine}}", "is of a program's own data, which are not known here"),
        ("data", "is not the config of a run"),
    ],
)
def test_a_run_that_cannot_be_told_of_is_one_message(
    config: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text(config)
    assert main([str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


def test_an_unknown_form_is_refused(mlp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([str(mlp), "--format", "xml"])
    found: Any = end.value
    assert found.code == 2
    assert "invalid choice: 'xml'" in capsys.readouterr().err
