"""Whole runs that ask about words beside rows."""

import csv
from pathlib import Path

import pytest

from tests.launch import Zygote
from tests.oracles.killed import demand_equal_when_killed, record
from tests.oracles.worded import CLASSES, COUNT, text_of

PLAN = ("start=6", "budget=2", "rounds=2", "logger=none", "strategy=margin", "questions=words")
SMALL = ("encoder=tfidf", "encoder.ngrams=1", "encoder.min_df=1", "questions.count=3")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The options of a data set."""
    folder = tmp_path_factory.mktemp("texts")
    for name in ("train", "test"):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            lines = [(text_of(label, place), label) for place in range(COUNT) for label in CLASSES]
            csv.writer(file).writerows([("text", "label"), *lines])
    paths = (f"data.path={folder / 'train.csv'}", f"data.test_path={folder / 'test.csv'}")
    return ("data=text", "data.text=[text]", *paths, *SMALL)


def test_words_are_in_the_record_with_their_gain_and_cost(
    train: Zygote, texts: tuple[str, ...], tmp_path: Path
) -> None:
    done = train.run(*PLAN, *texts, f"out={tmp_path}", "name=run")
    assert done.code == 0, done.err
    first, *later = record(tmp_path / "run")
    assert "words" not in first
    for line in later:
        assert len(line["words"]) == 3
        assert line["notes"]["words"]["gain"].keys() == line["words"].keys()
        assert (line["bought"], line["cost"]) == (2, 2.75)
    assert not later[0]["words"].keys() & later[1]["words"].keys()
    assert "3 words" in done.out


def test_rows_and_words_are_bought_with_one_purse(
    train: Zygote, texts: tuple[str, ...], tmp_path: Path
) -> None:
    spending = ("plan.unit=money", "plan.spend=3", "rounds=4")
    done = train.run(*PLAN, *texts, *spending, f"out={tmp_path}", "name=run")
    assert done.code == 0, done.err
    _, *later = record(tmp_path / "run")
    assert [line["bought"] for line in later][:2] == [3, 1]  # what the words cost is lacking then
    assert sum(line.get("cost", line["bought"]) for line in later) <= 4 * 3


@pytest.mark.parametrize("task", ["logistic", "linear"])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    train: Zygote, texts: tuple[str, ...], tmp_path: Path, task: str
) -> None:
    arguments = (*PLAN, *texts, f"task={task}", "rounds=3")
    demand_equal_when_killed(train, tmp_path, *arguments)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("task=svm",), "this task learns from labels alone: give another one"),
        (("oracle=files",), "asks whoever can be asked about words, and Files cannot: leave it"),
        (("plan.spend=5",), "questions=words costs where there is none: give plan.unit=money"),
        (("questions.weight=0",), "`weight` must be above 0, got 0"),
    ],
)
def test_what_does_not_go_together_is_refused(
    train: Zygote, texts: tuple[str, ...], tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    done = train.run(*PLAN, *texts, *options, f"out={tmp_path}")
    assert (done.code, done.out.count("\n") <= 1) == (2, True)
    assert told in done.err


def test_pictures_have_no_words(train: Zygote, tmp_path: Path) -> None:
    done = train.run(*PLAN, "data=digits", "task=logistic", f"out={tmp_path}")
    assert done.code == 2
    assert "questions=words asks about words of texts, and these rows are not texts" in done.err
