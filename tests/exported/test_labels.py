"""All that was labelled in a run comes out again."""

import csv
import json
import shutil
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from autoal.datamodules.npz import Npz
from PIL import Image

from autoal import Arrays, Data, Loaded, Model, Round, Rows, UserError
from autoal.data.texts import Text, text_rows
from autoal.exported.folder import as_folder, folder_names
from autoal.exported.labelled import Label, Labelled
from autoal.exported.lines import as_csv, as_jsonl
from autoal.exported.npz import as_npz
from autoal.labels import main
from autoal.people.deciding import deciding
from autoal.people.events import Event, Ledger
from autoal.run import data_set
from tests.exported.made import COUNT, files, labelled, pets

ABOUT = "about: {id: abc, versions: {}}"


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([*map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_every_label_stands_in_a_line(mlp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = list(csv.DictReader(StringIO(told(capsys, mlp))))
    assert [line["source"] for line in lines] == ["data"] * 6 + ["truth"] * 20
    assert [line["use"] for line in lines] == ["validation"] * 6 + ["train"] * 20
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
    asked = [file for file in files if file.stem.isdecimal()]
    assert len(asked) == 20
    for file in asked:
        row = int(file.stem)
        assert file.parent.name == names[int(data.train.labels[row])]
        assert np.array_equal(np.asarray(Image.open(file)), data.train.inputs[row, 0].numpy())


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        (["cat", "a dog", "5"], ["cat", "a dog", "5"]),
        (["a/b", "..", "", "a.b"], ["a_b-0", "__-1", "-2", "a_b-3"]),
        (["Cat", "cat", "Test"], ["Cat", "cat-1", "Test-2"]),
        (["a", "A", "a-0"], ["a", "A-1", "a-0"]),
        (["a/b", "a_b-0", "a_b-0-1"], ["a_b-0", "a_b-0-1", "a_b-0-1-2"]),
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
        told = [file[name].tolist() for name in ("rows", "names", "rounds", "sources")]
        assert told == [[4, 1], ["train[4]", "train[1]"], [0, 0], ["me", "me"]]
        assert np.isnan(file["probabilities"]).all()
    with pytest.raises(ValueError, match="not pictures: give --format csv, jsonl, npz, gallery or"):
        as_folder(columns([4, 1]), tmp_path / "labelled", None)
    assert not (tmp_path / "labelled").exists()


def test_of_pictures_that_are_shown_as_files_what_was_read_is_told() -> None:
    labelled = pictured("a.png")
    (rows,) = labelled.rows
    expected = as_npz(labelled)
    labelled.rows = [replace(rows, shown=[Path("a.png")])]
    assert as_npz(labelled) == expected


def pictured(name: str, channels: int = 3) -> Labelled:
    """One row, of which the data set has a black picture of this name, and the record another."""
    labelled, pictures = columns([2]), torch.zeros(1, channels, 4, 4, dtype=torch.uint8)
    labelled.rows = [Rows(pictures, torch.zeros(1).long(), shown=pictures, names=[name])]
    labelled.labels = [Label(2, "secret.png", "a", 0, "me")]
    return labelled


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of a data set, with what must not leave it, or is not in it."""
    folder = tmp_path / "data"
    (folder / "cat").mkdir(parents=True)
    for path in (folder / "cat" / "1.JPG", folder / "secret.png", folder / "key.txt"):
        path.write_bytes(b"as it is")
    (tmp_path / "outside.png").write_bytes(b"as it is")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    return folder


def test_the_file_of_a_picture_is_copied(source: Path, tmp_path: Path) -> None:
    as_folder(pictured("cat/1.JPG"), tmp_path / "out", source)
    assert (tmp_path / "out" / "a" / "000002-1.jpg").read_bytes() == b"as it is"


@pytest.mark.parametrize(
    "name", ["../outside.png", "link.png", "key.txt", "cat", "/etc/hostname", "train[2]"]
)
def test_what_is_no_picture_of_the_data_set_is_not_copied(
    name: str, source: Path, tmp_path: Path
) -> None:
    as_folder(pictured(name), tmp_path / "out", source)
    files = {path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert files == {tmp_path / "out" / "a" / "000002.png", tmp_path / "out" / "labels.csv"}
    assert np.asarray(Image.open(tmp_path / "out" / "a" / "000002.png")).max() == 0


@pytest.mark.parametrize("beside", [False, True])
def test_pictures_that_are_files_come_out_in_every_form(beside: bool, tmp_path: Path) -> None:
    paths = files(tmp_path / "pets")
    shown = [{"born": "2001", "picture": path} for path in paths] if beside else paths
    small = torch.arange(COUNT * 12, dtype=torch.uint8).view(COUNT, 3, 2, 2)
    told = labelled(pets(shown, inputs=small))
    as_folder(told, tmp_path / "out", tmp_path)
    assert len(as_csv(Label, told.labels).splitlines()) == len(told.labels) + 1 == 8
    assert len(as_jsonl(told.labels).splitlines()) == 7
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.jpg")}
    assert found == {
        *(f"cat/00000{row}-pet {row}.jpg" for row in (0, 5, 7)),
        *(f"dog/00000{row}-pet {row}.jpg" for row in (1, 2, 4, 6)),
    }
    assert (tmp_path / "out" / "cat" / "000005-pet 5.jpg").read_bytes() == paths[5].read_bytes()
    (tmp_path / "out.npz").write_bytes(as_npz(told))
    again = Npz(str(tmp_path / "out.npz"))
    again.setup()
    assert {*again.train.inputs.flatten().tolist()} <= {*small.flatten().tolist()}
    assert again.train.shape == (3, 2, 2)


def test_long_names_are_cut_and_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    paths = files(tmp_path / "pets")
    paths[5] = paths[5].rename(paths[5].with_name("\U0001f408" * 60 + ".png"))
    as_folder(labelled(pets(paths)), tmp_path / "out", None)
    assert (tmp_path / "out" / "cat" / f"000005-{paths[5].stem[:50]}.png").is_file()
    paths[1].unlink()
    with pytest.raises(UserError, match=r"cannot copy .*pet 1\.JPG: No such file"):
        as_folder(labelled(pets(paths)), tmp_path / "again", None)
    assert not [path for path in tmp_path.iterdir() if "again" in path.name]


def test_rows_that_are_shown_as_cells_or_texts_are_no_pictures(tmp_path: Path) -> None:
    for shown in ([{"born": "2001"}] * COUNT, ["a text"] * COUNT, None):
        with pytest.raises(UserError, match="these rows are not pictures"):
            as_folder(labelled(pets(shown)), tmp_path / "out", None)


def test_pictures_that_no_file_holds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no picture file can hold 5 channels: give --format csv"):
        as_folder(pictured("train[2]", channels=5), tmp_path / "out", None)
    assert not (tmp_path / "out").exists()


def test_the_record_of_another_data_set_is_refused() -> None:
    with pytest.raises(UserError, match="row 6 was labelled, and the data set has only 6"):
        columns([6])
    data = Columns()
    data.setup()
    with pytest.raises(UserError, match="was labelled 2, and the data set has only 2 classes"):
        Labelled(data, [Round(0, 1, [4], [2], {}, {}, 0)])


def test_names_are_quoted() -> None:
    table = as_csv(Label, [Label(None, 'a,"b"\n', "x,y", 0, "me")])
    assert list(csv.reader(StringIO(table)))[1] == [
        "",
        'a,"b"\n',
        "x,y",
        "0",
        "me",
        "train",
        *[""] * 3,
        "False",
    ]


PAIR = Text.of(["Label", "body"], ["Who?", 'I,\n"\x07'])


@pytest.mark.parametrize(
    ("shown", "texts"),
    [("one\ntwo", {"text": "one\ntwo"}), (PAIR, {"Label (data)": "Who?", "body": 'I,\n"\x07'})],
    ids=["text", "pair"],
)
def test_what_was_read_stands_beside_its_label_as_it_was(shown: str, texts: dict[str, str]) -> None:
    told = labelled(pets([shown] * COUNT)).labels
    lines = [*csv.DictReader(StringIO(as_csv(Label, told), newline=""))]
    assert len(lines) == len(told)
    for line, label in zip(lines, told, strict=True):
        assert dict([*line.items()][10:]) == texts
        assert (line["name"], line["label"]) == (label.name, label.label)
    (first, *_) = map(json.loads, as_jsonl(told).splitlines())
    assert first | texts == first


def test_texts_are_no_arrays() -> None:
    data = columns([4, 1])
    data.rows = [text_rows([["a"], ["b"]], ["body"])]
    with pytest.raises(UserError, match="texts are not arrays: give --format csv, jsonl, gallery"):
        as_npz(data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "npz"], "--format npz needs a name: give --out"),
        (["--format", "gallery"], "--format gallery needs a name: give --out"),
        (["--format", "folder", "--out", "."], "exists already"),
        (["--out", "there.csv"], "exists already"),
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
        (f"{ABOUT}\ndata: {{_target_: any.Thing}}", "no round is done yet in"),
        (f"{ABOUT}\ndata: {{name: mine}}", "used a program's own data, which is not"),
        ("data", "is not the config of a run"),
        (f"{ABOUT}\ndata: 5", "config.yaml: `data` must be a mapping, got 5"),
        (f"{ABOUT}\ndata: text", "config.yaml: `data` must be a mapping, got 'text'"),
        (
            f"{ABOUT}\ndata: {{_target_: any.Thing}}\nencoder: 5",
            "`encoder` must be a mapping, got 5",
        ),
    ],
)
def test_a_run_that_cannot_be_told_of_is_one_message(
    config: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text(config)
    assert main([str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


def test_of_a_first_round_that_is_not_done_is_told_where_its_answers_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text(f"{ABOUT}\ndata: {{_target_: any.Thing}}")
    (tmp_path / "labels.jsonl").write_text("{}\n")
    assert main([str(tmp_path)]) == 2
    assert f"so far are in {tmp_path / 'labels.jsonl'}" in capsys.readouterr().err


def reworded(run: Path, folder: Path, **settings: Any) -> Path:
    """A copy of a run, as somebody else may hand it on."""
    shutil.copytree(run, folder)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    kept = {key: value for key, value in {**config, **settings}.items() if value is not None}
    (folder / "config.yaml").write_text(yaml.safe_dump(kept))
    return folder


def test_nothing_is_called_but_what_is_a_data_set(
    mlp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {"_target_": "os.mkdir", "path": str(tmp_path / "made")}
    assert main([str(reworded(mlp, tmp_path / "run", data=made))]) == 2
    assert "data: os.mkdir is not a class of the kind Data" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_nothing_of_unknown_origin_is_imported_unless_it_is_trusted(
    mlp: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "foreign.py").write_text("print('imported')\nclass Thing: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    run = str(reworded(mlp, tmp_path / "run", data={"_target_": "foreign.Thing"}))
    assert main([run]) == 2
    out, err = capsys.readouterr()
    assert (out, "for a command --trust foreign" in err) == ("", True)
    assert main([run, "--trust", "foreign"]) == 2
    out, err = capsys.readouterr()
    assert out == "imported\n"
    assert "foreign.Thing is not a class of the kind Data" in err


def test_a_run_without_an_encoder_s_section_has_none(
    mlp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older = reworded(mlp, tmp_path / "run", encoder=None)
    assert told(capsys, older) == told(capsys, mlp)


def test_the_model_of_another_run_tells_no_probabilities(
    mlp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = yaml.safe_load((mlp / "config.yaml").read_text())
    other = reworded(mlp, tmp_path / "run", about={**config["about"], "id": "another"})
    lines = list(csv.DictReader(StringIO(told(capsys, other))))
    assert {line["probability"] for line in lines} == {""}


def test_an_unknown_form_is_refused(mlp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([str(mlp), "--format", "xml"])
    found: Any = end.value
    assert found.code == 2
    assert "invalid choice: 'xml'" in capsys.readouterr().err


def test_labels_that_came_that_judge_and_that_were_corrected_are_told_apart(tmp_path: Path) -> None:
    inputs = torch.arange(12.0).reshape(6, 2)
    data = Arrays((inputs, [0, 1, 0, 1, 0, 1]), names=[f"{name}.jpg" for name in "abcdef"])
    plain: dict[str, Any] = {"metrics": {}, "seconds": {}, "steps": 0}
    history = [
        Round(
            0, 4, [4, 2], [0, 0], by="ann", given={0: 1}, checked=[5], checked_labels=[1], **plain
        ),
        Round(1, 5, [1], [1], by="ann, ben", amended={4: 1, 5: 0}, **plain),
    ]
    ledger = Ledger(tmp_path / "labels.jsonl")
    said = ((4, 0, "ann", "label"), (1, 1, "ben", "label"), (4, 1, "ben", "correct"))
    for row, label, who, kind in said:
        name = data.classes[label]
        ledger.add(Event(0, row, f"{row}", who, kind, id=f"{row}{label}", label=name, seconds=2.5))
    labels = Labelled(data, history, deciding(tmp_path / "labels.jsonl")).labels
    assert [(label.name, label.label, label.use, label.source) for label in labels] == [
        ("a.jpg", "class 1", "train", "data"),
        ("f.jpg", "class 0", "check", "ann"),
        ("e.jpg", "class 1", "train", "ben"),
        ("c.jpg", "class 0", "train", "ann"),
        ("b.jpg", "class 1", "train", "ben"),
    ]
    assert [label.seconds for label in labels] == [None, None, 2.5, None, 2.5]


def test_what_was_corrected_after_the_last_question_is_told_too(tmp_path: Path) -> None:
    data = Arrays((torch.arange(8.0).reshape(4, 2), [0, 1, 0, 1]))
    history = [Round(0, 2, [3, 1], [0, 1], {}, {}, 0, by="ann")]
    ledger = Ledger(tmp_path / "labels.jsonl")
    for row, label, kind in (
        (3, "class 0", "label"),
        (1, "class 1", "label"),
        (3, "class 1", "correct"),
    ):
        ledger.add(Event(0, row, f"{row}", "ben", kind, id=f"{row}{kind}", label=label))
    found = Labelled(data, history, deciding(tmp_path / "labels.jsonl"))
    assert [(each.row, each.label, each.source) for each in found.labels] == [
        (3, "class 1", "ben"),
        (1, "class 1", "ben"),
    ]
    assert found.numbered.tolist() == [1, 1]
