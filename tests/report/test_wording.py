import csv
import json
from pathlib import Path

from autoal.report.__main__ import main
from tests.report.made import write_run

TOLD = (
    ({"awful": [1.0, 0.0], "film": [0.0, 0.0]}, {"awful": 0.25, "film": 0.5}),
    ({"fine": [0.0, 1.0]}, {"fine": 0.75}),
)


def test_words_are_counted_with_what_they_gain(tmp_path: Path) -> None:
    path = write_run(tmp_path, "a", [0.5, 0.6, 0.7]) / "rounds.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line, (words, gain) in zip(lines[1:], TOLD, strict=True):
        line |= {"words": words, "notes": {"words": {"price": 0.25, "gain": gain}}}
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert main([str(tmp_path)]) == 0
    with (tmp_path / "report" / "tables" / "words.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert [*row.values()] == ["digits", "random", "1", "3.0", "2.0", "0.5"]


def test_runs_without_words_say_so(tmp_path: Path) -> None:
    write_run(tmp_path, "a", [0.5, 0.6])
    assert main([str(tmp_path)]) == 0
    assert "No run asked about words." in (tmp_path / "report/report.html").read_text()
