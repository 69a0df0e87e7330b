"""A model that came out of a run says what it said in the run."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from sklearn.linear_model import LogisticRegression
from torch import nn

from autoal import (
    Arrays,
    Data,
    Experiment,
    Learner,
    Model,
    Plan,
    SklearnLearner,
    TorchLearner,
    Trained,
    Training,
    UserError,
    export,
    labels,
    predict,
)
from autoal.data.images import Preprocess
from autoal.exported.place import is_model_of
from autoal.exported.preprocessing import preprocessing_of, preprocessing_state
from autoal.exported.readme import readme
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


def test_the_model_of_another_run_is_replaced(
    train: Zygote, mlp: Path, digits: Path, tmp_path: Path
) -> None:
    shutil.copytree(mlp / "model", tmp_path / "run" / "model")  # of as many rounds
    chosen = ("data=npz", f"data.path={digits}", "task=mlp", "task.steps=1", "strategy=random")
    assert train.run(*chosen, "rounds=1", "logger=none", f"out={tmp_path}", "name=run").code == 0
    facts = json.loads((tmp_path / "run" / "model" / FACTS).read_text())
    assert facts["run"] == config_of(tmp_path / "run")["about"]["id"]
    assert facts["metrics"]["accuracy"] == metrics_of(tmp_path / "run")["accuracy"]


@pytest.mark.parametrize("content", [b"", b"[1]", b"nothing", b"[" * 100_000])
def test_facts_that_are_garbage_are_those_of_no_model(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FACTS).write_bytes(content)
    assert not is_model_of(tmp_path, "run", 1)


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
        (
            {"task": {"_target_": "os.system", "command": "false"}},
            "os.system is not a class of the",
        ),
        ({"task": {"_target_": "pathlib.Path"}}, "Path is not a class of the kind Task or Learner"),
        ({"encoder": {"_target_": "os.getcwd"}}, "getcwd is not a class of the kind Encoder"),
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
    with pytest.raises(
        UserError, match=r"task\.network: os\.system is not a class of the kind Mod"
    ):
        Model.read(tmp_path / "model")


def test_nothing_of_unknown_origin_is_imported_unless_it_is_trusted(
    mlp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stranger.py").write_text(
        "from autoal import Task\nimport pathlib\n\n"
        "pathlib.Path(__file__).with_name('imported').touch()\n\n\nclass Mine(Task): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    shutil.copytree(mlp / "model", tmp_path / "model")
    task = json.loads((tmp_path / "model" / FACTS).read_text())["task"]
    model = changed(tmp_path / "model", task=task | {"_target_": "stranger.Mine"})
    with pytest.raises(UserError, match=r"stranger\.Mine belongs to neither AutoAL nor .* trust="):
        Model.read(model)
    assert not (tmp_path / "imported").exists()
    learner = Model.read(model, trust=["stranger"]).learner
    assert isinstance(learner, Trained)
    assert type(learner.task).__name__ == "Mine"
    Model.read(model)  # the program has imported it by now


def test_networks_that_a_model_names_are_of_known_origin_too(mlp: Path, tmp_path: Path) -> None:
    shutil.copytree(mlp / "model", tmp_path / "model")
    task = json.loads((tmp_path / "model" / FACTS).read_text())["task"]
    changed(tmp_path / "model", task=task | {"network": {"_target_": "antigravity.Net"}})
    with pytest.raises(UserError, match=r"task\.network: antigravity.Net belongs to neither"):
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
    with pytest.raises(UserError, match=r"SklearnLearner .* your code"):
        export(tmp_path / "model", data, experiment.learner, task=section)


def test_a_learner_of_sections_is_written_and_read(tmp_path: Path) -> None:
    data = rows()
    network = {"_target_": "autoal.model.networks.MLP", "hidden": [5]}
    section = {"_target_": "autoal.Task", "network": network}
    learner = TorchLearner(lambda: nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3)), data, steps=1)
    with pytest.raises(UserError, match=r"TorchLearner .* your code"):
        export(tmp_path, data, learner, task=section)
    facts = {"shape": (4,), "classes": 3, "preprocess": data.preprocess()}
    mine = learner_of(section, training=learner.training, **facts)
    experiment = taught(data, mine)
    export(tmp_path / "model", data, mine, task=section)
    new = data.train.inputs[:7]
    assert torch.equal(Model.read(tmp_path / "model").predict(new), experiment.predict(new))


def logistic(data: Data) -> tuple[dict[str, str], Learner]:
    """A section, and the learner that it describes."""
    section = {"_target_": "autoal.model.logistic.Logistic"}
    facts = {"shape": (4,), "classes": 3, "preprocess": data.preprocess()}
    return section, learner_of(section, training=Training(), **facts)


def test_the_statistics_of_the_data_are_not_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = rows()
    section, learner = logistic(data)
    assert isinstance(learner, Trained)
    expected = learner.task.preprocess(data.train.inputs)
    monkeypatch.setattr(data, "preprocess", None)
    export(tmp_path / "model", data, learner, task=section)
    found = Model.read(tmp_path / "model").learner
    assert isinstance(found, Trained)
    assert torch.equal(found.task.preprocess(data.train.inputs), expected)


def test_what_is_told_about_a_model_is_plain(tmp_path: Path) -> None:
    data = rows()
    section, learner = logistic(data)
    about = {"metrics": {"accuracy": torch.ones(1)}}
    with pytest.raises(UserError, match=r"metrics\.accuracy=tensor.* must be a number"):
        export(tmp_path, data, learner, task=section, about=about)
    assert not list(tmp_path.iterdir())


def test_names_stand_in_the_readme_as_they_are() -> None:
    text = readme({"classes": ["`a`", "b\n# c", "*d*"]})
    assert r"It distinguishes 3 classes: \`a\`, b # c, \*d\*." in text.splitlines()


def test_names_that_are_no_text_come_out_escaped(
    train: Zygote, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place, name in enumerate((b"caf\xe9", b"tea")):
        folder = tmp_path / "data" / os.fsdecode(name)
        folder.mkdir(parents=True)
        for number in range(8):
            picture = Image.new("RGB", (4, 4), (30 * place, 20 * number, 0))
            picture.save(folder / os.fsdecode(b"\xff%d.png" % number))
    chosen = ("data=folder", f"data.path={tmp_path}/data", "data.size=4", "task=mlp")
    options = ("task.steps=1", "strategy=random", "start=4", "rounds=0", "logger=none")
    finished = train.run(*chosen, *options, f"out={tmp_path}", "name=run")
    assert (finished.code, "is not written" in finished.err) == (0, False)
    assert r"caf\udce9" in (tmp_path / "run" / "model" / "README.md").read_text("utf-8")
    out = tmp_path / "labels.jsonl"
    assert labels.main([str(tmp_path / "run"), "--format", "jsonl", "--out", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert {line["label"] for line in lines} <= {"caf\udce9", "tea"}
    assert all((tmp_path / "data" / line["name"]).is_file() for line in lines)
    assert predict.main([str(tmp_path / "run"), str(tmp_path / "data")]) == 0
    assert r"p_caf\udce9" in capsys.readouterr().out


def test_preprocessing_is_kept_without_augmentation_and_others_are_refused() -> None:
    images = torch.randint(256, (4, 3, 6, 6), dtype=torch.uint8)
    before = Preprocess([0.1, 0.2, 0.3], [0.5, 0.6, 0.7], crop=2, flip=True)
    after = preprocessing_of(preprocessing_state(before))
    assert torch.equal(after.train()(images), before.eval()(images))
    with pytest.raises(UserError, match="go through Flatten before training"):
        preprocessing_state(nn.Flatten())
