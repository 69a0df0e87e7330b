import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from autoal import dashboard
from tests import wandb_file
from tests.launch import Zygote

AUTOAL = ("strategy=autoal", "strategy.rehearsals=2", "strategy.steps=1", "strategy.sample=100")
SMALL = ("task=logistic", "start=20", "budget=2", "rounds=1")


def keys(built: str) -> set[str]:
    """All names of logged values in a serialised workspace."""
    return set(re.findall(r"(?:al|fit|query|seconds|media)/\w+|n_labelled", built))


@pytest.fixture
def built() -> str:
    pytest.importorskip("wandb_workspaces", reason="the extra `dashboard` is not installed")
    made = dashboard.workspace(dashboard._library(), "me", "digits", "Compared")
    return str(made._to_model().model_dump_json())


def test_a_workspace_is_laid_out_without_a_key(built: str) -> None:
    found = json.loads(built)
    assert (found["entity"], found["project"], found["display_name"]) == (
        "me",
        "digits",
        "Compared",
    )
    sections = found["spec"]["section"]["panel_bank_config"]["sections"]
    panels = {each["name"]: each["panels"] for each in sections if each["panels"]}
    assert tuple(panels) == (
        *("Accuracy over labels", "Mixing weights", "Learner", "Queries", "Time", "Training"),
        "Sweep",
    )
    accuracy = panels["Accuracy over labels"][0]["config"]
    assert (accuracy["x_axis"], accuracy["metrics"]) == ("n_labelled", ["al/accuracy"])
    assert accuracy["group_by"] == "strategy.value.name"
    assert (accuracy["group_agg"], accuracy["group_area"]) == ("mean", "stddev")


def test_every_panel_shows_what_a_run_logs(built: str, train: Zygote, tmp_path: Path) -> None:
    done = train.run(*AUTOAL, *SMALL, f"out={tmp_path}", "name=run")
    assert done.code == 0, done.err
    (part,) = map(wandb_file.whole, tmp_path.glob("run/wandb/offline-run-*"))
    logged = {key for row in wandb_file.history(part) for key in row}
    assert any(re.fullmatch("query/weights/.*", key) for key in logged)
    # Of a picture or a histogram, each entry is a key of its own.
    assert keys(built) <= {"/".join(key.split("/")[:2]) for key in logged}


def answer(capsys: pytest.CaptureFixture[str]) -> str:
    assert dashboard.main(["--entity", "me"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert len(told.splitlines()) == 1
    return told


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "wandb_workspaces", None)
    monkeypatch.setitem(sys.modules, "wandb_workspaces.reports.v2", None)
    assert "pip install 'autoal[dashboard]'" in answer(capsys)


def test_without_a_key_it_says_how_to_get_one(
    built: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("wandb.login", lambda **options: False)
    assert "wandb login" in answer(capsys)


class Sent:
    """In the place of a workspace whose server takes it, or does not."""

    url = "https://wandb.test/me/digits"

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def save(self) -> Any:
        if self.error:
            raise self.error
        return self


@pytest.mark.parametrize("error", [None, OSError("no network")])
def test_with_a_key_it_is_saved_or_the_reason_told(
    built: str,
    error: Exception | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("wandb.login", lambda **options: True)
    monkeypatch.setattr(dashboard, "workspace", lambda *asked: Sent(error))
    if error:
        assert "W&B did not take the workspace: no network" in answer(capsys)
    else:
        assert dashboard.main(["--entity", "me"]) == 0
        assert capsys.readouterr().out == f"{Sent.url}\n"
