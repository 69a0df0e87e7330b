"""The default name of a run's folder."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from autoal.naming import kept_name, run_name, subject
from autoal.settings import Settings
from tests.changed import changed, defaults


def test_a_run_with_the_defaults_is_named_without_a_hash() -> None:
    assert run_name(defaults(), defaults(), "digits", "margin", data="digits") == "digits-margin-0"


@pytest.mark.parametrize(
    "changes", [{"out": "elsewhere"}, {"name": "mine"}, {"logger": {"mode": "offline"}}]
)
def test_where_a_run_is_kept_or_tracked_does_not_count_in_its_name(changes: dict[str, Any]) -> None:
    assert (
        run_name(changed(**changes), defaults(), "digits", "margin", data="digits")
        == "digits-margin-0"
    )
    with_budget = run_name(changed(budget=5), defaults(), "digits", "margin", data="digits")
    assert (
        run_name(changed(budget=5, **changes), defaults(), "digits", "margin", data="digits")
        == with_budget
    )


def test_the_seed_is_in_the_name_and_not_in_the_hash() -> None:
    assert (
        run_name(changed(seed=7), defaults(), "digits", "margin", data="digits")
        == "digits-margin-7"
    )
    first, other = (
        run_name(changed(seed=s, budget=5), defaults(), "digits", "margin", data="digits")
        for s in (1, 2)
    )
    assert first.removeprefix("digits-margin-1-") == other.removeprefix("digits-margin-2-")


def test_different_settings_have_different_names_and_the_same_ones_the_same() -> None:
    changes: list[dict[str, Any]] = [
        {"budget": 5},
        {"budget": 6},
        {"task__learning_rate": 5},
        {"task__network__dropout": 0.5},
        {"task__network__hidden": [128]},
        {"budget": 5, "task__learning_rate": 5},
    ]
    names = [
        run_name(changed(**change), defaults(), "digits", "margin", data="digits")
        for change in changes
    ]
    assert len(set(names)) == len(changes)
    assert all(name.startswith("digits-margin-0-") for name in names)
    assert names == [
        run_name(changed(**change), defaults(), "digits", "margin", data="digits")
        for change in changes
    ]


def test_the_order_of_the_settings_does_not_count_in_the_name() -> None:
    settings = changed(budget=5, task__learning_rate=5, logger={"project": "x", "mode": "y"})
    turned = dict(reversed(settings.items()))
    turned["logger"] = dict(reversed(settings["logger"].items()))
    assert run_name(turned, defaults(), "digits", "margin", data="digits") == run_name(
        settings, defaults(), "digits", "margin", data="digits"
    )


def test_the_data_and_the_strategy_are_in_the_name() -> None:
    assert (
        run_name(defaults(), defaults(), "cifar10", "random", data="cifar10") == "cifar10-random-0"
    )


def keep(folder: Path, settings: Settings) -> None:
    """A run's folder with nothing in it but its config."""
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump({**settings, "about": {"id": "x"}}))


def test_files_of_the_users_own_are_named_in_the_place_of_the_choice() -> None:
    assert subject("npz", True, "somewhere/cats.npz") == "cats"
    assert subject("sst2", False, "somewhere/mine.tsv") == "sst2"


@pytest.mark.parametrize("older", ["digits-margin-0", "digits-margin-0-0123abcd"])
def test_a_run_under_an_older_name_goes_on_there(tmp_path: Path, older: str) -> None:
    settings = changed(out=str(tmp_path), rounds=9)
    keep(tmp_path / older, {**settings, "rounds": 5})
    keep(tmp_path / "digits-margin-1", changed(seed=1))
    assert kept_name(settings, "digits-mlp-margin-0", "digits", "margin") == older


@pytest.mark.parametrize("name", ["digits-margin-0-mine", "digits-margin-01", "digits-random-0"])
def test_other_names_are_not_older_ones(tmp_path: Path, name: str) -> None:
    settings = changed(out=str(tmp_path))
    keep(tmp_path / name, settings)
    assert kept_name(settings, "digits-mlp-margin-0", "digits", "margin") == "digits-mlp-margin-0"


def test_a_folder_of_other_settings_or_with_a_damaged_config_is_left_alone(tmp_path: Path) -> None:
    settings = changed(out=str(tmp_path), budget=7)
    keep(tmp_path / "digits-margin-0", changed(out=str(tmp_path)))
    keep(tmp_path / "digits-margin-0-0123abcd", {})
    (tmp_path / "digits-margin-0-0123abcd" / "config.yaml").write_text("{")
    assert kept_name(settings, "digits-mlp-margin-0", "digits", "margin") == "digits-mlp-margin-0"


def test_a_run_under_the_new_name_comes_first(tmp_path: Path) -> None:
    settings = changed(out=str(tmp_path))
    for name in ("digits-margin-0", "digits-mlp-margin-0"):
        keep(tmp_path / name, settings)
    assert kept_name(settings, "digits-mlp-margin-0", "digits", "margin") == "digits-mlp-margin-0"


def test_how_files_are_read_counts_in_the_hash_and_a_name_alone_does_not() -> None:
    def name(data: str, **changes: Any) -> str:
        return run_name(changed(**changes), defaults(), "pics", "margin", data=data)

    assert name("folder") == "pics-margin-0"
    assert name("folder", budget=5) != name("shards", budget=5)
