"""The wheel, built and installed in an environment of its own, far from the repository."""

import json
import os
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import autoal

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("autoal", "strategies", "datamodules", "configs")
FILES = ("pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the repository."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for part in PARTS:
        shutil.copytree(ROOT / part, source / part, ignore=ignored)
    for file in FILES:
        shutil.copy(ROOT / file, source)
    pip("wheel", str(source), "--no-deps", "--no-build-isolation", f"--wheel-dir={built}")
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def bin_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel; other packages are those of the tests."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    pip(f"--python={python}", "install", "--no-deps", "--no-index", str(wheel))
    (packages,) = home.glob("lib/python*/site-packages")
    # A folder that stands in a .pth file is on the path, but its own .pth files are not read.
    (packages / "others.pth").write_text("\n".join(site.getsitepackages()))
    return home / "bin"


def pip(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        check=True,
        capture_output=True,
    )


def run(command: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(command), *arguments],
        cwd=cwd,
        env={**environment, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


def test_the_wheel_holds_one_package_with_all_that_is_in_the_repository(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {Path(name) for name in archive.namelist()}
    own = {name for name in names if not name.parts[0].endswith(".dist-info")}
    assert {name.parts[0] for name in own} == {"autoal"}
    expected = {
        Path(*(() if part == "autoal" else ("autoal",)), path.relative_to(ROOT))
        for part in PARTS
        for kind in ("*.py", "*.yaml", "py.typed", "people/page/*")
        for path in (ROOT / part).rglob(kind)
    }
    assert own == expected


def test_a_run_from_anywhere(bin_folder: Path, tmp_path: Path) -> None:
    options = ("task=mlp", "task.steps=3", "strategy=margin", "rounds=1", "logger=none", "name=run")
    done = run(bin_folder / "autoal", *options, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = (tmp_path / "runs" / "run" / "rounds.jsonl").read_text().splitlines()
    assert [json.loads(line)["round"] for line in lines] == [0, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_mistakes_and_help_are_answered_as_by_train_py(bin_folder: Path, tmp_path: Path) -> None:
    refused = run(bin_folder / "autoal", "strategy=margn", cwd=tmp_path)
    assert refused.returncode == 2
    assert "did you mean 'margin'?" in refused.stderr
    told = run(bin_folder / "autoal", "--help", cwd=tmp_path)
    assert told.returncode == 0
    assert "  autoal data=digits strategy=autoal" in told.stdout
    assert "train.py" not in told.stdout
    assert "pneumoniamnist" in told.stdout


@pytest.mark.parametrize("command", [("autoal",), ("python", "-m", "autoal")])
def test_the_version(command: tuple[str, ...], bin_folder: Path, tmp_path: Path) -> None:
    program, *arguments = command
    told = run(bin_folder / program, *arguments, "--version", cwd=tmp_path)
    assert told.stdout == f"autoal {autoal.__version__}\n"


def test_it_is_the_installed_package_that_runs(bin_folder: Path, tmp_path: Path) -> None:
    code = "import autoal, autoal.strategies, autoal.datamodules; print(autoal.__file__)"
    told = run(bin_folder / "python", "-c", code, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert Path(told.stdout.strip()).is_relative_to(bin_folder.parent)


def test_a_strategy_is_told(bin_folder: Path, tmp_path: Path) -> None:
    listed = run(bin_folder / "python", "-m", "autoal.strategies", "random", cwd=tmp_path)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "Every row of the pool with equal probability." in listed.stdout
