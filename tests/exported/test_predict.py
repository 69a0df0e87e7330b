"""The command that predicts new rows, as its user meets it."""

import csv
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from autoal import Model, Trained
from autoal.exported.model import Predictions
from autoal.predict import as_csv, main


@pytest.fixture
def pictures(digits: Path, tmp_path: Path) -> Path:
    """A folder of new pictures, one of them below another folder."""
    folder = tmp_path / "new"
    (folder / "more").mkdir(parents=True)
    with np.load(digits) as file:
        for name, pixels in zip(
            ("a.png", "b.png", "more/c.png"), file["test_images"], strict=False
        ):
            Image.fromarray(pixels).save(folder / name)
    return folder


def test_every_row_has_its_name_class_probabilities_and_margin(
    mlp: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(mlp), str(pictures)]) == 0
    lines = list(csv.DictReader(StringIO(capsys.readouterr().out)))
    assert [line["name"] for line in lines] == [
        f"{pictures}/{name}" for name in ("a.png", "b.png", "more/c.png")
    ]
    model = Model.read(mlp)
    expected = model.predict_files([pictures]).probs
    for line, probs in zip(lines, expected, strict=True):
        found = torch.tensor([float(line[f"p_{name}"]) for name in model.classes])
        assert torch.equal(found, probs)
        highest, second = probs.topk(2).values
        assert line["class"] == model.classes[int(probs.argmax())]
        assert float(line["margin"]) == pytest.approx(float(highest - second), abs=1e-7)


def test_names_with_commas_quotes_and_newlines_are_quoted() -> None:
    predictions = Predictions(['a,"b"\nc'], torch.tensor([[0.25, 0.75]]))
    table = as_csv(['x,"y"', "z\n"], predictions)
    assert list(csv.reader(StringIO(table))) == [
        ["name", "class", 'p_x,"y"', "p_z\n", "margin"],
        ['a,"b"\nc', "z\n", "0.25", "0.75", "0.5"],
    ]


def test_many_rows_go_once_through_the_network_in_batches(mlp: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    np.save(tmp_path / "many.npy", np.zeros((10_000, 8, 8), dtype=np.uint8))
    model = Model.read(mlp)
    assert isinstance(model.learner, Trained)
    model.learner.task.network.embed.register_forward_pre_hook(
        lambda module, inputs: seen.append(len(inputs[0]))
    )
    assert len(model.predict_files([tmp_path / "many.npy"]).names) == 10_000
    assert sum(seen) == 10_000
    assert max(seen) <= 512


def test_a_file_that_is_there_is_never_written_over(
    mlp: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "predictions.csv"
    assert main([str(mlp), str(pictures), "--out", str(out)]) == 0
    before = out.read_bytes()
    assert len(before.splitlines()) == 4
    for place in (out, pictures / "a.png", mlp / "rounds.jsonl"):
        assert main([str(mlp), str(pictures), "--out", str(place)]) == 2
        assert f"error: {place} exists already" in capsys.readouterr().err
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    ("run", "rows", "message"),
    [
        ("absent", "new", "there is no folder"),
        ("empty", "new", "has no model/model.json"),
        ("run", "absent.png", "there is no "),
        ("run", "empty", "there are no pictures in"),
        ("run", "broken.png", "broken.png"),
        ("run", "broken.npz", "broken.npz"),
    ],
)
def test_what_cannot_be_is_one_message(
    run: str,
    rows: str,
    message: str,
    mlp: Path,
    pictures: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(mlp, tmp_path / "run")
    (tmp_path / "empty").mkdir()
    for name in ("broken.png", "broken.npz"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
    assert main([str(tmp_path / run), str(tmp_path / rows)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("error: ")) == ("", 1)
    assert message in err


def test_a_command_that_cannot_be_met_does_not_load_torch(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom autoal import labels, predict\n"
        f"codes = predict.main([{str(tmp_path)!r}, 'x']), labels.main([{str(tmp_path)!r}])\n"
        "print(codes, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "(2, 2) False\n"
    assert done.stderr.count("error: ") == 2


@pytest.mark.parametrize("command", ["predict", "labels"])
def test_they_are_commands(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"autoal.{command}", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert f"python -m autoal.{command}" in done.stdout
