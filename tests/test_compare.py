"""Many runs in one command: `experiment=compare`, its launchers, and the W&B sweep."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from joblib.externals.loky import cpu_count

from autoal import config, spelling
from autoal.config import CONFIGS
from autoal.report.groups import group
from autoal.report.runs import read_runs
from tests.launch import Zygote

QUICK = ("experiment=compare", "strategy=random", "task.steps=5", "rounds=1")


def kinds(out: Path) -> list[tuple[str, str]]:
    """The faults that the report finds."""
    runs, unreadable = read_runs([out])
    return [(fault.kind, fault.what) for fault in [*unreadable, *group(runs)[1]]]


# With nobody's number of threads, so that the launcher divides the cores.
UNLIMITED = """
import os, runpy
del os.environ["OMP_NUM_THREADS"]
runpy.run_path("train.py", run_name="__main__")
"""


def test_runs_that_fail_stop_no_other_and_the_report_tells_why(
    train: Zygote, tmp_path: Path
) -> None:
    """Two at a time, with a choice of one's own."""
    mine = tmp_path / "mine" / "data" / "mine.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("_target_: autoal.datamodules.digits.Digits\ncrop: 0\nflip: true\n")
    options = (
        *("hydra.launcher.n_jobs=2", "seed=0,1", "start=5000,20", f"out={tmp_path}"),
        *(f"--config-dir={mine.parents[1]}", "data=mine"),
    )
    done = train.execute(UNLIMITED, "-m", *QUICK, *options)
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    assert "Error executing" not in done.err
    runs, _ = read_runs([tmp_path])
    assert sorted((run.seed, len(run.rounds)) for run in runs) == [(0, 2), (1, 2)]
    assert all(run.config["data.flip"] for run in runs)
    assert {run.versions["threads"] for run in runs} == {max(1, cpu_count() // 2)}
    told = "start=5000: the pool has only 1297 rows; before its start; left out"
    assert kinds(tmp_path) == [("failed", told)] * 2


def test_started_again_only_what_is_missing_runs(train: Zygote, tmp_path: Path) -> None:
    options = ("-m", *QUICK, "hydra/launcher=basic", f"out={tmp_path}")
    assert train.run(*options, "seed=0").code == 0
    (first,) = tmp_path.glob("*/rounds.jsonl")
    before = first.stat().st_mtime_ns
    again = train.run(*options, "seed=0,1")
    assert again.code == 0, again.err
    assert first.stat().st_mtime_ns == before
    assert len(list(tmp_path.glob("*/rounds.jsonl"))) == 2


def test_a_single_run_that_is_refused_leaves_nothing(train: Zygote, tmp_path: Path) -> None:
    assert train.run("start=5000", "task=linear", f"out={tmp_path}").code == 2
    assert list(tmp_path.iterdir()) == []


def test_submitit_runs_the_jobs_as_a_cluster_would(train: Zygote, tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="no extra `slurm`")
    options = ("hydra/launcher=submitit_local", "start=20,5000", f"out={tmp_path}")
    done = train.run("-m", *QUICK, "seed=0", *options)
    assert done.code == 2, done.err
    # A job's own output goes to a log, so the command tells the first error at its end.
    assert "error: start=5000: the pool has only 1297 rows" in done.err
    assert "Traceback" not in done.err
    assert [len(run.rounds) for run in read_runs([tmp_path])[0]] == [2]
    assert [kind for kind, _ in kinds(tmp_path)] == ["failed"]


def test_slurm_composes() -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="no extra `slurm`")
    options = ["hydra/launcher=submitit_slurm", "hydra.launcher.gpus_per_node=1"]
    composed = composition(["experiment=compare", *options], hydra=True)
    assert composed["hydra"]["launcher"]["_target_"].endswith("SlurmLauncher")
    assert composed["hydra"]["launcher"]["gpus_per_node"] == 1


def composition(overrides: list[str], hydra: bool = False) -> Any:
    """The settings of these options, as train.py would compose them."""
    config.register()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIGS)):
        return compose("train", spelling.spelled_out(overrides), return_hydra_config=hydra)


def test_the_comparison_sweeps_strategies_over_ten_seeds() -> None:
    params = composition(["experiment=compare"], hydra=True)["hydra"]["sweeper"]["params"]
    strategies = params["strategy"].split(",")
    assert len(strategies) == 8
    assert {"random", "margin", "autoal"} <= set(strategies)
    assert params["seed"] == "range(10)"
    for name in strategies:
        assert composition(["experiment=compare", f"strategy={name}"])["strategy"]["name"] == name


@pytest.mark.parametrize(
    ("experiment", "strategies", "plan", "oracle"),
    [
        ("seminar_text", "random,entropy,margin,badge,bert_km", (50, 50, 9), "TrueLabels"),
        (
            "salutary_text",
            "random,entropy,margin,least_confidence,coreset,batchbald,badge,"
            "isal_head,ibds_head,salutary_head",
            (100, 10, 10),
            "TrueLabels",
        ),
        ("salutary_text_labels", "salutary_head", (100, 10, 10), "Salutary"),
    ],
)
def test_an_experiment_on_texts_has_its_strategies_plan_and_oracle(
    experiment: str, strategies: str, plan: tuple[int, int, int], oracle: str
) -> None:
    found = composition([f"experiment={experiment}"], hydra=True)
    assert found["hydra"]["sweeper"]["params"]["strategy"] == strategies
    assert (found["start"]["size"], found["budget"], found["rounds"]) == plan
    assert found["oracle"]["_target_"].endswith(f".{oracle}")


def of_the_sweep(**parameters: Any) -> Any:
    """The settings of the run that an agent starts with these parameters."""
    from wandb.sdk.launch.sweeps.utils import create_sweep_command_args

    given = {name: {"value": value} for name, value in parameters.items()}
    return composition(create_sweep_command_args({"args": given})["args_no_hyphens"])


@pytest.fixture(scope="module")
def swept() -> dict[str, list[Any]]:
    """The values of each parameter of the sweep."""
    sweep = yaml.safe_load((CONFIGS / "sweep.yaml").read_text())
    assert sweep["program"] == "train.py"
    assert sweep["command"][-2:] == ["${program}", "${args_no_hyphens}"]
    parameters = sweep["parameters"].items()
    return {name: given.get("values") or [given["value"]] for name, given in parameters}


def test_every_run_of_the_sweep_composes(swept: dict[str, list[Any]]) -> None:
    assert (len(swept["strategy"]), len(swept["seed"])) == (8, 10)
    fixed = {name: values[-1] for name, values in swept.items()}
    for strategy in swept["strategy"]:
        settings = of_the_sweep(**fixed | {"strategy": strategy})
        assert (settings["strategy"]["name"], settings["seed"]) == (strategy, 9)
        assert settings["logger"]["_target_"] == "autoal.record.tracking.Tracking"
        assert settings["rounds"] == 8


def test_a_sweep_over_every_choice_of_every_group_composes(swept: dict[str, list[Any]]) -> None:
    fixed = {name: values[0] for name, values in swept.items()}
    choices = {folder.name: sorted(folder.glob("*.yaml")) for folder in CONFIGS.iterdir()}
    choices = {group: files for group, files in choices.items() if files}
    assert {"costs", "growth", "questions", "rows", "start", "stop"} <= set(choices)
    for number in range(max(map(len, choices.values()))):
        one_each = {name: files[number % len(files)].stem for name, files in choices.items()}
        assert of_the_sweep(**fixed | one_each)["budget"] == fixed["budget"]
