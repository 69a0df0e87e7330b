"""The way of whoever labels their own pictures: one command, a browser, labels and predictions."""

import csv
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autoal import labels, predict
from tests.browser import chromium, opened
from tests.launch import Running, Zygote
from tests.people.window import Window

PROGRAM = str(chromium())
pytestmark = pytest.mark.skipif(not chromium(), reason="no Chromium on PATH or in AUTOAL_CHROMIUM")

KEYS = {"cat": "1", "dog": "2"}


def picture(place: int) -> Image.Image:
    """Of one of two kinds, told apart by their stripes; each of another size."""
    stream = np.random.default_rng(place)
    height, width = stream.integers(90, 140, 2)
    stripes = np.indices((height, width))[place % 2] // 8 % 2 * 150
    noise = stream.integers(0, 100, (height, width, 3))
    return Image.fromarray((stripes[..., None] + noise).astype(np.uint8))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pictures, in folders that tell nothing; the even ones are cats."""
    folder = tmp_path_factory.mktemp("own") / "photos"
    for place in range(40):
        path = folder / f"day {place // 20}" / f"{place:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(place).save(path)
    return folder


def kind_of(name: str) -> str:
    return "dog" if int(Path(name).stem) % 2 else "cat"


@contextmanager
def page(running: Running, profile: Path) -> Iterator[Window]:
    """A browser of its own at the address that the run tells."""
    with opened(PROGRAM, profile) as browser:
        window = Window(browser)
        window.open(running.pages()[0])
        yield window
        window.sent()  # a browser that is killed takes with it what it has not sent


def answer(window: Window, count: int) -> None:
    """Label this many rows rightly, by the keyboard."""
    for _ in range(count):
        window.answer(KEYS[kind_of(window.get("document.querySelector('#title').textContent"))])


def said(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "labels.jsonl").read_text().splitlines()]


def rounds(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "rounds.jsonl").read_text().splitlines()]


def test_pictures_are_labelled_and_labels_and_a_model_come_out(
    train: Zygote, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ("experiment=label", f"data.path={photos}", "data.classes=[cat,dog]", f"out={tmp_path}")
    less = ("encoder=patches", "start.size=6", "budget=4", "oracle.port=0", "oracle.open=false")
    run = tmp_path / "photos"

    running = train.start(*own, *less)
    with page(running, tmp_path / "first") as window:
        answer(window, 2)
        window.answer("Backspace")
        answer(window, 1)
        window.answer("u")
        answer(window, 3)  # the last of the start; the model learns, and asks
        window.shows("number 1 of the 4")
        answer(window, 2)
    with page(running, tmp_path / "second") as window:  # who closed the browser comes back
        answer(window, 2)
        assert window.complaints() == []
    running.send(signal.SIGINT)
    assert running.finish().code == 130

    running = train.start(*own, *less)
    with page(running, tmp_path / "third") as window:
        window.shows("number 1 of the 4")
        answer(window, 1)
        window.shows("number 2 of the 4")
        window.click("#to-stop")
        window.click("#stop-now")
        window.shows("Stopped for today")
    assert running.finish().code == 75

    first, second = rounds(run)
    assert (first["labelled"], len(first["declined"]), second["labelled"]) == (5, 1, 9)
    assert {first["judged"], second["judged"]} == {"cross-validation"}
    kinds = [event["kind"] for event in said(run)]
    assert (kinds.count("label"), kinds.count("unsure"), kinds.count("undo")) == (11, 1, 1)
    answered = [event["row"] for event in said(run) if event["kind"] != "undo"]
    assert len(answered) == len(set(answered)) + 1  # but for what was taken back, none came twice

    assert labels.main([str(run)]) == 0
    table = list(csv.DictReader(StringIO(capsys.readouterr().out)))
    assert [line["label"] for line in table] == [kind_of(line["name"]) for line in table]
    assert len(table) == 9
    for form in ("jsonl", "folder", "npz", "label_studio", "gallery"):
        assert labels.main([str(run), "--format", form, "--out", str(tmp_path / form)]) == 0
    assert len(list((tmp_path / "folder").rglob("*.jpg"))) == 9

    new = tmp_path / "new"
    new.mkdir()
    for place in range(100, 104):
        picture(place).save(new / f"{place}.jpg")
    capsys.readouterr()
    assert predict.main([str(run), str(new)]) == 0
    found = list(csv.DictReader(StringIO(capsys.readouterr().out)))
    assert [Path(line["name"]).name for line in found] == [
        "100.jpg",
        "101.jpg",
        "102.jpg",
        "103.jpg",
    ]
    assert predict.main([str(run)]) == 0
    rest = list(csv.DictReader(StringIO(capsys.readouterr().out)))
    assert len(rest) == 40 - 9
    right = [line["class"] == kind_of(line["name"]) for line in rest]
    assert np.mean(right) > 0.8
