import fcntl
import json
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from sklearn.datasets import load_digits

from autoal.report.__main__ import main
from tests import wandb_file
from tests.launch import Zygote

QUICK = ("strategy=margin", "task=linear", "task.steps=20", "rounds=3", "logger=none")


def lines(folder: Path) -> list[dict[str, Any]]:
    """The rounds without their seconds, which alone may differ."""
    found = [json.loads(line) for line in (folder / "rounds.jsonl").read_text().splitlines()]
    for each in found:
        del each["seconds"]
    return found


def states(folder: Path) -> list[str]:
    """The states that are there."""
    return sorted(path.name for path in (folder / "state").iterdir())


def wait_for(*paths: Path) -> None:
    """Until another process has written all of them."""
    deadline = time.monotonic() + 60
    while not all(path.exists() for path in paths):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {', '.join(map(str, paths))}")
        time.sleep(0.01)


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """BatchNorm, dropout, augmentation: each has a state or a stream that a resume could lose."""
    digits = load_digits()
    images = (digits.images * 15).astype(np.uint8)
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    train = {"train_images": images[:150], "train_labels": digits.target[:150]}
    test = {"test_images": images[150:200], "test_labels": digits.target[150:200]}
    np.savez(path, **train, **test)
    small = ("data=npz", f"data.path={path}", "data.crop=1", "rounds=3", "logger=none")
    tiny = ("task.network._target_=tests.networks.Tiny", "task.steps=3")
    return (*small, "strategy=margin", "task=resnet18", *tiny)


@pytest.fixture(scope="module")
def whole(train: Zygote, deep: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deep run that nobody interrupted."""
    out = tmp_path_factory.mktemp("whole")
    finished = train.run(*deep, f"out={out}", "name=run")
    assert finished.code == 0, finished.err
    return out / "run"


def test_a_run_leaves_its_record_and_shows_it(train: Zygote, tmp_path: Path) -> None:
    finished = train.run(*QUICK, f"out={tmp_path}", "name=run", "strategy=entropy", "seed=7")
    assert finished.code == 0, finished.err
    assert finished.err == ""
    folder = tmp_path / "run"
    rounds = [json.loads(line) for line in (folder / "rounds.jsonl").read_text().splitlines()]
    assert [each["round"] for each in rounds] == [0, 1, 2, 3]
    assert [each["labelled"] for each in rounds] == [20, 30, 40, 50]
    assert [len(each["queried"]) for each in rounds] == [20, 10, 10, 10]
    assert len({row for each in rounds for row in each["queried"]}) == 50
    for each in rounds:
        assert each["strategy"] == "entropy"
        assert each["seed"] == 7
        assert set(each["seconds"]) == {"train", "test", "features", "score", "total"}
        for name in ("accuracy", "balanced_accuracy", "macro_f1", "nll", "ece"):
            assert isinstance(each[name], float)
        assert f"{each['accuracy']:.4f}" in finished.out
    for name in ("config.yaml", "rounds.jsonl", "learning_curve.svg"):
        assert (folder / name).stat().st_size > 0
        assert str(folder / name) in finished.out
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["task"]["steps"] == 20
    assert config["strategy"] == {"name": "entropy", "temperature": 1.0, "draws": False}
    assert config["about"]["versions"]["torch"]


def test_the_name_of_a_run_tells_its_settings_apart(train: Zygote, tmp_path: Path) -> None:
    for extra in ([], ["rounds=1"], ["seed=1"], ["strategy=random"], ["start=21"]):
        finished = train.run(*QUICK, "rounds=0", *extra, f"out={tmp_path}")
        assert finished.code == 0, finished.err
    names = {path.name for path in tmp_path.iterdir()}
    assert len(names) == 4
    assert {name.rpartition("-")[0] for name in names} == {
        "digits-linear-margin-0",
        "digits-linear-margin-1",
        "digits-linear-random-0",
    }


def test_the_same_seed_gives_the_same_rounds(
    train: Zygote, deep: tuple[str, ...], whole: Path, tmp_path: Path
) -> None:
    finished = train.run(*deep, f"out={tmp_path}", "name=again")
    assert finished.code == 0, finished.err
    assert lines(tmp_path / "again") == lines(whole)


def test_killed_at_random_moments_a_run_ends_as_if_it_never_was(
    train: Zygote, deep: tuple[str, ...], whole: Path, tmp_path: Path
) -> None:
    arguments = (*deep, f"out={tmp_path}", "name=run")
    codes = []
    for moment in random.Random(0).sample(range(1, 25), 8):
        codes.append(train.run(*arguments, die=str(moment)).code)
    assert codes[:4] == [-signal.SIGKILL] * 4  # later ones may come when all is done
    finished = train.run(*arguments)
    assert finished.code == 0, finished.err
    assert lines(tmp_path / "run") == lines(whole)
    assert states(tmp_path / "run") == ["round-0003.pt", "round-0003.sha256"]


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ("training", 2),
        ("scoring", 2),
        ("the state half written", 2),
        ("the checksum half written", 2),
        ("the rounds half written", 2),
        ("between state and rounds", 2),
        ("the old state not removed", 3),
        ("the old checksum not removed", 3),
    ],
)
def test_killed_in_the_middle_of_something_a_run_ends_as_if_it_never_was(
    place: str, kept: int, train: Zygote, deep: tuple[str, ...], whole: Path, tmp_path: Path
) -> None:
    arguments = [*deep, f"out={tmp_path}", "name=run"]
    killed = train.run(*arguments, die=place)
    assert killed.code == -signal.SIGKILL, killed.err
    assert lines(tmp_path / "run") == lines(whole)[:kept]
    finished = train.run(*arguments)
    assert finished.code == 0, finished.err
    assert lines(tmp_path / "run") == lines(whole)
    assert states(tmp_path / "run") == ["round-0003.pt", "round-0003.sha256"]


def test_a_finished_run_goes_on_where_more_rounds_are_asked_for(
    train: Zygote, deep: tuple[str, ...], whole: Path, tmp_path: Path
) -> None:
    short = (*deep, "rounds=1", f"out={tmp_path}", "name=run")
    assert train.run(*short).code == 0
    finished = train.run(*deep, f"out={tmp_path}", "name=run")
    assert finished.code == 0, finished.err
    assert lines(tmp_path / "run") == lines(whole)
    both = (tmp_path / "run", whole)
    configs = [yaml.safe_load((run / "config.yaml").read_text()) for run in both]
    for config in configs:
        del config["about"]["id"], config["out"]
    assert configs[0] == configs[1]
    refused = train.run(*short)
    assert refused.code == 2
    assert "rounds: 3 in the folder, 1 now; a plan can only grow" in refused.err


def test_a_run_that_failed_before_its_first_round_is_corrected(
    train: Zygote, deep: tuple[str, ...], whole: Path, tmp_path: Path
) -> None:
    arguments = (*deep, f"out={tmp_path}", "name=run")
    failed = train.run(*arguments, "task.learning_rate=1e8", "task.steps=20")
    assert failed.code == 2
    assert (tmp_path / "run" / "error.txt").exists()
    finished = train.run(*arguments)
    assert finished.code == 0, finished.err
    assert lines(tmp_path / "run") == lines(whole)
    assert not (tmp_path / "run" / "error.txt").exists()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ({"queried": [150]}, "round 3: row 150 is not among the 150 that there are"),
        ({"labels": [10]}, "round 3: label 10 is not among the 10 that there are"),
        ({"labels": [0.5]}, "line 4 is not round 3: `labels` must be a list of whole numbers"),
        ({"accuracy": None}, "line 4 is not round 3: `accuracy` must be a finite number, got None"),
        (
            {"accuracy": 0.5},
            "rounds.jsonl is damaged: its checksum is not that in round-0003.sha256",
        ),
    ],
)
def test_a_record_that_cannot_be_this_runs_is_one_message(
    spoil: dict[str, Any],
    told: str,
    train: Zygote,
    deep: tuple[str, ...],
    whole: Path,
    tmp_path: Path,
) -> None:
    shutil.copytree(whole, tmp_path / "run")
    record = tmp_path / "run" / "rounds.jsonl"
    *before, last = map(json.loads, record.read_text().splitlines())
    line = {**last, **spoil}
    for key in {"queried", "labels"} & spoil.keys():
        line[key] = [*spoil[key], *last[key][1:]]
    record.write_text("".join(f"{json.dumps(each)}\n" for each in (*before, line)))
    if "checksum" not in told:  # as in folders of older versions
        (tmp_path / "run" / "state" / "round-0003.sha256").unlink()
    refused = train.run(*deep, f"out={tmp_path}", "name=run")
    assert refused.code == 2
    assert f"{record}" in refused.err
    assert told in refused.err
    assert refused.err.count("error:") == 1


def test_a_finished_run_shows_its_results_again(
    train: Zygote, deep: tuple[str, ...], whole: Path
) -> None:
    before = (whole / "rounds.jsonl").read_bytes()
    finished = train.run(*deep, f"out={whole.parent}", "name=run")
    assert finished.code == 0, finished.err
    assert (whole / "rounds.jsonl").read_bytes() == before
    assert f"{lines(whole)[-1]['accuracy']:.4f}" in finished.out
    assert "round 3 of 3" not in finished.out


def test_a_folder_of_another_config_is_refused_with_the_keys(
    train: Zygote, deep: tuple[str, ...], whole: Path
) -> None:
    before = (whole / "rounds.jsonl").read_bytes()
    finished = train.run(*deep, f"out={whole.parent}", "name=run", "budget=11", "strategy=random")
    assert finished.code == 2
    assert "budget: 10 in the folder, 11 now" in finished.err
    assert "strategy.name: margin in the folder, random now" in finished.err
    assert "Traceback" not in finished.err
    assert (whole / "rounds.jsonl").read_bytes() == before


def test_a_second_process_on_a_folder_is_refused(
    train: Zygote, deep: tuple[str, ...], tmp_path: Path
) -> None:
    arguments = (*deep, "task.steps=1000000", f"out={tmp_path}", "name=run")
    first = train.start(*arguments)
    wait_for(tmp_path / "run" / "config.yaml")
    second = train.run(*arguments)
    assert second.code == 2
    assert "another process is working" in second.err
    first.send(signal.SIGKILL)
    assert first.finish().code == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_cleanly_and_it_goes_on(
    number: signal.Signals, train: Zygote, deep: tuple[str, ...], whole: Path, tmp_path: Path
) -> None:
    arguments = (*deep, f"out={tmp_path}", "name=run")
    stopped = train.run(*arguments, die="training", by=number)
    assert stopped.code == 128 + number
    assert f"stopped by {number.name}" in stopped.err
    assert "name=run" in stopped.err
    assert "Traceback" not in stopped.err
    assert len(lines(tmp_path / "run")) == 2
    assert train.run(*arguments).code == 0
    assert lines(tmp_path / "run") == lines(whole)


def test_a_full_disk_is_one_message_and_loses_nothing(
    train: Zygote, deep: tuple[str, ...], whole: Path, tmp_path: Path
) -> None:
    arguments = (*deep, f"out={tmp_path}", "name=run")
    full = train.run(*arguments, largest_file=3_000)  # less than the state of the network
    assert full.code == 2
    assert full.err.startswith("error: cannot write ")
    assert "File too large" in full.err
    assert len(full.err.splitlines()) == 1
    assert train.run(*arguments).code == 0
    assert lines(tmp_path / "run") == lines(whole)


def test_a_disk_that_is_full_before_a_sweep_is_one_message(train: Zygote, tmp_path: Path) -> None:
    full = train.run("-m", *QUICK, "seed=0,1", f"out={tmp_path}", largest_file=1_000)
    assert full.code == 2
    assert full.err == "error: cannot write: File too large\n"


def test_an_unwritable_folder_is_one_message(train: Zygote) -> None:
    refused = train.run(*QUICK, "out=/dev/null/runs", "name=run")
    assert refused.code == 2
    assert refused.err == "error: cannot write /dev/null/runs/run: Not a directory\n"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("start=5000", "start=5000: the pool has only 1297 rows"),
        ("budget=500", "20 + 3 x 500 = 1520 labels, but the pool has only 1297 rows"),
        ("budget=0", "`budget` must be at least 1, got 0"),
        ("rounds=-1", "`rounds` must be at least 0, got -1"),
        ("task.optimizer=sgdd", "unknown optimizer 'sgdd'; did you mean 'sgd'?"),
        ("task.epochs=0", "`epochs` must be at least 1"),
        ("trainer.accelerator=gpuu", "gpuu"),
        ("trainer.precision=bf17", "bf17"),
        (
            "trainer.channels_last=maybe",
            "trainer.channels_last='maybe': must be true or false or null",
        ),
        (
            "start=margin",
            "Margin cannot choose the start, before anything is labelled: it reads probs",
        ),
        ("task.epochs=1.5", "task.epochs=1.5: must be a whole number or null"),
        ("name=..", "must be the name of one folder"),
        ("name=a/b", "must be the name of one folder"),
        (
            "data._target_=autoal.datamodules.digits.Digitz",
            "there is no autoal.datamodules.digits.D",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    wrong: str, told: str, train: Zygote, tmp_path: Path
) -> None:
    refused = train.run(*QUICK, wrong, f"out={tmp_path}")
    assert refused.code == 2
    assert told in refused.err
    assert refused.err.startswith("error: ")
    assert "Traceback" not in refused.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("precision", ["64-true", "bf16-true", "bf16-mixed"])
def test_every_precision_runs_and_queries(precision: str, train: Zygote, tmp_path: Path) -> None:
    options = (*QUICK, f"trainer.precision={precision}", "name=run")
    finished = train.run(*options, f"out={tmp_path}")
    assert finished.code == 0, finished.err
    assert len(lines(tmp_path / "run")) == 4


@pytest.mark.parametrize("name", ["[bold]x [y]", "$x^$", "<script>a&b|_*`"])
def test_a_name_is_a_name_whatever_it_means_elsewhere(
    name: str, train: Zygote, tmp_path: Path
) -> None:
    finished = train.run(*QUICK, "rounds=1", f"out={tmp_path}", f"name='{name}'")
    assert finished.code == 0, finished.err
    assert str(tmp_path / name / "rounds.jsonl") in finished.out
    curve = ElementTree.parse(tmp_path / name / "learning_curve.svg")
    assert curve.findtext("{http://www.w3.org/2000/svg}title") == name
    assert main([str(tmp_path)]) == 0
    assert "<script" not in (tmp_path / "report" / "report.html").read_text()


def test_a_sweep_that_is_ended_leaves_no_worker_behind(train: Zygote, tmp_path: Path) -> None:
    sweep = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "seed=0,1")
    running = train.start(
        "-m", *QUICK, *sweep, "task.steps=100000", f"out={tmp_path}", "name=a-${seed}"
    )
    configs = [tmp_path / name / "config.yaml" for name in ("a-0", "a-1")]
    wait_for(*configs)
    running.send(signal.SIGTERM)
    stopped = running.finish()
    assert stopped.code == 128 + signal.SIGTERM, stopped.err
    assert "stopped by SIGTERM" in stopped.err
    for config in configs:
        with (config.parent / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # waits for ever while a worker lives


WITHOUT_WANDB = """
import runpy, sys
for name in [name for name in sys.modules if name.partition(".")[0] == "wandb"]:
    del sys.modules[name]  # of an earlier run
try:
    runpy.run_path("train.py", run_name="__main__")
finally:
    print("wandb" if "wandb" in sys.modules else "no wandb")
"""


def test_without_a_logger_wandb_is_not_imported(train: Zygote, tmp_path: Path) -> None:
    finished = train.execute(WITHOUT_WANDB, *QUICK, "rounds=0", f"out={tmp_path}")
    assert finished.code == 0, finished.err
    assert finished.out.splitlines()[-1] == "no wandb"


def test_a_sweep_runs_every_combination(train: Zygote, tmp_path: Path) -> None:
    sweep = ("strategy=random,margin", "seed=0,1")
    finished = train.run("-m", *QUICK, *sweep, f"out={tmp_path}")
    assert finished.code == 0, finished.err
    runs = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert len(runs) == 4
    starts = {path.name.rpartition("-")[0]: lines(path)[0]["queried"] for path in runs}
    assert starts["digits-linear-random-0"] == starts["digits-linear-margin-0"]
    assert starts["digits-linear-random-0"] != starts["digits-linear-random-1"]


def test_a_sweep_goes_on_after_a_job_that_cannot_be(train: Zygote, tmp_path: Path) -> None:
    finished = train.run("-m", *QUICK, "start=5000,20", f"out={tmp_path}")
    assert finished.code == 2
    assert finished.err.count("the pool has only 1297 rows") == 1
    assert "Error executing" not in finished.err
    runs = [path.parent for path in tmp_path.glob("*/config.yaml")]
    assert [len(lines(path)) for path in runs] == [4]


def test_what_wandb_was_told_is_what_the_record_says(train: Zygote, tmp_path: Path) -> None:
    arguments = (*QUICK[:-1], f"out={tmp_path}", "name=run")
    finished = train.run(*arguments)
    assert finished.code == 0, finished.err
    assert finished.err == ""
    assert finished.out.count("W&B is offline") == 1
    folder = tmp_path / "run"
    record = [json.loads(line) for line in (folder / "rounds.jsonl").read_text().splitlines()]
    (part,) = map(wandb_file.whole, folder.glob("wandb/offline-run-*"))
    rows = wandb_file.history(part)
    told = [row for row in rows if "al/accuracy" in row]
    assert len(told) == len(record) == 4
    for row, each in zip(told, record, strict=True):
        assert row["n_labelled"] == each["labelled"]
        assert row["al/round"] == each["round"]
        for name in ("accuracy", "balanced_accuracy", "macro_f1", "nll", "ece"):
            assert row[f"al/{name}"] == pytest.approx(each[name], rel=1e-6)
        for name, value in each["seconds"].items():
            assert row[f"seconds/{name}"] == pytest.approx(value, rel=1e-6)
        counts = [each["labels"].count(label) for label in range(10)]
        assert row["query/classes/values"] == counts
        assert row["media/queried/_type"] == "image-file"
        assert (part / "files" / row["media/queried/path"]).stat().st_size > 0
    steps = [row["fit/step"] for row in rows if "fit/step" in row]
    assert steps == list(range(1, 81))
    charted = wandb_file.step_metrics(part)
    assert charted["fit/*"] == "fit/step"
    for family in ("al/*", "query/*", "media/*", "seconds/*"):
        assert charted[family] == "n_labelled"


def test_by_option_wandb_has_tables_the_model_and_word_of_the_end(
    train: Zygote, tmp_path: Path
) -> None:
    options = [f"logger.{name}=true" for name in ("tables", "artifacts", "alerts")]
    finished = train.run(*QUICK[:-1], *options, f"out={tmp_path}", "name=run")
    assert (finished.code, finished.err) == (0, "")
    (part,) = map(wandb_file.whole, tmp_path.glob("run/wandb/offline-run-*"))
    found = wandb_file.records(part)
    sent = {each.artifact.type: each.artifact for each in found if each.HasField("artifact")}
    model = [file.path for file in sent["model"].manifest.contents]
    assert model == ["README.md", "model.json", "weights.pt"]
    assert [file.path for file in sent["labels"].manifest.contents] == ["rounds.jsonl"]
    assert [each.alert.title for each in found if each.HasField("alert")] == ["AutoAL has finished"]
    tables = [json.loads(path.read_text()) for path in part.glob("files/media/table/media/rows_*")]
    shown = {line[1]: line for each in tables for line in each["data"]}
    for done in lines(tmp_path / "run"):
        for name, label in zip(done["names"], done["labels"], strict=True):
            number, _, _, told, prediction, score = shown[name]
            assert (number, told) == (done["round"], str(label))
            assert (prediction is None) == (score is None) == (number == 0)


def test_a_killed_run_goes_on_as_the_same_wandb_run(train: Zygote, tmp_path: Path) -> None:
    arguments = (*QUICK[:-1], "task.steps=3", f"out={tmp_path}", "name=run")
    assert train.run(*arguments, die="training").code == -signal.SIGKILL
    assert train.run(*arguments).code == 0
    parts = sorted(tmp_path.glob("run/wandb/offline-run-*"))
    assert len(parts) == 2
    # offline-run-<time>-<run>, and -1 for a second one in the same second
    assert len({part.name.split("-")[3] for part in parts}) == 1
    rows = [wandb_file.history(part) for part in (parts[0], wandb_file.whole(parts[1]))]
    rounds = [[row["al/round"] for row in each if "al/round" in row] for each in rows]
    # What the killed process may not have written is told again.
    assert set(rounds[0]) <= {0, 1}
    assert set(rounds[0] + rounds[1]) == {0, 1, 2, 3}
    assert [row["fit/step"] for row in rows[1] if "fit/step" in row] == list(range(7, 13))


def test_images_of_ones_own_are_opened_by_options(train: Zygote, tmp_path: Path) -> None:
    shape = (30, 8, 8)
    images = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    arrays = {"images": images, "labels": np.arange(30) % 3}
    content = {f"{part}_{k}": v for part in ("train", "test") for k, v in arrays.items()}
    np.savez(tmp_path / "own.npz", **content)  # type: ignore[arg-type]
    small = (*QUICK, "start=4", "budget=2", "rounds=2", "task.steps=2", "task=resnet18")
    finished = train.run(
        *small, "data=npz", f"data.path={tmp_path}/own.npz", f"out={tmp_path}", "name=run"
    )
    assert finished.code == 0, finished.err
    assert [each["labelled"] for each in lines(tmp_path / "run")] == [4, 6, 8]


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (("data=npz",), "data.path is needed"),
        (("data=folder", "data.path=/nowhere"), "there is no file or folder /nowhere"),
        (("data=cifar10", "data.download=false"), "cifar-10-python.tar.gz is not in"),
        (("data=medmnist", "data.flag=chestmnist"), "several labels an image"),
    ],
)
def test_data_that_are_not_there_are_one_message(
    choice: tuple[str, ...], told: str, train: Zygote, tmp_path: Path
) -> None:
    refused = train.run(*QUICK, *choice, f"out={tmp_path}")
    assert refused.code == 2
    assert told in refused.err
    assert "Traceback" not in refused.err


def test_with_salutary_labels_nobody_is_asked_and_a_killed_run_keeps_them(
    train: Zygote, tmp_path: Path
) -> None:
    own = ("strategy=salutary", "oracle=salutary", "data.validation=50", "strategy.recheck=3")
    arguments = (*QUICK, *own, "rounds=2", f"out={tmp_path}")
    finished = train.run(*arguments, "name=whole")
    assert finished.code == 0, finished.err
    whole = lines(tmp_path / "whole")
    assert [each["bought"] for each in whole] == [70, 0, 0]
    assert [each["labelled"] for each in whole] == [70, 80, 90]
    assert whole[0]["wrong"] == 0
    for each in whole[1:]:
        assert f"10 labels given unasked, {each['wrong']} wrong" in finished.out
        assert {"predicted_fall", "realised_fall", "validation_loss"} <= each["notes"].keys()
    assert train.run(*arguments, "name=killed", die="training").code == -signal.SIGKILL
    assert train.run(*arguments, "name=killed").code == 0
    assert lines(tmp_path / "killed") == whole


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("oracle=salutray",), "unknown oracle 'salutray'; did you mean 'salutary'?"),
        (
            ("oracle=salutary",),
            "oracle=salutary does not work with strategy=margin; of ours, it works with",
        ),
        (
            ("oracle=pseudo", "strategy=cheating_oracle"),
            "oracle=pseudo does not work with strategy=cheating_oracle",
        ),
        (("strategy=salutary",), "give data.validation=N, or the option folds=5"),
    ],
)
def test_labels_that_nobody_can_give_are_refused_before_anything_is_written(
    wrong: tuple[str, ...], told: str, train: Zygote, tmp_path: Path
) -> None:
    refused = train.run(*QUICK, *wrong, f"out={tmp_path}")
    assert refused.code == 2
    assert told in refused.err
    assert "Traceback" not in refused.err
    assert list(tmp_path.iterdir()) == []
