from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from autoal import Round
from autoal.record.folder import RunFolder
from autoal.record.results import learning_curve, render, show_results, write_results


@pytest.fixture
def folder(tmp_path: Path, config: dict[str, Any], history: list[Round]) -> RunFolder:
    folder = RunFolder(tmp_path / "run", config, {})
    for done in history:
        folder.add(done, {})
    folder.__exit__(None, None, None)
    return folder


def test_the_learning_curve_shows_accuracy_over_labels(history: list[Round]) -> None:
    (axes,) = learning_curve(history, "run").axes
    drawn = {line.get_label(): np.asarray(line.get_xydata()) for line in axes.lines}
    assert drawn["accuracy"].tolist() == [[2, 0.5], [4, 0.75]]
    assert drawn["balanced accuracy"].tolist() == [[2, 0.4], [4, 0.4]]


def test_the_curve_is_written_as_vectors_and_as_pixels(folder: RunFolder) -> None:
    write_results(folder)
    svg = ElementTree.parse(folder.path / "learning_curve.svg")
    assert svg.getroot().tag.endswith("svg")
    assert (folder.path / "learning_curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_curve_is_the_same_file(history: list[Round]) -> None:
    one, two = (render(learning_curve(history, "run"), "svg") for _ in range(2))
    assert one == two


def test_the_table_has_every_round_and_the_paths_follow(folder: RunFolder) -> None:
    text = StringIO()
    show_results(Console(file=text, width=80), folder)
    rows = [line.split() for line in text.getvalue().splitlines()]
    assert ["0", "2", "0.5000", "1.50", "1.50", "1.50", "1.50", "1.50"] in rows
    assert ["1", "4", "0.7500", "1.50", "1.50", "1.50", "1.50", "1.50"] in rows
    assert [str(folder.path / "rounds.jsonl")] in rows
    assert [str(folder.path / "config.yaml")] in rows


def test_the_table_tells_of_labels_that_nobody_was_asked_for(
    tmp_path: Path, config: dict[str, Any], history: list[Round]
) -> None:
    def shown(name: str, given: list[Round]) -> list[list[str]]:
        text = StringIO()
        with RunFolder(tmp_path / name, config, {}) as folder:
            for each in given:
                folder.add(each, {})
            show_results(Console(file=text, width=120), folder)
        return [line.split()[:4] for line in text.getvalue().splitlines() if line.strip()]

    first, second = history
    told = shown("given", [replace(first, bought=2, wrong=0), replace(second, bought=0)])
    assert told[1:2] + told[3:5] == [
        ["round", "labelled", "bought", "wrong"],
        ["0", "2", "2", "0"],
        ["1", "4", "0", "-"],
    ]
    asked = shown("asked", [replace(each, bought=2, wrong=0) for each in history])
    assert asked[1][:3] == ["round", "labelled", "accuracy"]
