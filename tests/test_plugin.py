"""Plugins of every kind in a package of their own, tests/plugin, as author and user meet them."""

import csv
import json
import shutil
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from autoal import Question, TrueLabels, plugins
from autoal.plugins import STRATEGIES
from autoal.predict import main as predict
from autoal.query import registry
from autoal.testing import (
    check_data,
    check_encoder,
    check_growth,
    check_learner,
    check_oracle,
    check_strategy,
    make_view,
)
from tests.launch import Zygote

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "tests" / "plugin"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of installed packages that has the plugin, as `pip install --target` leaves it."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    folder = tmp_path / "site"
    information = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )
    entries = []
    for group, points in project["entry-points"].items():
        entries += [f"[{group}]", *(f"{key} = {value}" for key, value in points.items())]
    (information / "entry_points.txt").write_text("\n".join(entries) + "\n")
    for module in PLUGIN.glob("*.py"):
        shutil.copy(module, folder)
    return folder


@pytest.fixture
def kinds(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module of the other kinds, installed."""
    monkeypatch.syspath_prepend(site)
    plugins._points.cache_clear()
    yield import_module("autoal_kinds")
    plugins._points.cache_clear()
    for module in ("autoal_kinds", "autoal_density"):
        sys.modules.pop(module, None)


@pytest.mark.usefixtures("kinds")
def test_density() -> None:
    density = registry.load("density")
    check_strategy(density())
    assert registry.options(density) == {"k": 10}
    assert STRATEGIES.origin("density") == "autoal-density 0.1"


def test_the_other_kinds_keep_their_promises(kinds: Any) -> None:
    check_data(kinds.Stripes())
    data = kinds.Stripes()
    data.setup()
    check_encoder(kinds.Columns())
    check_learner(lambda: kinds.Centroids(data.train.shape, 2), data)
    question = Question(1, torch.tensor([7, 3, 10, 4]), data.classes)
    check_oracle(kinds.Shy(TrueLabels(data.train.labels)), question)
    check_growth(kinds.Mirrored, make_view())


def test_they_run_together_with_their_options(train: Zygote, site: Path, tmp_path: Path) -> None:
    chosen = (
        *("strategy=density", "strategy.k=5", "data=stripes", "data.count=40"),
        *("encoder=columns", "encoder.factor=2.0", "task=centroids", "task.sharpness=3.0"),
        *("oracle=shy", "oracle.every=4", "start=8", "budget=6", "rounds=2", "logger=none"),
        *("costs=light", "costs.each=0.5", "plan.per_cost=true"),
    )
    finished = train.run(*chosen, f"out={tmp_path}", "name=run", site=site)
    assert finished.code == 0, finished.err
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert config["strategy"] == {"name": "density", "k": 5}
    assert config["data"]["count"] == 40
    assert config["encoder"] == {"_target_": "autoal_kinds.Columns", "factor": 2.0}
    assert config["task"] == {"_target_": "autoal_kinds.Centroids", "sharpness": 3.0}
    assert config["costs"] == {"_target_": "autoal_kinds.Light", "each": 0.5}
    assert config["oracle"] == {"_target_": "autoal_kinds.Shy", "every": 4}
    assert config["about"]["versions"]["strategy"] == "autoal-density 0.1"
    lines = (tmp_path / "run" / "rounds.jsonl").read_text().splitlines()
    rounds = [json.loads(line) for line in lines]
    assert [line["strategy"] for line in rounds] == ["density"] * 3
    asked = [row for line in rounds for row in (*line["queried"], *line.get("declined", []))]
    assert len(asked) == len(set(asked)) == 8 + 6 + 6
    assert all(
        (row % 4 == 0) == (row in line.get("declined", []))
        for line in rounds
        for row in (*line["queried"], *line.get("declined", []))
    )
    assert rounds[-1]["accuracy"] > 0.9


def test_the_model_of_a_plugin_s_task_and_encoder_predicts_what_it_predicted_in_the_run(
    train: Zygote, site: Path, tmp_path: Path, kinds: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ("data=stripes", "encoder=columns", "task=centroids", "strategy=random", "start=8")
    options = ("rounds=0", "logger=none", f"out={tmp_path}", "name=a")
    finished = train.run(*chosen, *options, site=site)
    assert finished.code == 0, finished.err
    data = kinds.Stripes()
    data.setup()
    np.save(tmp_path / "test.npy", data.test.inputs)
    assert predict([f"{tmp_path}/a/model", f"{tmp_path}/test.npy"]) == 0
    lines = csv.DictReader(capsys.readouterr().out.splitlines())
    right = [
        line["class"] == data.classes[label]
        for line, label in zip(lines, data.test.labels.tolist(), strict=True)
    ]
    (done,) = (tmp_path / "a" / "rounds.jsonl").read_text().splitlines()
    assert sum(right) / len(right) == pytest.approx(json.loads(done)["accuracy"])


def test_options_of_plugins_are_given_in_files_and_mappings_too(
    train: Zygote, site: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "conf" / "experiment"
    folder.mkdir(parents=True)
    text = """# @package _global_
defaults:
  - override /data: stripes
  - override /encoder: columns
data: {count: 44, validation: 6, crop: 0}
encoder: {factor: 2.0}
"""
    (folder / "mine.yaml").write_text(text)
    chosen = (f"--config-dir={folder.parent}", "experiment=mine", "task=centroids", "rounds=0")
    given = (*chosen, "+oracle={every:3}", "oracle=shy", "strategy=random", "logger=none")
    finished = train.run(*given, f"out={tmp_path}", "name=run", site=site)
    assert finished.code == 0, finished.err
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    # All that a set of pictures can be told, which it hands on to them.
    assert {key: config["data"][key] for key in ("count", "validation", "crop", "flip")} == {
        "count": 44,
        "validation": 6,
        "crop": 0,
        "flip": False,
    }
    assert (config["encoder"]["factor"], config["oracle"]["every"]) == (2.0, 3)
    (folder / "mine.yaml").write_text(text.replace("count", "cuont"))
    refused = train.run(*given, f"out={tmp_path}", site=site)
    assert refused.code == 2
    assert "unknown option of 'data': 'cuont'; did you mean 'count'?" in refused.err


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("data.coutn=3", "unknown option of 'data': 'coutn'; did you mean 'count'?"),
        ("data.count=many", "data.count='many': must be a whole number"),
        ("encoder.colour=red", "unknown option of 'encoder': 'colour'"),
        ("task.shape=3", "unknown option of 'task': 'shape'"),
    ],
)
def test_a_wrong_option_of_a_plugin_is_one_message(
    train: Zygote, site: Path, tmp_path: Path, wrong: str, message: str
) -> None:
    chosen = ("data=stripes", "encoder=columns", "task=centroids", "logger=none")
    refused = train.run(*chosen, wrong, f"out={tmp_path}/runs", site=site)
    assert refused.code == 2
    assert message in refused.err
    assert "Traceback" not in refused.err


def test_density_is_listed_beside_ours(train: Zygote, site: Path) -> None:
    command = "import runpy; runpy.run_module('autoal.strategies', run_name='__main__')"
    listed = train.start("density", site=site, script=command).finish()
    assert listed.code == 0, listed.err
    assert "strategy.k=10" in listed.out
    assert "autoal-density 0.1" in listed.out
