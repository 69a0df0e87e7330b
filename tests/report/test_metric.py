"""Reports by other metrics than accuracy."""

import csv
from pathlib import Path

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
    assert ">macro f1, test set</text>" in page
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
