import csv
import json
from pathlib import Path
from typing import Any

import pytest

from autoal.report.__main__ import main
from tests.report.made import write_run

CROWD: dict[str, Any] = {"oracle": {"_target_": "autoal.oracles.crowd.Crowd", "people": 2}}


def told(top: Path, name: str, lines: list[dict[str, Any]], **options: Any) -> None:
    """A run of two labels a round, in which this is told of each round."""
    path = write_run(top, name, [0.5, 0.6], **CROWD, **options) / "rounds.jsonl"
    before = [json.loads(line) for line in path.read_text().splitlines()]
    after = [line | more for line, more in zip(before, lines, strict=True)]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in after))


def person(labels: int, share: float) -> dict[str, float]:
    return {"labels": labels, "reliability": share, "low": share - 0.2, "high": share + 0.1}


def table(top: Path, name: str) -> list[list[str]]:
    assert main([str(top)]) == 0
    with (top / "report" / "tables" / f"{name}.csv").open() as file:
        return [*csv.reader(file)][1:]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    first = {
        "people": {"ann": {"labels": 2}, "ben": person(2, 0.5)},
        "said": {"ann": {"0": 0, "1": 0}, "ben": {"0": 0, "1": 1}},
        "wrong": 1,
        "beliefs": {"0": [1.0, 0.0], "1": [0.5, 0.5]},
    }
    second = {
        "people": {"ann": person(2, 0.9), "ben": person(1, 0.7)},
        "said": {"ann": {"2": 1, "3": 1}, "ben": {"2": 1, "3": 1}},
        "wrong": 0,
    }
    told(tmp_path, "a", [first, second])
    other = {"people": {"ann": person(4, 0.7)}, "wrong": 2}
    told(tmp_path, "b", [{"wrong": 0}, other], seed=1)
    return tmp_path


def test_people_stand_with_their_last_reliability(runs: Path) -> None:
    ann, ben = table(runs, "people")
    assert ann[:4] == ["digits", "random", "ann", "2"]
    assert [float(cell) for cell in ann[4:]] == pytest.approx([4, 0.8, 0.6, 0.9])
    assert ben[2:4] == ["ben", "1"]
    assert [float(cell) for cell in ben[4:]] == pytest.approx([3, 0.7, 0.5, 0.8])


def test_pairs_stand_with_their_kappa_over_all_rounds(runs: Path) -> None:
    # They agree on three of four rows; by chance on 1/2 x 1/4 + 1/2 x 3/4.
    assert table(runs, "kappas") == [["digits", "random", "ann", "ben", "1", "4.0", "0.5"]]


def test_rounds_stand_with_what_was_wrong_and_how_far_people_differed(runs: Path) -> None:
    rows = [[float(cell or -1) for cell in row[2:]] for row in table(runs, "wrong")]
    assert rows == [[0, 2, 2, 0.5, 0.5], [1, 2, 2, 1, -1]]


def test_runs_in_which_nobody_erred_say_so(tmp_path: Path) -> None:
    write_run(tmp_path, "a", [0.5, 0.6])
    assert main([str(tmp_path)]) == 0
    page = (tmp_path / "report" / "report.html").read_text()
    assert "No run asked several people, or had labels known to be wrong." in page


def test_random_that_asks_people_who_err_is_what_others_are_compared_with(tmp_path: Path) -> None:
    noisy: dict[str, Any] = {"oracle": {"_target_": "autoal.oracles.noise.Noisy"}}
    for strategy in ("random", "margin"):
        for seed in range(2):
            name = f"{strategy}{seed}"
            write_run(tmp_path, name, [0.5, 0.6], strategy=strategy, seed=seed, **noisy)
    assert main([str(tmp_path)]) == 0
    assert "no verdict against random" not in (tmp_path / "report" / "report.html").read_text()
