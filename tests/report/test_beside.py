"""Learners that were given the same, side by side."""

from pathlib import Path
from typing import Any

import pytest

from autoal.report.beside import Peers, peers, side_by_side
from autoal.report.groups import group
from autoal.report.measures import Spread
from autoal.report.page import Charts
from autoal.report.runs import read_runs
from autoal.report.tables import Table
from tests.report.made import write_run

BERT: dict[str, Any] = {
    "task": {"_target_": "autoal.model.bert.Bert"},
    "encoder": {"_target_": "autoal.encoders.tokens.Tokens"},
}
SVM: dict[str, Any] = {
    "task": {"_target_": "autoal.model.svm.Svm"},
    "encoder": {"_target_": "autoal.encoders.tfidf.Tfidf"},
}


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A fine-tuned learner of two seeds beside a linear one of three, another start and plan."""
    for seed in (0, 1):
        write_run(tmp_path, f"bert-{seed}", [0.5, 0.7], seed=seed, seconds={"total": 9.5}, **BERT)
    for seed in (0, 1, 2):
        write_run(tmp_path, f"svm-{seed}", [0.4, 0.6 + seed / 10], seed=seed, **SVM)
    write_run(tmp_path, "margin-bert", [0.5, 0.8], strategy="margin", **BERT)
    write_run(tmp_path, "margin-svm", [0.4, 0.6], strategy="margin", start=(8, 9), **SVM)
    write_run(tmp_path, "entropy-svm", [0.4, 0.6], strategy="entropy", **SVM)
    return tmp_path


def found(top: Path) -> list[Peers]:
    return peers(group(read_runs([top])[0])[0])


def table(top: Path) -> Any:
    section = side_by_side(group(read_runs([top])[0])[0])
    return next((part for part in section.parts if isinstance(part, Table)), None)


def test_settings_that_differ_in_the_learner_alone_go_together(top: Path) -> None:
    (one,) = found(top)
    assert one.name == "digits"
    assert list(one.learners) == ["bert on tokens", "svm on tfidf"]


def test_only_runs_of_a_seed_and_a_start_that_all_have_are_compared(top: Path) -> None:
    (one,) = found(top)
    names = {
        (strategy, learner): [run.path.name for run in runs]
        for strategy, by_learner in one.compared().items()
        for learner, runs in by_learner.items()
    }
    assert names == {
        ("random", "bert on tokens"): ["bert-0", "bert-1"],
        ("random", "svm on tfidf"): ["svm-0", "svm-1"],
    }


def test_the_table_tells_accuracies_and_seconds(top: Path) -> None:
    bert, svm = table(top).rows
    assert bert == [
        *("digits", "random", "bert on tokens", 2, Spread(0.6, 0)),
        *(Spread(0.7, 0), 0.5, 1.0, 9.5),
    ]
    assert svm[2:4] == ["svm on tfidf", 2]
    assert svm[4].mean == pytest.approx((0.5 + 0.55) / 2)
    assert svm[6:] == [0.5, 1.0, 2.5]


def test_curves_of_all_learners_are_drawn_once_for_each_strategy(top: Path) -> None:
    section = side_by_side(group(read_runs([top])[0])[0])
    (charts,) = [part for part in section.parts if isinstance(part, Charts)]
    assert charts.whole.title == "digits, random"
    assert charts.whole.svg.count("svm on tfidf") == 1
    assert not charts.each


def test_of_many_learners_each_has_a_small_chart_of_its_own(tmp_path: Path) -> None:
    for number in range(6):
        write_run(tmp_path, f"{number}", [0.5, 0.6], task={**SVM["task"], "c": number})
    section = side_by_side(group(read_runs([tmp_path])[0])[0])
    (charts,) = [part for part in section.parts if isinstance(part, Charts)]
    assert [each.title for each in charts.each] == [
        f"digits, random: svm (task.c={number})" for number in range(6)
    ]


def test_options_tell_learners_of_one_class_apart(tmp_path: Path) -> None:
    for number, c in enumerate((1.0, 2.0)):
        write_run(tmp_path, str(number), [0.5, 0.6], task={**SVM["task"], "c": c})
    (one,) = found(tmp_path)
    assert list(one.learners) == ["svm (task.c=1.0)", "svm (task.c=2.0)"]


def test_one_learner_is_not_compared(tmp_path: Path) -> None:
    write_run(tmp_path, "random", [0.5, 0.6])
    write_run(tmp_path, "margin", [0.5, 0.6], strategy="margin")
    assert found(tmp_path) == []
    assert table(tmp_path) is None


def test_learners_are_compared_as_far_as_both_go(tmp_path: Path) -> None:
    write_run(tmp_path, "bert", [0.5, 0.6], **BERT)
    write_run(tmp_path, "svm", [0.4, 0.6, 0.8], **SVM)
    assert [row[4:6] for row in table(tmp_path).rows] == [
        [Spread(0.55, None), Spread(0.6, None)],
        [Spread(0.5, None), Spread(0.6, None)],
    ]


def test_learners_of_a_start_alone_took_no_seconds_a_round(tmp_path: Path) -> None:
    for name, learner in (("bert", BERT), ("svm", SVM)):
        write_run(tmp_path, name, [0.5], **learner)
    assert [row[6:] for row in table(tmp_path).rows] == [[None] * 3] * 2
