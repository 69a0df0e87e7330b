"""Whole runs whose batches are ordered by comparisons: of pictures, tables and texts."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tests.launch import Zygote
from tests.oracles.killed import demand_equal_when_killed, record
from tests.oracles.worded import CLASSES, text_of

PLAN = ("start=9", "budget=6", "rounds=2", "logger=none", "strategy=margin", "questions=compared")
EACH = 12  # rows of each class
LEARNER = ("task=logistic", "task.l2=1")


def said_by_two(folder: Path, labels: list[int]) -> str:
    """Labels of two people, who disagree of every third row, as an option."""
    path = folder / "said.npz"
    other = [(label + (row % 3 == 0)) % 3 for row, label in enumerate(labels)]
    np.savez(path, one=labels, two=other)
    return f"questions.ambiguity=[{path}:one,{path}:two]"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...]]:
    """The options of data sets of every kind."""
    folder = tmp_path_factory.mktemp("files")
    labels = [place % 3 for place in range(3 * EACH)]
    texts: list[list[Any]] = [
        [text_of(CLASSES[label], n // 3), CLASSES[label]] for n, label in enumerate(labels)
    ]
    table: list[list[Any]] = [
        [label + n / 50, n % 5, CLASSES[label]] for n, label in enumerate(labels)
    ]
    for name, lines in (
        ("texts", [["text", "label"], *texts]),
        ("table", [["size", "age", "label"], *table]),
    ):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(lines)
    digits = load_digits()
    images = np.stack([digits.images[digits.target == label][:EACH] for label in range(3)], 1)
    pixels = (images.reshape(-1, 8, 8) * 15).astype(np.uint8)
    arrays: dict[str, Any] = {f"{part}_images": pixels for part in ("train", "test")}
    arrays |= {f"{part}_labels": np.array(labels) for part in ("train", "test")}
    np.savez(folder / "pictures.npz", **arrays)
    said = said_by_two(folder, labels)
    paths = {name: f"data.path={folder / name}.csv" for name in ("texts", "table")}
    test = {name: f"data.test_path={folder / name}.csv" for name in ("texts", "table")}
    tfidf = ("data.text=[text]", "encoder=tfidf", "encoder.ngrams=1", "encoder.min_df=1")
    return {
        "pictures": ("data=npz", f"data.path={folder / 'pictures.npz'}", said),
        "table": ("data=table", "data.label=label", paths["table"], test["table"], said),
        "texts": ("data=text", *tfidf, paths["texts"], test["texts"], said),
    }


@pytest.mark.parametrize("kind", ["pictures", "table", "texts"])
def test_batches_of_all_kinds_are_ordered(
    train: Zygote, files: dict[str, tuple[str, ...]], tmp_path: Path, kind: str
) -> None:
    done = train.run(*PLAN, *LEARNER, *files[kind], f"out={tmp_path}", "name=run")
    assert done.code == 0, done.err
    first, *later = record(tmp_path / "run")
    assert not first.keys() & {"later", "cost"}
    for line in later:
        told = line["notes"]["compared"]
        assert (len(line["queried"]), len(line["later"])) == (3, 3)
        assert {row for pair in told["harder"] for row in pair} == {
            *line["queried"],
            *line["later"],
        }
        assert line["cost"] == pytest.approx(3 + 0.1 * len(told["harder"]))
        assert 0 < told["gain"] <= 1


def test_a_purse_pays_for_comparisons_too(
    train: Zygote, files: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    spending = ("plan.unit=money", "plan.spend=3", "rounds=3")
    done = train.run(*PLAN, *LEARNER, *spending, *files["table"], f"out={tmp_path}", "name=run")
    assert done.code == 0, done.err
    _, *later = record(tmp_path / "run")
    assert sum(line["cost"] for line in later) <= 3 * 3


def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    train: Zygote, files: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    arguments = (*PLAN, *LEARNER, *files["table"], "rounds=3", "budget=4")
    demand_equal_when_killed(train, tmp_path, *arguments)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("questions.ambiguity=null",), "give questions.ambiguity=[file.npz:member,...] with"),
        (("oracle=people",), "people are asked only about classes: leave it out"),
        (("oracle=files",), "people are asked only about classes: leave it out"),
        (("plan.spend=5",), "questions=compared costs where there is none: give plan.unit=money"),
        (("questions.among=1",), "`among` must be at least 2, got 1"),
        (("questions.first=best",), "unknown first 'best'"),
        (("questions.ambiguity=no.npz:one",), "give questions.ambiguity=[file.npz:member,...]"),
        (("questions.ambiguity=[no.npz,no.npz]",), "ambiguity=no.npz: give a file and what to"),
        (("questions.ambiguity=[no.npz:one,no.npz:two]",), "no.npz"),
    ],
)
def test_what_does_not_go_together_is_refused(
    train: Zygote,
    files: dict[str, tuple[str, ...]],
    tmp_path: Path,
    options: tuple[str, ...],
    told: str,
) -> None:
    done = train.run(*PLAN, *LEARNER, *files["table"], *options, f"out={tmp_path}")
    assert done.code == 2
    assert told in done.err
    assert list(tmp_path.iterdir()) == []
