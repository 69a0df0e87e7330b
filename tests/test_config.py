"""Choices of the user's own: folders of configs, classes in the place of others, short forms."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from autoal.config import CONFIGS, register
from tests.launch import Finished, Zygote

register()
QUICK = ("strategy=margin", "task=linear", "task.steps=5", "start=8", "budget=4", "rounds=1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of configs as a user would write it."""
    files = {
        "data/mine.yaml": """
            _target_: autoal.datamodules.digits.Digits
            crop: 0
            flip: true
            """,
        "task/mine.yaml": """
            defaults: [/fit@_here_, _self_]
            network: {_target_: tests.networks.Tiny, width: 3}
            steps: 4
            """,
        "experiment/mine.yaml": """
            # @package _global_
            defaults:
              - override /data: mine
              - override /task: mine
            start: {size: 9}
            budget: 3
            """,
        "strategy/careful.yaml": """
            name: margin
            temperature: 2.0
            """,
    }
    for name, text in files.items():
        path = tmp_path / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = text.splitlines()[1:]
        path.write_text("\n".join(line[12:] for line in lines) + "\n")
    return tmp_path / "conf"


def run(train: Zygote, tmp_path: Path, *argv: str) -> Finished:
    return train.run(*argv, "logger=none", f"out={tmp_path / 'runs'}")


def config(tmp_path: Path, name: str = "run") -> dict[str, Any]:
    return yaml.safe_load((tmp_path / "runs" / name / "config.yaml").read_text())


@pytest.mark.parametrize("way", ["--config-dir={}", "hydra.searchpath=[file://{}]"])
def test_a_folder_of_ones_own_brings_choices_of_every_group(
    train: Zygote, folder: Path, tmp_path: Path, way: str
) -> None:
    finished = run(
        train,
        tmp_path,
        way.format(folder),
        "experiment=mine",
        "strategy=careful",
        "rounds=1",
        "name=run",
        "strategy.draws=false",
        "task.network.width=2",
    )
    assert finished.code == 0, finished.err
    found = config(tmp_path)
    assert found["data"] == {
        "_target_": "autoal.datamodules.digits.Digits",
        "crop": 0,
        "flip": True,
    }
    assert found["strategy"] == {"name": "margin", "temperature": 2.0, "draws": False}
    assert found["task"]["network"] == {"_target_": "tests.networks.Tiny", "width": 2}
    assert (found["start"], found["budget"]) == ({"name": "random", "size": 9}, 3)


def test_a_mistake_in_an_option_of_ones_own_choice_is_told_the_nearest(
    train: Zygote, folder: Path, tmp_path: Path
) -> None:
    arguments = (f"--config-dir={folder}", "data=mine", "task=mine", "task.network.widht=2")
    refused = run(train, tmp_path, *arguments)
    assert refused.code == 2
    assert "'widht'; did you mean 'width'?" in refused.err
    unknown = run(train, tmp_path, f"--config-dir={folder}", "data=mime")
    assert unknown.code == 2
    assert "unknown data 'mime'; did you mean 'mine'?" in unknown.err


def test_a_start_in_a_file_is_a_section(train: Zygote, folder: Path, tmp_path: Path) -> None:
    (folder / "experiment" / "old.yaml").write_text("# @package _global_\nstart: 50\n")
    refused = run(train, tmp_path, f"--config-dir={folder}", "experiment=old")
    assert refused.code == 2
    assert refused.err == "error: start=50 in a file: write start: {size: 50} there\n"


def test_a_class_in_the_place_of_another_does_not_inherit_its_options(
    train: Zygote, tmp_path: Path
) -> None:
    tiny = ("task=resnet18", "task.network._target_=tests.networks.Tiny", "task.steps=3")
    finished = run(train, tmp_path, *QUICK, *tiny, "name=run", "task.network.width=2")
    assert finished.code == 0, finished.err
    found = config(tmp_path)["task"]
    assert found["network"] == {"_target_": "tests.networks.Tiny", "width": 2}
    assert found["steps"] == 3


def test_an_experiment_s_file_puts_a_class_in_the_place_of_another_too(
    train: Zygote, folder: Path, tmp_path: Path
) -> None:
    text = """# @package _global_
defaults:
  - override /task: mlp
task:
  steps: 3
  network: {_target_: tests.networks.Tiny, width: 2}
"""
    (folder / "experiment" / "swapped.yaml").write_text(text)
    chosen = (f"--config-dir={folder}", "experiment=swapped", "strategy=margin", "rounds=0")
    finished = run(train, tmp_path, *chosen, "name=run")
    assert finished.code == 0, finished.err
    task = config(tmp_path)["task"]
    assert task["network"] == {"_target_": "tests.networks.Tiny", "width": 2}
    # What the file says counts, though it is what the other class has too.
    same = text.replace(
        "steps: 3", "_target_: tests.networks.Gentle\n  steps: 15\n  gentleness: 0.5"
    )
    (folder / "experiment" / "same.yaml").write_text(same.replace("task: mlp", "task: short"))
    (folder / "task" / "short.yaml").write_text("defaults: [/task/mlp@_here_]\nsteps: 15\n")
    given = [value.replace("swapped", "same") for value in chosen]
    finished = run(train, tmp_path, *given, "name=same")
    assert finished.code == 0, finished.err
    assert config(tmp_path, "same")["task"]["steps"] == 15
    (folder / "experiment" / "swapped.yaml").write_text(text.replace("steps", "stepz"))
    refused = run(train, tmp_path, *chosen)
    assert refused.code == 2
    assert "unknown option of 'task': 'stepz'; did you mean 'steps'?" in refused.err


def test_a_file_that_mixes_the_options_of_two_classes_is_told_so(
    train: Zygote, folder: Path, tmp_path: Path
) -> None:
    mixed = "defaults: [/task/mlp@_here_, _self_]\nnetwork: {_target_: tests.networks.Tiny}\n"
    (folder / "task" / "mixed.yaml").write_text(mixed)
    refused = run(train, tmp_path, f"--config-dir={folder}", "task=mixed")
    assert refused.code == 2
    assert "tests.networks.Tiny: got an unexpected keyword argument 'hidden'" in refused.err


def test_what_the_engine_fills_in_is_no_option(train: Zygote, tmp_path: Path) -> None:
    crowd = ("oracle._target_=autoal.oracles.crowd.Crowd", "oracle.learner=null")
    refused = run(train, tmp_path, *QUICK, *crowd)
    assert refused.code == 2
    assert "unknown option of 'oracle': 'learner'" in refused.err


def test_another_task_goes_with_the_network_that_was_there(train: Zygote, tmp_path: Path) -> None:
    other = ("task=mlp", "task._target_=tests.networks.Gentle", "task.gentleness=0.5")
    finished = run(train, tmp_path, "strategy=margin", "rounds=0", *other, "name=run")
    assert finished.code == 0, finished.err
    task: Any = config(tmp_path)["task"]
    assert (task["_target_"], task["gentleness"]) == ("tests.networks.Gentle", 0.5)
    assert task["network"]["_target_"] == "autoal.model.networks.MLP"
    assert task["steps"] == 60  # by the class, whatever task=mlp has
    network = ("task.network._target_=tests.networks.Tiny", "task.network.width=2")
    finished = run(train, tmp_path, "strategy=margin", "rounds=0", *other, *network, "name=two")
    assert finished.code == 0, finished.err
    two: Any = config(tmp_path, "two")["task"]
    assert two["network"] == {"_target_": "tests.networks.Tiny", "width": 2}


@pytest.mark.parametrize(
    ("group", "target", "message"),
    [
        (
            "data",
            "tests.networks.Tiny",
            "data: tests.networks.Tiny is not a class of the kind Data",
        ),
        ("task", "collections.OrderedDict", "is not a class of the kind Task or Learner"),
        ("oracle", "datetime.datetime.now", "must be called with a Question"),
        ("task.network", "os.getcwd", r"a network must be an nn.Module, got str"),
        ("task.network", "", "a _target_ must name a class or function"),
    ],
)
def test_a_class_that_is_no_such_part_is_refused(
    train: Zygote, tmp_path: Path, group: str, target: str, message: str
) -> None:
    given = [f"{group}._target_={target}"]
    if target == "tests.networks.Tiny":
        given += ["data.shape=[1,8,8]", "data.classes=2"]
    refused = run(train, tmp_path, "task=mlp", "strategy=margin", *given)
    assert refused.code == 2, refused.err
    assert message in refused.err
    assert "Traceback" not in refused.err


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("task.network.maxpool=true", "unknown option of 'task.network': 'maxpool'"),
        ("task.network.width=wide", "task.network.width='wide': must be a whole number"),
        ("task.network._target_=tests.networks.Tinny", "tests.networks lacks Tinny"),
    ],
)
def test_what_the_other_class_cannot_take_is_refused(
    train: Zygote, tmp_path: Path, wrong: str, message: str
) -> None:
    tiny = ("task=resnet18", "task.network._target_=tests.networks.Tiny")
    refused = run(train, tmp_path, *QUICK, *tiny, wrong)
    assert refused.code == 2
    assert message in refused.err
    assert "Traceback" not in refused.err


def test_a_network_of_torchvision_is_cut_by_itself(train: Zygote, tmp_path: Path) -> None:
    target = "task.network._target_=torchvision.models.squeezenet1_1"
    refused = run(train, tmp_path, *QUICK, "task=resnet18", target)
    assert refused.code == 2
    assert "SqueezeNet cannot read rows of the shape (1, 8, 8)" in refused.err
    small = ("data=digits", "task=resnet18", "task.steps=2", "strategy=bald")
    shuffle = ("task.network._target_=tests.networks.grey_shufflenet", "name=run")
    finished = run(train, tmp_path, *QUICK, *small, *shuffle)
    assert finished.code == 0, finished.err


@pytest.mark.parametrize("name", ["kmeans", "coreset", "typiclust", "probcover", "maxherding"])
def test_the_start_is_chosen_by_a_strategy_that_needs_no_label(
    train: Zygote, tmp_path: Path, name: str
) -> None:
    finished = run(train, tmp_path, *QUICK, f"start={name}", "start=12", "rounds=0", "name=run")
    assert finished.code == 0, finished.err
    assert config(tmp_path)["start"]["name"] == name
    (line,) = (tmp_path / "runs" / "run" / "rounds.jsonl").read_text().splitlines()
    assert len(set(json.loads(line)["queried"])) == 12


def test_a_start_that_needs_labels_is_refused_with_those_that_do_not(
    train: Zygote, tmp_path: Path
) -> None:
    refused = run(train, tmp_path, *QUICK, "start=uherding")
    assert refused.code == 2
    assert "UHerding cannot choose the start" in refused.err
    usable = refused.err.partition("these can: ")[2].strip().split(", ")
    assert {"kmeans", "typiclust", "maxherding", "coreset", "probcover", "random"} <= set(usable)
    assert not {"uherding", "margin", "autoal"} & set(usable)


def rounds(tmp_path: Path) -> list[dict[str, Any]]:
    lines = (tmp_path / "runs" / "run" / "rounds.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_list_of_budgets_has_as_many_rounds(train: Zygote, tmp_path: Path) -> None:
    listed = ("strategy=random", "task=linear", "task.steps=5", "start=8", "budget=[3,5]")
    finished = run(train, tmp_path, *listed, "name=run")
    assert finished.code == 0, finished.err
    assert [len(done["queried"]) for done in rounds(tmp_path)] == [8, 3, 5]
    assert (config(tmp_path)["budget"], config(tmp_path)["rounds"]) == ([3, 5], 2)


def test_the_start_is_what_a_file_names(train: Zygote, tmp_path: Path) -> None:
    chosen = tmp_path / "first rows.txt"
    chosen.write_text("7\n# by hand\n3\n1000\n")
    given = ("strategy=random", "task=linear", "task.steps=5", "rounds=0", f"start={chosen}")
    finished = run(train, tmp_path, *given, "name=run")
    assert finished.code == 0, finished.err
    assert rounds(tmp_path)[0]["queried"] == [7, 3, 1000]
    assert config(tmp_path)["start"] == {"name": "file", "size": 3, "path": str(chosen)}
    chosen.write_text("7\n1297\n")
    refused = run(train, tmp_path, *given)
    assert refused.code == 2
    assert (
        "names '1297', but the pool has no such row: its numbers go from 0 to 1296" in refused.err
    )


@pytest.mark.parametrize(
    ("given", "group"),
    [("budget=[3,5]", "digits-linear-20-[3, 5]-2"), ("start={}", "digits-linear-2-10-5")],
)
def test_a_group_of_runs_knows_what_follows_from_the_rest(
    train: Zygote, tmp_path: Path, given: str, group: str
) -> None:
    chosen = tmp_path / "first.txt"
    chosen.write_text("7\n3\n")
    told = ("logger.mode=disabled", f"out={tmp_path / 'runs'}", "name=run")
    finished = train.run(*QUICK[:3], given.format(chosen), *told)
    assert finished.code == 0, finished.err
    assert config(tmp_path)["logger"]["group"] == group


# What each data set is begun with, where nobody says otherwise.
BEGINNINGS = {
    "digits": (20, 10, None),
    "mnist": (100, 100, 50),
    "cifar10": (1000, 1000, 50),
    "cifar100": (2000, 1000, 50),
    "pneumoniamnist": (50, 50, 50),
    "organcmnist": (500, 500, 50),
    "sst2": (100, 100, None),
    "wnli": (50, 20, None),
    "folder": (20, 10, None),
}


def composed(*given: str) -> Any:
    """The settings as Hydra composes them."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIGS)):
        return compose("train", [*given])


@pytest.mark.parametrize(("data", "beginning"), BEGINNINGS.items())
def test_every_data_set_brings_a_start_a_budget_and_epochs(
    data: str, beginning: tuple[int, int, int | None]
) -> None:
    settings = composed(f"data={data}", "task=resnet18")
    assert (settings.start.size, settings.budget, settings.task.epochs) == beginning


def test_a_table_brings_a_task_that_reads_one() -> None:
    logistic = "autoal.model.logistic.Logistic"
    assert composed("data=table").task._target_ == logistic
    assert composed("experiment=salutary_table").task._target_ == logistic
    assert composed("data=table", "task=mlp").task._target_ == "autoal.model.task.Task"


def test_what_is_given_takes_the_place_of_what_a_data_set_brings() -> None:
    given = composed("data=cifar10", "start.size=30", "budget=[5,7]", "task.epochs=3")
    assert (given.start.size, [*given.budget], given.task.epochs) == (30, [5, 7], 3)
    by_experiment = composed("data=cifar10", "experiment=compare")
    assert (by_experiment.start.size, by_experiment.budget) == (20, 10)
    assert composed("data=cifar10", "start=coreset").start.size == 1000


@pytest.mark.parametrize("file", [*(CONFIGS / "data").glob("*.yaml")], ids=lambda path: path.stem)
def test_the_plan_that_a_data_set_brings_fits_its_pool(file: Path) -> None:
    settings = composed(f"data={file.stem}")
    rows = settings.data.get("_rows_", float("inf"))
    assert settings.start.size + settings.rounds * settings.budget <= rows


@pytest.mark.parametrize(("given", "epochs"), [((), 3), (("task.steps=5",), None)])
def test_steps_that_are_given_take_the_place_of_epochs(
    train: Zygote, folder: Path, tmp_path: Path, given: tuple[str, ...], epochs: int | None
) -> None:
    (folder / "data" / "mine.yaml").write_text(
        "_target_: autoal.datamodules.digits.Digits\n_epochs_: 3\n"
    )
    plain = (f"--config-dir={folder}", "data=mine", "strategy=random", "task=linear", "rounds=0")
    finished = run(train, tmp_path, *plain, *given, "name=run")
    assert finished.code == 0, finished.err
    assert config(tmp_path)["task"]["epochs"] == epochs


def test_a_start_in_a_file_takes_the_place_of_what_a_data_set_brings(
    train: Zygote, folder: Path, tmp_path: Path
) -> None:
    (folder / "data" / "mine.yaml").write_text(
        "# @package _global_\n"
        "data: {_target_: autoal.datamodules.digits.Digits}\nstart: {size: 30}\nbudget: 9\n"
    )
    first = tmp_path / "first.txt"
    first.write_text("3\n5\n")
    plain = (f"--config-dir={folder}", "data=mine", "strategy=random", "task=linear", "rounds=1")
    finished = run(train, tmp_path, *plain, f"start={first}", "name=run")
    assert finished.code == 0, finished.err
    assert [len(done["queried"]) for done in rounds(tmp_path)] == [2, 9]
