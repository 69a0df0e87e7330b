"""Runs that tell the command which began them that they are done."""

import os
from pathlib import Path

import pytest
from hydra import initialize_config_dir

from autoal.config import CONFIGS
from autoal.record.sweep import VARIABLE, Sweep, forgotten
from autoal.sweeping import runs_of


def test_runs_are_counted_in_the_order_in_which_they_are_done(tmp_path: Path) -> None:
    with forgotten():
        assert Sweep.current() is None
        begun = Sweep.begun(3, tmp_path / "new")
        works = Sweep.current()  # as another process finds it
        assert works == begun
        assert begun.left() is None
        assert works.add(tmp_path / "b") == "1 of 3 runs done"
        assert works.add(tmp_path / "a") == "2 of 3 runs done"
        assert begun.done() == [tmp_path / "b", tmp_path / "a"]
        begun.path.unlink()  # as when the command was stopped, and a cluster goes on
        assert works.add(tmp_path / "c") == "done"
    assert Sweep.current() is None
    assert not any((tmp_path / "new").iterdir())


def test_a_sweep_inside_of_another_leaves_it_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f"5:0.0:{tmp_path / 'outer'}")
    with forgotten():
        assert Sweep.current() is None
    assert os.environ[VARIABLE] == f"5:0.0:{tmp_path / 'outer'}"


@pytest.mark.parametrize(
    ("overrides", "count"),
    [
        (["strategy=random,margin", "seed=0,1,2", "rounds=3"], 6),
        (["seed=range(0,5)", "strategy=margin"], 5),
        (["seed=0,1,2", "strategy=a,b", "seed=0,1"], 4),  # the last one counts
        (["seed=0,1,2", "seed=4"], 1),
        (["strategy=margin"], 1),
        (["task.learning_rate=interval(0,1)", "seed=0,1"], None),  # only its sweeper knows
    ],
)
def test_the_runs_of_a_command_line(overrides: list[str], count: int | None) -> None:
    assert runs_of(overrides) == count


def test_a_sweep_over_all_choices_of_a_kind_is_counted() -> None:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIGS)):
        assert runs_of(["stop=glob(*)", "seed=0,1"]) == 2 * len([*CONFIGS.glob("stop/*.yaml")])
