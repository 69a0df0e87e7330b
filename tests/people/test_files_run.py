"""Whole runs whose answers stand in a file."""

import csv
import json
from collections.abc import Callable, Mapping
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from autoal.datamodules.digits import Digits
from PIL import Image

from autoal import Rows
from autoal.labels import main
from autoal.run import _list_declined
from autoal.screen import Screen
from tests.launch import Finished, Zygote

DIGITS = ("data=digits", "strategy=margin", "task=linear", "task.steps=20", "logger=none")
PLAN = ("start=20", "budget=10", "rounds=1")
PEOPLE = ("seconds", "by", "people")  # what a record says of who answered
BRIGHT, DARK = 200, 50


def rounds(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rounds.jsonl").read_text().splitlines()]


def facts(folder: Path) -> list[dict[str, Any]]:
    """The rounds without what they say of people."""
    return [{k: v for k, v in line.items() if k not in PEOPLE} for line in rounds(folder)]


def fill(folder: Path, label_of: Callable[[str], str]) -> int:
    """Fill the file in, as a program does; returns how many rows it has."""
    path = folder / "to_label.csv"
    with path.open(newline="") as opened:
        lines = list(csv.DictReader(opened))
    with path.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, lines[0])
        writer.writeheader()
        writer.writerows(line | {"label": label_of(line["name"])} for line in lines)
    return len(lines)


def answered(
    start: Callable[[], Finished], folder: Path, label_of: Callable[[str], str]
) -> tuple[list[int], Finished]:
    """Give the command until all is done; how many rows were asked each time."""
    asked = []
    while (finished := start()).code == 75:
        asked.append(fill(folder, label_of))
    return asked, finished


@pytest.fixture(scope="module")
def truth() -> Mapping[str, str]:
    """The classes of the digits by what their rows are called."""
    digits = Digits()
    digits.setup()
    names = digits.train.named(torch.arange(len(digits.train)))
    labels = [digits.classes[label] for label in digits.train.labels.tolist()]
    return dict(zip(names, labels, strict=True))


def test_a_file_that_is_filled_by_the_truth_leads_where_the_truth_does(
    train: Zygote, tmp_path: Path, truth: Mapping[str, str]
) -> None:
    command = (*DIGITS, *PLAN, f"out={tmp_path}")
    assert train.run(*command, "name=truth").code == 0
    asked, finished = answered(
        lambda: train.run(*command, "oracle=files", "name=files"),
        tmp_path / "files",
        truth.__getitem__,
    )
    assert (asked, finished.code, finished.err) == ([20, 10], 0, "")
    assert facts(tmp_path / "files") == facts(tmp_path / "truth")
    assert {line["by"] for line in rounds(tmp_path / "files")} == {"files"}


def test_the_command_says_what_to_do_and_what_is_left(
    train: Zygote, tmp_path: Path, truth: Mapping[str, str]
) -> None:
    command = (*DIGITS, *PLAN, f"out={tmp_path}", "oracle=files", "name=run")
    first = train.run(*command)
    assert first.code == 75
    assert len(first.err.splitlines()) == 2
    assert f"20 rows of round 0 are to be labelled in {tmp_path}/run/to_label.csv" in first.err
    fill(tmp_path / "run", lambda name: truth[name] if name < "train[2]" else "")
    half = train.run(*command)
    assert (half.code, "are answered, and kept" in half.err) == (75, True)
    fill(tmp_path / "run", lambda _: "ten")
    wrong = train.run(*command)
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith("error: ")
    assert "'ten' is not one of the classes" in wrong.err


def photos(folder: Path) -> Path:
    """Pictures of which the bright ones have an odd number in their name."""
    folder.mkdir()
    stream = np.random.default_rng(0)
    for number in range(40):
        pixels = stream.integers(0, 50, (16, 16, 3)) + (BRIGHT if number % 2 else DARK)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"={number}.png")
    return folder


def test_photos_of_ones_own_are_labelled_checked_and_corrected(
    train: Zygote, tmp_path: Path
) -> None:
    path = photos(tmp_path / "photos")
    command = (
        *("data=unlabelled", f"data.path={path}", "data.classes=[bright,dark]", "data.check=6"),
        *("data.size=8", "oracle=files", "strategy=margin", "task=linear", "task.steps=20"),
        *("start=8", "budget=4", "rounds=1", "logger=none", f"out={tmp_path}", "name=run"),
    )
    folder = tmp_path / "run"

    def label_of(name: str) -> str:
        return "Bright" if int(name.strip("'=.png")) % 2 else "dark"

    def start() -> Finished:
        if (folder / "rounds.jsonl").exists() and (path / "=1.png").exists():
            (path / "=1.png").rename(path / "=41.png")
        return train.run(*command)

    asked, finished = answered(start, folder, label_of)
    assert finished.code == 0, finished.err
    assert asked == [14, 4]
    record = rounds(folder)
    assert len(record[0]["checked"]) == 6
    assert record[-1]["judged"] == "check"
    assert record[-1]["accuracy"] == 1
    events = [json.loads(line) for line in (folder / "labels.jsonl").read_text().splitlines()]
    assert {event["label"] for event in events} == {"bright", "dark"}
    assert all(event["key"].startswith("sha256:") for event in events)


def test_texts_of_ones_own_are_labelled_and_come_out_beside_their_labels(
    train: Zygote, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("it rises", "it falls")
    rows = [{"question": f"Which, {n}?", "answer": f"{words[n % 2]} by {n}"} for n in range(40)]
    path, folder = tmp_path / "a.jsonl", tmp_path / "run"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = (
        *("experiment=label", f"data.path={path}", "data.text=[question,answer]", "rounds=1"),
        *("data.classes=[up,down]", "oracle=files", "start.size=8", "budget=4"),
        *(f"out={tmp_path}", "name=run"),
    )

    def label_of(name: str) -> str:
        return ("up", "down")[(int(name.removeprefix("a.jsonl:")) - 1) % 2]

    asked, finished = answered(lambda: train.run(*command), folder, label_of)
    assert finished.code == 0, finished.err
    assert asked == [8, 4]
    assert main([str(folder)]) == 0
    told = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert len(told) == 12
    for line in told:
        row = {"question": line["question"], "answer": line["answer"]}
        assert row == rows[int(line["name"].removeprefix("a.jsonl:")) - 1]
        assert line["label"] == label_of(line["name"])


def test_a_declined_row_whose_name_is_no_text_is_listed_nevertheless() -> None:
    terminal = TextIOWrapper(BytesIO(), encoding="utf-8")
    rows = Rows(torch.zeros(1, 1), torch.zeros(1).long(), names=["\udcff.png"])
    folder: Any = SimpleNamespace(rounds=[SimpleNamespace(declined=[0])])
    _list_declined(Screen(file=terminal), rows, folder)
    terminal.seek(0)
    assert terminal.read() == "declined: \\udcff.png\n"
