"""What benches tell of the runs that are there, be these few or none."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from autoal.report.tables import Table
from benchmarks import paired, rich, runs
from benchmarks.designs import __main__ as designs
from benchmarks.designs import told
from benchmarks.published import __main__ as published
from benchmarks.published.protocol import Scale
from benchmarks.quality import __main__ as quality
from benchmarks.quality import scoring, tuned
from benchmarks.quality.contenders import FIELDS
from benchmarks.quality.settings import SETTINGS
from tests.report.made import write_run

Tables = Callable[[Sequence[Path]], Sequence[Table]]
BENCHES: dict[str, Tables] = {
    "quality": quality.tables,
    "designs": designs.tables,
    "told": told.tables,
    "rich": rich.tables,
    "scoring": scoring.tables,
    "tuned": tuned.tables,
    "published": lambda tops: published.tables(tops[0], Scale(8, 0.05, 19)),
}


@pytest.fixture
def early(tmp_path: Path) -> list[Path]:
    """One setting whose only run has just begun."""
    write_run(tmp_path / "a", "run", [0.5], rounds=3)
    return [tmp_path / "a"]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where tables and figures are kept."""
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "quality.md").write_text("of last week")
    monkeypatch.setattr(paired, "RESULTS", folder)
    monkeypatch.setattr(runs, "keep", lambda name, text: (folder / f"{name}.md").write_text(text))
    return folder


@pytest.mark.parametrize("bench", BENCHES)
def test_tables_are_empty_while_no_run_is_finished(bench: str, early: list[Path]) -> None:
    assert [table.name for table in BENCHES[bench](early) if table.rows] == []


@pytest.mark.parametrize("bench", BENCHES)
def test_tables_are_empty_before_any_run(
    bench: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [table.name for table in BENCHES[bench]([tmp_path / "a"]) if table.rows] == []
    assert "there is no folder" in capsys.readouterr().err


def test_a_setting_that_designs_were_chosen_on_has_tables_alone(tmp_path: Path) -> None:
    for strategy in ("random", "autoal"):
        write_run(tmp_path, strategy, [0.5, 0.6], strategy=strategy, data={"name": "mnist"})
    titles = [table.title for table in quality.tables([tmp_path]) if table.rows]
    assert "Strategies over all settings, on data sets that designs were chosen on" in titles
    assert not [title for title in titles if "no choice has seen" in title]


def kept_quality(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["quality", "--report", "--keep", "--settings", "mnist-low", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", command)
    paired.compare("quality", SETTINGS, FIELDS, quality.tables, quality.figure)


def test_results_are_not_replaced_by_nothing(
    tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_quality(tmp_path, monkeypatch)
    assert [path.name for path in results.iterdir()] == ["quality.md"]
    assert (results / "quality.md").read_text() == "of last week"


@pytest.mark.parametrize(
    ("strategies", "drawn"),
    [(["autoal", "random"], True), (["autoal", "margin"], False), (["random", "bald"], False)],
)
def test_a_figure_is_kept_where_there_is_a_gain_to_be_shown(
    strategies: list[str],
    drawn: bool,
    tmp_path: Path,
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for strategy in strategies:
        write_run(tmp_path / "mnist-low", strategy, [0.5, 0.6], strategy=strategy)
    kept_quality(tmp_path, monkeypatch)
    assert (results / "quality.md").read_text().startswith("## Strategies over all settings")
    assert (results / "quality.svg").exists() == drawn


def test_who_is_not_ranked_stands_below_who_is(tmp_path: Path) -> None:
    for strategy, seeds in (("random", 2), ("margin", 2), ("autoal", 1)):
        for seed in range(seeds):
            write_run(tmp_path, f"{strategy}-{seed}", [0.5, 0.6], strategy=strategy, seed=seed)
    (ranks,) = (table for table in runs.tables([tmp_path]) if table.name == "ranks")
    assert "fewer runs than others" in ranks.title
    assert [row[1:] for row in ranks.rows] == [
        ["random", 1.5],
        ["margin", 1.5],
        ["autoal", "not ranked"],
    ]
