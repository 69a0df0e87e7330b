"""A model that came out of a run says what it said in the run."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from sklearn.linear_model import LogisticRegression
from torch import nn

from autoal import (
    Arrays,
    Data,
    Experiment,
    Model,
    Plan,
    SklearnLearner,
    TorchLearner,
    UserError,
    export,
)
from autoal.data.images import Preprocess
from autoal.exported.preprocessing import preprocessing_of, preprocessing_state
from autoal.model.trained import learner_of
from autoal.record.layout import MODEL_FACTS as FACTS
from autoal.run import data_set
from tests.launch import Zygote

SMALL = ("task.batch_size=8", "task.network.maxpool=true")
PATCHES = ("task=frozen", "task.steps=20", "encoder.count=10", "encoder.size=3")
TASKS = {
    "resnet18": ("task=resnet18", "task.steps=1", *SMALL, "data.crop=1", "data.flip=true"),
    "mlp": ("task=mlp", "task.steps=20"),
    "linear": ("task=linear", "task.steps=20"),
    "logistic": ("task=logistic", "data.crop=2"),
    "frozen": PATCHES,
}


def metrics_of(run: Path) -> dict[str, float]:
    line = json.loads((run / "rounds.jsonl").read_text().splitlines()[-1])
    return {name: line[name] for name in ("accuracy", "nll")}


def config_of(run: Path) -> dict[str, Any]:
    return yaml.safe_load((run / "config.yaml").read_text())


def measured(probs: torch.Tensor, data: Data) -> dict[str, float]:
    assert data.test is not None
    labels = data.test.labels
    right = probs.argmax(1) == labels
    nll = -probs.double()[torch.arange(len(labels)), labels].log().mean()
    return {"accuracy": float(right.float().mean()), "nll": float(nll)}


def demand_same(run: Path, probs: torch.Tensor, data: Data) -> None:
    found, expected = measured(probs, data), metrics_of(run)
    assert found["accuracy"] == expected["accuracy"]
    assert found["nll"] == pytest.approx(expected["nll"], rel=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_predictions_of_pictures_have_the_run_s_own_metrics(
    task: str, train: Zygote, digits: Path, tmp_path: Path
) -> None:
    chosen = ("data=npz", f"data.path={digits}", *TASKS[task], "strategy=random")
    finished = train.run(
        *chosen, "start=40", "rounds=0", "logger=none", f"out={tmp_path}", "name=a"
    )
    assert finished.code == 0, finished.err
    alone = tmp_path / "elsewhere"
    shutil.move(tmp_path / "a" / "model", alone)
    model = Model.read(alone)
    names, probs = model.predict_files([digits])  # of a data set, the test images
    config = config_of(tmp_path / "a")
    demand_same(tmp_path / "a", probs, data_set(config))
    assert names[7] == f"{digits}[7]"
    assert model.classes == data_set(config).classes


@pytest.mark.parametrize("task", ["task=logistic", "task=mlp"])
def test_predictions_of_tables_have_the_run_s_own_metrics(
    task: str, train: Zygote, irises: Path, tmp_path: Path
) -> None:
    paths = (f"data.path={irises}/train.csv", f"data.test_path={irises}/test.csv")
    chosen = ("data=table", *paths, "data.validation=0", task, "strategy=random", "start=30")
    finished = train.run(*chosen, "rounds=0", "logger=none", f"out={tmp_path}", "name=a")
    assert finished.code == 0, finished.err
    data = data_set(config_of(tmp_path / "a"))
    names, probs = Model.read(tmp_path / "a").predict_files([irises / "test.csv"])
    demand_same(tmp_path / "a", probs, data)
    assert names[0] == f"{irises}/test.csv:2"


def test_features_from_a_file_are_given_for_new_rows(
    train: Zygote, digits: Path, tmp_path: Path
) -> None:
    with np.load(digits) as file:
        features = {
            f"{part}_features": file[f"{part}_images"].reshape(-1, 64) / 255
            for part in ("train", "test")
        }
    np.savez(tmp_path / "features.npz", **features)
    np.savez(tmp_path / "new.npz", inputs=features["test_features"])
    chosen = ("data=npz", f"data.path={digits}", "encoder=file", "task=linear", "strategy=random")
    path = f"encoder.path={tmp_path}/features.npz"
    finished = train.run(*chosen, path, "rounds=0", "logger=none", f"out={tmp_path}", "name=a")
    assert finished.code == 0, finished.err
    model, config = Model.read(tmp_path / "a"), config_of(tmp_path / "a")
    demand_same(tmp_path / "a", model.predict_files([tmp_path / "new.npz"]).probs, data_set(config))
    with pytest.raises(UserError, match="inputs"):
        model.predict_files([digits])


def test_the_same_command_writes_a_model_that_is_lacking_and_no_other(
    train: Zygote, mlp: Path, tmp_path: Path
) -> None:
    shutil.copytree(mlp, tmp_path / "run")
    config = config_of(mlp)
    again = [f"data.path={config['data']['path']}", f"out={tmp_path}", "name=run", "data=npz"]
    again += ["data.validation=6", "task=mlp", "task.steps=5", "strategy=margin", "start=12"]
    again += ["budget=8", "rounds=1", "logger=none"]
    model = tmp_path / "run" / "model"
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    (model / FACTS).unlink()  # as if it was killed in between
    (model / "mine.txt").write_text("kept")
    assert train.run(*again).code == 0
    after = {path.name: path.read_bytes() for path in model.iterdir()}
    assert after == before | {"mine.txt": b"kept"}
    stamps = [path.stat().st_mtime_ns for path in model.iterdir()]
    assert train.run(*again).code == 0
    assert [path.stat().st_mtime_ns for path in model.iterdir()] == stamps


def test_a_model_that_cannot_be_written_leaves_the_results(
    train: Zygote, mlp: Path, digits: Path, tmp_path: Path
) -> None:
    chosen = ("data=npz", f"data.path={digits}", "task=mlp", "task.steps=1", "strategy=random")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model").write_text("in the way")
    finished = train.run(*chosen, "rounds=0", "logger=none", f"out={tmp_path}", "name=run")
    assert finished.code == 0
    assert "model is not written: cannot" in finished.err
    assert "accuracy" in finished.out


def changed(folder: Path, **facts: Any) -> Path:
    path = folder / FACTS
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))
    return folder


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"format": 2}, "is of format 2"),
        ({"weights": "0"}, r"weights\.pt is damaged"),
        ({"task": {"_target_": "os.system", "command": "false"}}, "os.system is no class of the"),
        ({"task": {"_target_": "pathlib.Path"}}, "Path is no class of the kind Task or Learner"),
        ({"encoder": {"_target_": "os.getcwd"}}, "getcwd is no class of the kind Encoder"),
        ({"shape": [3]}, "does not fit together"),
        ({"task": None}, "does not fit together"),
    ],
)
def test_a_model_that_is_amiss_or_means_harm_is_refused(
    facts: dict[str, Any], message: str, mlp: Path, tmp_path: Path
) -> None:
    shutil.copytree(mlp / "model", tmp_path / "model")
    with pytest.raises(UserError, match=message):
        Model.read(changed(tmp_path / "model", **facts))


def test_a_network_that_a_model_names_must_be_one(mlp: Path, tmp_path: Path) -> None:
    shutil.copytree(mlp / "model", tmp_path / "model")
    task = json.loads((tmp_path / "model" / FACTS).read_text())["task"]
    changed(tmp_path / "model", task=task | {"network": {"_target_": "os.system"}})
    with pytest.raises(UserError, match=r"task\.network: os\.system is no class of the kind Mod"):
        Model.read(tmp_path / "model")


@pytest.mark.parametrize("content", [b"", b"[1]", b"nothing", b"\xff{}", b"[" * 100_000])
def test_facts_that_are_garbage_are_one_message(content: bytes, mlp: Path, tmp_path: Path) -> None:
    shutil.copytree(mlp / "model", tmp_path / "model")
    (tmp_path / "model" / FACTS).write_bytes(content)
    with pytest.raises(UserError, match="does not describe a model"):
        Model.read(tmp_path / "model")


def taught(data: Data, learner: Any) -> Experiment:
    experiment = Experiment(data, learner, "random", Plan(20, 1, 0))
    question = experiment.ask()
    assert question is not None
    experiment.tell([row % 3 for row in question.rows.tolist()])
    return experiment


def rows() -> Arrays:
    return Arrays(np.random.default_rng(0).normal(size=(40, 4)), classes=3)


def test_the_model_of_a_loop_of_one_s_own_predicts_files(tmp_path: Path) -> None:
    data = rows()
    experiment = taught(data, SklearnLearner(LogisticRegression(), data))
    np.savez(tmp_path / "new.npz", inputs=data.train.inputs[:5])
    found = experiment.model().predict_files([tmp_path / "new.npz"])
    assert torch.equal(found.probs, experiment.predict(data.train.inputs[:5]))


def test_a_learner_of_code_of_one_s_own_is_not_written(tmp_path: Path) -> None:
    data = rows()
    experiment = taught(data, SklearnLearner(LogisticRegression(), data))
    section = {"_target_": "autoal.SklearnLearner"}
    with pytest.raises(UserError, match=r"SklearnLearner .* code of yours"):
        export(tmp_path / "model", data, experiment.learner, task=section)


def test_a_learner_of_sections_is_written_and_read(tmp_path: Path) -> None:
    data = rows()
    network = {"_target_": "autoal.model.networks.MLP", "hidden": [5]}
    section = {"_target_": "autoal.Task", "network": network}
    learner = TorchLearner(lambda: nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3)), data, steps=1)
    with pytest.raises(UserError, match=r"TorchLearner .* code of yours"):
        export(tmp_path, data, learner, task=section)
    facts = {"shape": (4,), "classes": 3, "preprocess": data.preprocess()}
    mine = learner_of(section, training=learner.training, **facts)
    experiment = taught(data, mine)
    export(tmp_path / "model", data, mine, task=section)
    new = data.train.inputs[:7]
    assert torch.equal(Model.read(tmp_path / "model").predict(new), experiment.predict(new))


def test_preprocessing_is_kept_without_augmentation_and_others_are_refused() -> None:
    images = torch.randint(256, (4, 3, 6, 6), dtype=torch.uint8)
    before = Preprocess([0.1, 0.2, 0.3], [0.5, 0.6, 0.7], crop=2, flip=True)
    after = preprocessing_of(preprocessing_state(before))
    assert torch.equal(after.train()(images), before.eval()(images))
    with pytest.raises(UserError, match="go through Flatten before they are trained on"):
        preprocessing_state(nn.Flatten())
