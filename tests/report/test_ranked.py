"""The end of a sweep."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from autoal.report.ranked import show_ranked
from tests.report.made import write_run


def shown(folders: list[Path], total: int) -> list[str]:
    text = StringIO()
    show_ranked(folders, total, Console(file=text, width=80, markup=False))
    assert all(len(line) <= 80 for line in text.getvalue().splitlines())
    return [line.strip() for line in text.getvalue().splitlines() if line.strip()]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two strategies with three seeds each, of which margin is the better."""
    monkeypatch.chdir(tmp_path)
    return [
        write_run(
            tmp_path / "runs", f"{name}-{seed}", [0.4, gain + seed / 10], strategy=name, seed=seed
        )
        for name, gain in (("random", 0.4), ("margin", 0.6))
        for seed in range(3)
    ]


def test_the_best_comes_first_with_its_interval(folders: list[Path]) -> None:
    lines = shown(folders, 6)
    assert lines[0].split() == ["strategy", "seeds", "area", "final"]
    areas = np.array([0.5, 0.55, 0.6])
    low, high = stats.t.interval(0.95, 2, areas.mean(), stats.sem(areas))
    assert lines[2].split() == [
        "margin",
        "3",
        "0.550",
        f"({low:.3f}",
        "to",
        f"{high:.3f})",
        "0.700",
    ]
    assert lines[3].split()[:3] == ["random", "3", "0.450"]
    assert lines[-1] == "python -m autoal.report runs"


def test_what_is_lacking_is_said(folders: list[Path]) -> None:
    lines = shown(folders[:1], 6)
    assert lines[2].split() == ["random", "1", "0.400", "0.400"]  # one seed has no interval
    assert "5 of 6 runs are not done" in lines


def test_of_a_sweep_without_any_run_there_is_nothing_to_tell() -> None:
    assert shown([], 2) == []


def test_several_settings_are_told_apart(folders: list[Path], tmp_path: Path) -> None:
    other = write_run(tmp_path / "runs", "other", [0.1, 0.2], strategy="margin", budget=5)
    lines = shown([*folders, other], 7)
    assert lines[0].split()[:3] == ["strategy", "setting", "seeds"]
    assert sum(line.startswith("margin") for line in lines) == 2


def test_learners_name_the_settings_that_they_tell_apart_in_one_line_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tasks = {
        "logistic on patches": {"_target_": "autoal.model.logistic.Logistic"},
        "resnet18": {
            "_target_": "autoal.model.task.Task",
            "network": {"_target_": "autoal.model.networks.ResNet18"},
        },
    }
    encoders = {"resnet18": {}, "logistic on patches": {"_target_": "autoal.encoders.Patches"}}
    folders = [
        write_run(
            tmp_path, f"{name}-{seed}", [0.4, 0.5], seed=seed, task=task, encoder=encoders[name]
        )
        for name, task in tasks.items()
        for seed in range(2)
    ]
    lines = shown(folders, 4)
    assert lines[2].startswith("random    digits, logistic on patches")
    assert lines[2].endswith("0.450 (0.450 to 0.450)  0.500")
    assert lines[3].startswith("random    digits, resnet18")
