"""The scripts of docs/python.md and the classes of docs/plugins.md, run as they stand there."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autoal import Experiment, Question, RunFolder, TrueLabels
from autoal.report.__main__ import main as report
from autoal.testing import check_data, check_growth, check_oracle, check_strategy, make_view
from tests.launch import Zygote
from tests.report.made import write_run

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "python.md"
SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
SCRIPTS = [
    (title, number, script)
    for title, text in SECTION.findall(PAGE.read_text())
    for number, script in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
]

Namespace = dict[str, Any]


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(title: str, number: int = 0) -> Namespace:
    """The variables that a script leaves behind."""
    (script,) = (code for name, place, code in SCRIPTS if (name, place) == (title, number))
    namespace: Namespace = {"__name__": "__main__"}
    exec(compile(script, f"{PAGE.name}: {title}", "exec"), namespace)
    return namespace


def test_every_script_of_the_page_is_run_here() -> None:
    told = Path(__file__).read_text()
    for title, number, _ in SCRIPTS:
        call = f'run("{title}", {number})' if number else f'run("{title}")'
        assert call in told


def test_ask_and_tell() -> None:
    left = run("Ask and tell")
    history = left["experiment"].history
    assert [done.labelled for done in history] == [20, 30, 40, 50, 60, 70]
    assert history[-1].metrics["accuracy"] > 0.8
    assert left["data"].train.labels.max() == -1  # the pool's labels were only ever told


def test_the_ten_lines_are_ten() -> None:
    (script,) = (code for title, number, code in SCRIPTS if (title, number) == ("Ask and tell", 0))
    lines = [line for line in script.splitlines() if line and "import" not in line]
    assert len(lines) <= 10


def test_a_simulation_with_answers_that_err() -> None:
    history = run("Ask and tell", 1)["experiment"].history
    assert sum(done.wrong or 0 for done in history) > 0
    assert all(done.steps == 100 for done in history)
    assert history[-1].metrics["accuracy"] > 0.5


def test_networks_of_others() -> None:
    left = run("Your own network")
    assert [done.labelled for done in left["experiment"].history] == [50, 70]
    head = left["learner"].task.network.head
    assert (type(head), head.out_features) == (torch.nn.Linear, 10)
    assert left["done"].metrics["accuracy"] > 0.15  # of ten classes, after twenty steps


def test_a_lightning_module() -> None:
    left = run("Your own LightningModule")
    history = left["experiment"].history
    assert [done.labelled for done in history] == [50, 70, 90]
    assert [done.steps for done in history] == [80, 100, 120]  # batches of 16, 20 epochs
    assert history[-1].metrics["accuracy"] > 0.75


def test_an_estimator_of_scikit_learn() -> None:
    history = run("scikit-learn")["experiment"].history
    assert [done.labelled for done in history] == [20, 30, 40, 50]
    assert history[-1].metrics["accuracy"] > 0.85


def test_texts() -> None:
    left = run("Texts")
    assert left["experiment"].history[-1].metrics["accuracy"] > 0.9
    assert left["question"] is None
    probs = left["experiment"].predict(["a dull and sad film", "a great one"])
    assert [left["rows"].classes[place] for place in probs.argmax(1)] == ["bad", "good"]


def test_rows_and_answers_of_ones_own() -> None:
    history = run("Your own data and answers")["experiment"].history
    assert [len(done.queried) + len(done.declined) for done in history] == [30, 10, 10, 10]
    declined = [row for done in history for row in done.declined]
    assert declined
    assert all(row % 5 == 0 for row in declined)
    assert len(set(declined)) == len(declined)
    assert history[-1].metrics["accuracy"] > 0.8


def records(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The rounds of every run below, but for how long they took."""
    return {
        path.parent.name: [
            {**json.loads(line), "seconds": None} for line in path.read_text().splitlines()
        ]
        for path in sorted(folder.glob("*/rounds.jsonl"))
    }


def test_a_run_that_is_kept_goes_on_and_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("A run that is kept, and goes on")
    whole = records(Path("runs"))
    assert list(whole) == ["margin-0", "margin-1", "random-0", "random-1"]
    assert {len(rounds) for rounds in whole.values()} == {5}
    assert report(["runs"]) == 0
    assert "digits,margin,2" in (Path("runs") / "report" / "tables" / "results.csv").read_text()

    (tmp_path / "stopped").mkdir()
    monkeypatch.chdir(tmp_path / "stopped")
    add, left = RunFolder.add, iter(range(7))

    def stopped(self: RunFolder, *arguments: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        add(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(RunFolder, "add", stopped)
        with pytest.raises(KeyboardInterrupt):
            run("A run that is kept, and goes on")
    assert [len(rounds) for rounds in records(Path("runs")).values()] == [2, 5]
    run("A run that is kept, and goes on")
    assert records(Path("runs")) == whole


def test_a_run_of_the_command_is_opened(train: Zygote, tmp_path: Path) -> None:
    options = ("task=mlp", "task.steps=5", "rounds=1", "logger=none")
    assert train.run(*options, f"out={tmp_path}/runs", "name=mine").code == 0
    left = run("A run that is kept, and goes on", 1)
    history = left["run"].experiment.history
    assert [done.number for done in history] == [0, 1]
    assert left["question"] is None
    assert left["probs"].shape == (5, 10)


def test_the_model_of_a_run_is_read(train: Zygote, tmp_path: Path) -> None:
    options = ("task=mlp", "task.steps=5", "rounds=0", "logger=none")
    assert train.run(*options, f"out={tmp_path}/runs", "name=mine").code == 0
    (script,) = re.findall(r"```python\n(.*?)```", (DOCS / "predict.md").read_text(), re.DOTALL)
    left: Namespace = {}
    exec(compile(script, "predict.md", "exec"), left)
    assert torch.equal(left["probs"], left["model"].predict(left["pictures"]))
    assert left["names"][4] == "new.npz[4]"


def test_gains_over_all_settings_are_read_from_python(tmp_path: Path) -> None:
    for budget in (2, 3):
        for strategy, last in (("random", 0.6), ("margin", 0.8)):
            name = f"{strategy}-{budget}"
            write_run(tmp_path / "runs", name, [0.4, last], strategy=strategy, budget=budget)
    (script,) = re.findall(r"```python\n(.*?)```", (DOCS / "report.md").read_text(), re.DOTALL)
    left: Namespace = {}
    exec(compile(script, "report.md", "exec"), left)
    assert left["found"].means == pytest.approx([0.1, 0.1])


def test_the_trained_model_afterwards() -> None:
    left = run("The trained model on new data")
    experiment: Experiment = left["experiment"]
    expected = left["logits"].softmax(1)
    torch.testing.assert_close(left["probs"], expected)
    torch.testing.assert_close(experiment.predict(left["new"].tolist()), expected)
    assert Path("digits.pt").exists()
    true = left["labels"][1500:]
    assert np.mean(left["probs"].argmax(1).numpy() == true) > 0.7


def test_the_plugins_that_are_shown_keep_their_promises() -> None:
    shown: Namespace = {}
    for code in re.findall(r"```python\n(.*?)```", (DOCS / "plugins.md").read_text(), re.DOTALL):
        exec(compile(code, "plugins.md", "exec"), shown)
    check_strategy(shown["Density"](k=5))
    check_data(shown["Stripes"](count=40, validation=10))
    truth = TrueLabels(torch.arange(30) % 2)
    question = Question(1, torch.tensor([4, 10, 25, 7]), ("left", "right"))
    check_oracle(shown["Shy"](truth), question)
    assert shown["Shy"](truth)(question).rows.tolist() == [4, 7]
    check_growth(shown["Mirrored"], make_view())
