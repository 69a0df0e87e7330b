"""A strategy in a package of its own, tests/plugin, as its author and its user would meet it."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from autoal import registry
from autoal.testing import check_strategy

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "tests" / "plugin"
QUICK = ("task=linear", "task.steps=20", "rounds=1", "logger=none")


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
    shutil.copy(PLUGIN / "autoal_density.py", folder)
    return folder


def run(site: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        # One thread is fastest where others are at work.
        env={**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


def test_density(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(site)
    density = registry.load("density")
    check_strategy(density())
    assert registry.options(density) == {"k": 10}
    assert registry.origin("density") == "autoal-density 0.1"


def test_density_runs_with_its_options(site: Path, tmp_path: Path) -> None:
    chosen = ("strategy=density", "strategy.k=5", f"out={tmp_path}", "name=run")
    finished = run(site, "train.py", *QUICK, *chosen)
    assert finished.returncode == 0, finished.stderr
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert config["strategy"] == {"name": "density", "k": 5}
    assert config["about"]["versions"]["strategy"] == "autoal-density 0.1"
    rounds = (tmp_path / "run" / "rounds.jsonl").read_text().splitlines()
    assert [json.loads(line)["strategy"] for line in rounds] == ["density", "density"]


def test_density_is_listed_beside_ours(site: Path) -> None:
    listed = run(site, "-m", "autoal.strategies", "density")
    assert listed.returncode == 0, listed.stderr
    assert "strategy.k=10" in listed.stdout
    assert "autoal-density 0.1" in listed.stdout
