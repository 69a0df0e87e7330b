"""Reports by other metrics than accuracy, and over other things than labels."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from autoal.report.__main__ import main
from autoal.report.groups import group
from autoal.report.metric import words
from autoal.report.runs import read_run, read_runs
from autoal.report.verdict import standing
from tests.report.made import write_run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Margin has the better accuracy and F1, yet the worse likelihood."""
    scores = {"random": ([0.4, 0.5], [0.9, 0.8]), "margin": ([0.4, 0.7], [0.9, 1.2])}
    for name, (accuracy, nll) in scores.items():
        metrics = {"macro_f1": [value - 0.1 for value in accuracy], "nll": nll}
        write_run(tmp_path / "runs", name, accuracy, strategy=name, metrics=metrics)
    return tmp_path / "runs"


def test_runs_are_compared_by_the_metric_that_is_asked_for(runs: Path) -> None:
    assert main([str(runs), "--metric", "macro_f1"]) == 0
    page = (runs / "report" / "report.html").read_text()
    assert ">macro f1 on the test set</text>" in page
    assert "macro f1" in (runs / "report" / "tables" / "curves.csv").read_text()
    with (runs / "report" / "tables" / "results.csv").open() as file:
        found = {row["strategy"]: float(row["final macro f1 mean"]) for row in csv.DictReader(file)}
    assert found == pytest.approx({"margin": 0.6, "random": 0.4})


def test_where_less_is_better_the_one_with_less_is_ahead(runs: Path) -> None:
    (setting,), _ = group(read_runs([runs], "nll")[0])
    assert setting.ranked == ["random", "margin"]
    told = "random -0.80, margin -1.20 of negative nll at 4 labels."
    assert standing(setting) == told
    # By hand: the mean of .9 and 1.2.
    assert read_run(runs / "margin", "nll").area == pytest.approx(-1.05)
    assert main([str(runs), "--metric", "nll"]) == 0
    page = (runs / "report" / "report.html").read_text()
    assert "Of nll less is better: it has a minus here" in page


@pytest.mark.parametrize(
    ("metric", "told"),
    [("ece", "negative ece"), ("val_nll", "negative val nll"), ("macro_f1", "macro f1")],
)
def test_a_metric_has_a_name_that_says_where_it_has_a_minus(metric: str, told: str) -> None:
    assert words(metric) == told


def test_a_metric_that_a_run_lacks_is_refused(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older = write_run(runs, "older", [0.4, 0.6], strategy="badge")
    assert main([str(runs), "--metric", "nll"]) == 2
    assert capsys.readouterr().err == (
        f"error: --metric=nll: {older} has none in round 0, only accuracy\n"
    )
    assert not (runs / "report").exists()


def priced(run: Path, **costs: Sequence[float]) -> Path:
    """A run whose rounds tell what their labels cost."""
    path = run / "rounds.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for name, values in costs.items():
        for line, value in zip(lines, values, strict=True):
            line[name] = value
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return run


@pytest.fixture
def costly(tmp_path: Path) -> Path:
    """Margin gains more a label than random, yet less for what its labels cost."""
    top = tmp_path / "runs"
    random = write_run(top, "random", [0.4, 0.5, 0.6])
    priced(random, cost=[1, 1, 1], taken=[2.0, 2.0, 2.0])
    margin = write_run(top, "margin", [0.4, 0.55, 0.7], strategy="margin")
    priced(margin, cost=[1, 4, 5], taken=[2.0, 8.0, 10.0])
    return top


def test_runs_are_compared_over_what_labels_cost(costly: Path) -> None:
    assert main([str(costly), "--over", "money"]) == 0
    page = (costly / "report" / "report.html").read_text()
    assert ">money</text>" in page
    assert "labelled rows" not in page
    # By hand, at 3 of money: random has its .6, margin .4 + .15 * 2 / 4 = .475.
    assert "random .60, margin .48 at 3 in money." in page
    with (costly / "report" / "tables" / "results.csv").open() as file:
        found = {row["strategy"]: row for row in csv.DictReader(file)}
    # By hand, as far as both go; .6 is where .05 of the .15 for the last 5 are gained.
    assert float(found["margin"]["area mean"]) == pytest.approx((0.4 + 0.475) / 2)
    assert float(found["margin"]["money needed"]) == pytest.approx(5 + 5 / 3)
    assert float(found["random"]["money needed"]) == pytest.approx(3)
    assert main([str(costly), "--over", "seconds"]) == 0
    assert "at 6 seconds" in (costly / "report" / "report.html").read_text()


def test_between_two_rounds_a_run_is_compared_on_a_straight_line(costly: Path) -> None:
    (setting,), _ = group(read_runs([costly], over="money")[0])
    assert [run.final for run in setting.runs] == [0.6, pytest.approx(0.475)]


def test_what_the_first_rounds_cost_counts_though_nothing_was_learnt(tmp_path: Path) -> None:
    run = write_run(tmp_path, "run", [0.4, 0.5, 0.6])
    priced(run, cost=[10, 10, 10], taken=[1.0, 1.0, 1.0])
    path = run / "rounds.jsonl"
    first, *others = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(without_metrics(json.loads(first))), *others]))
    assert list(read_run(run, over="money").spent) == [20, 30]
    assert list(read_run(run, over="seconds").spent) == [2, 3]


def without_metrics(line: dict[str, Any]) -> dict[str, Any]:
    """A round in which too little was labelled to learn from."""
    return {key: value for key, value in line.items() if key != "accuracy"}


def test_over_labels_it_is_told_that_costs_say_something_else(costly: Path) -> None:
    assert main([str(costly)]) == 0
    page = (costly / "report" / "report.html").read_text()
    assert "margin .70, random .60 at 6 labels" in page
    assert "see --over money or --over seconds." in page


def test_a_begun_run_need_not_tell_seconds(costly: Path) -> None:
    write_run(costly, "begun", [0.4], strategy="badge", rounds=2)
    assert main([str(costly), "--over", "seconds"]) == 0


def test_seconds_that_a_run_lacks_are_refused(
    costly: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older = write_run(costly, "older", [0.4, 0.6], strategy="badge")
    assert main([str(costly), "--over", "seconds"]) == 2
    assert capsys.readouterr().err == (
        f"error: --over=seconds: {older} does not tell how long its labels took\n"
    )
    assert not (costly / "report").exists()
