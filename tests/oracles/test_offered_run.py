"""Whole runs that ask less than a class: of pictures, tables and texts."""

import csv
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_wine

from tests.launch import Zygote
from tests.oracles.killed import demand_equal_when_killed, record

WORDS = {"sport": "goal match team", "money": "bank market price", "food": "bread soup salt"}
PLAN = ("start=50", "budget=9", "rounds=2", "logger=none", "strategy=margin")
DIGITS = ("data=digits", "task=logistic", "task.l2=1")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a table and of texts."""
    folder = tmp_path_factory.mktemp("files")
    columns, kinds = load_wine(return_X_y=True)
    table = [[*row, f"kind {kind}"] for row, kind in zip(columns, kinds, strict=True)]
    _write(folder / "table.csv", [[*(f"c{n}" for n in range(13)), "kind"], *table])
    topics = [*WORDS] * 40
    texts = [
        [f"row {n} has {WORDS[topic].split()[n % 3]}", topic] for n, topic in enumerate(topics)
    ]
    _write(folder / "texts.csv", [["text", "topic"], *texts])
    return folder


def _write(path: Path, lines: list[list[Any]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(lines)


KINDS = {
    "pictures": (*DIGITS, "questions=top_k", "questions.k=2"),
    "table": ("data=table", "data.label=kind", "task=mlp", "task.steps=20", "questions=yes_no"),
    "texts": ("data=text", "data.text=[text]", "data.label=topic", "questions=yes_no"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_all_kinds_are_asked_about(
    train: Zygote, files: Path, tmp_path: Path, kind: str
) -> None:
    path = {"table": files / "table.csv", "texts": files / "texts.csv"}.get(kind)
    data = () if path is None else (f"data.path={path}",)
    done = train.run(*PLAN, *KINDS[kind], *data, f"out={tmp_path}", "name=run")
    assert done.code == 0, done.err
    first, *later = record(tmp_path / "run")
    assert "ruled_out" not in first
    for line in later:
        asked = {*line["queried"], *map(int, line.get("ruled_out", {}))}
        assert len(asked) == 9
        assert line["wrong"] == 0
        (noted,) = (line["notes"][name] for name in ("top_k", "yes_no") if name in line["notes"])
        assert line["cost"] == pytest.approx(9 * noted["price"])
        assert 0 <= noted["gain"] <= noted["full_gain"]
    assert any("ruled_out" in line for line in later) or kind != "pictures"


def test_a_killed_run_goes_on_as_if_nothing_had_happened(train: Zygote, tmp_path: Path) -> None:
    arguments = (*PLAN, *DIGITS, "questions=yes_no", "rounds=3")
    demand_equal_when_killed(train, tmp_path, *arguments)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("task=svm", "questions=yes_no"), "this task learns from labels alone: give another one"),
        (("questions=top_k", "questions.k=9"), "9 of 10 classes, or none of these, is the whole"),
        (("questions=yes_no", "oracle=files"), "Files cannot: leave it out, or let people answer"),
        (("questions=yes_no", "questions.price=-1"), "`price` must be at least 0, got -1"),
        (("questions=most",), "unknown questions 'most'"),
    ],
)
def test_what_does_not_go_together_is_refused(
    train: Zygote, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    done = train.run(*PLAN, *DIGITS[:2], *options, f"out={tmp_path}")
    assert (done.code, done.out.count("\n") <= 1) == (2, True)
    assert told in done.err
    assert list(tmp_path.iterdir()) == []
