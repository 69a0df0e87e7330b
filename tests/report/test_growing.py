import csv
import json
from pathlib import Path
from typing import Any

from autoal.report.__main__ import main
from tests.report.made import write_run


def grown(top: Path, name: str, growth: list[dict[str, Any]], **options: Any) -> None:
    """A run of two labels a round, in which so much is told of each."""
    path = write_run(top, name, [0.5, 0.6, 0.7], strategy="signal", **options) / "rounds.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line, told in zip(lines[1:], growth, strict=True):
        line |= {"made": 4, "growth": told}
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def table(top: Path) -> list[tuple[str, ...]]:
    assert main([str(top)]) == 0
    with (top / "report" / "tables" / "made.csv").open() as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


def test_real_and_made_rows_are_counted(tmp_path: Path) -> None:
    first = {"labelled": 1, "reward": 0.5, "dropped": {"copy": 2, "near": 1}}
    grown(tmp_path, "a", [first, {"labelled": 2, "reward": 1.5, "dropped": {"copy": 1}}])
    grown(tmp_path, "b", [{"labelled": 2, "reward": 0.7}, {"reward": 0.9}], seed=1)
    # Of six labels three and two are of made rows; the scores are .6 and 1.2 in the mean.
    expected = ("digits", "signal", "2", "8.0", "3.5", "2.5", "0.6", "1.2", "copy: 3, near: 1")
    assert table(tmp_path) == [expected]


def test_what_somebody_elses_growth_notes_is_left_alone(tmp_path: Path) -> None:
    grown(tmp_path, "a", [{"labelled": "many", "reward": None, "dropped": [1]}, {}])
    assert table(tmp_path) == [("digits", "signal", "1", "8.0", "6.0", "0.0", "", "", "")]


def test_runs_without_made_rows_say_so(tmp_path: Path) -> None:
    write_run(tmp_path, "a", [0.5, 0.6])
    assert main([str(tmp_path)]) == 0
    assert "No run made rows." in (tmp_path / "report" / "report.html").read_text()
