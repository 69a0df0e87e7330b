import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from autoal import dashboard
from autoal.palette import LIGHT
from tests import wandb_file
from tests.launch import Zygote

AUTOAL = ("strategy=autoal", "strategy.rehearsals=2", "strategy.steps=1", "strategy.sample=100")
SMALL = ("task=logistic", "start=20", "budget=2", "rounds=1", "logger.tables=true")


def keys(built: str) -> set[str]:
    """All names of logged values in a serialised workspace."""
    return set(re.findall(r"(?:al|fit|query|seconds|media)/\w+|n_labelled", built))


def sent(made: Any) -> str:
    """As it goes to the server."""
    return str(made._to_model().model_dump_json(by_alias=True, exclude_none=True))


@pytest.fixture
def parts() -> Any:
    pytest.importorskip("wandb_workspaces", reason="the extra `dashboard` is not installed")
    return dashboard._library()


@pytest.fixture
def built(parts: Any) -> str:
    made = dashboard.workspace(parts, "me", "digits", "Compared")
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


def test_a_workspace_comes_back_from_the_schema_of_the_server_as_it_was(parts: Any) -> None:
    from wandb_workspaces.workspaces.internal import View

    made = dashboard.workspace(parts, "me", "digits", "Compared")
    again = type(made)._from_model(View.model_validate_json(sent(made)))
    assert json.loads(sent(again)) == json.loads(sent(made))


def test_a_report_comes_back_from_the_schema_of_the_server_as_it_was(parts: Any) -> None:
    from wandb_workspaces.reports.v2.internal import ReportViewspec

    made = dashboard.report(parts, "me", "digits", "Compared")
    again = type(made)._from_model(ReportViewspec.model_validate_json(sent(made)))
    again.width = made.width  # which the library does not read back
    assert json.loads(sent(again)) == json.loads(sent(made))


def test_a_report_has_the_panels_of_the_workspace_with_words_above(parts: Any, built: str) -> None:
    made = dashboard.report(parts, "me", "digits", "Compared")
    assert (made.entity, made.project, made.title) == ("me", "digits", "Compared")
    sections = dashboard._panels(parts)
    headings = [block for block in made.blocks if isinstance(block, parts.H2)]
    grids = [block for block in made.blocks if isinstance(block, parts.PanelGrid)]
    assert [heading.text for heading in headings] == [*sections] == [*dashboard.WORDS]
    assert [len(grid.panels) for grid in grids] == [len(panels) for panels in sections.values()]
    assert keys(sent(made)) >= keys(built)


def test_runs_of_a_workspace_have_the_colour_of_their_strategy(parts: Any) -> None:
    section = json.loads(sent(dashboard.workspace(parts, "me", "digits", "Compared")))["spec"][
        "section"
    ]
    (runs,) = section["runSets"]
    assert [group["name"] for group in runs["grouping"]] == ["strategy.value.name"]
    colours = {unquote(key): colour for key, colour in section["customRunColors"].items()}
    for name, place in {"autoal": 0, "margin": 1, "random": 6}.items():
        (found,) = (key for key in colours if f'"value":"{name}"' in key)
        assert runs["id"] in found
        assert colours[found] == LIGHT[place]


def test_runs_of_a_report_have_the_colour_of_their_strategy_but_those_of_the_sweep(
    parts: Any,
) -> None:
    made = json.loads(sent(dashboard.report(parts, "me", "digits", "Compared")))
    grids = [block for block in made["spec"]["blocks"] if block["type"] == "panel-grid"]
    *grouped, sweep = (grid["metadata"] for grid in grids)
    for each in grouped:
        (runs,) = each["runSets"]
        assert [group["name"] for group in runs["grouping"]] == ["strategy.value.name"]
        key = f"{runs['id']}-config:strategy.value.name:margin"
        assert each["customRunColors"][key] == LIGHT[1]
    assert not sweep["runSets"][0]["grouping"]
    assert not sweep["customRunColors"]


def test_every_panel_shows_what_a_run_logs(built: str, train: Zygote, tmp_path: Path) -> None:
    done = train.run(*AUTOAL, *SMALL, f"out={tmp_path}", "name=run")
    assert done.code == 0, done.err
    (part,) = map(wandb_file.whole, tmp_path.glob("run/wandb/offline-run-*"))
    logged = {key for row in wandb_file.history(part) for key in row}
    assert any(re.fullmatch("query/weights/.*", key) for key in logged)
    # Of a picture or a histogram, each entry is a key of its own.
    assert keys(built) <= {"/".join(key.split("/")[:2]) for key in logged}


def answer(capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    assert dashboard.main(["--entity", "me", *flags]) == 2
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


@pytest.mark.parametrize(("kind", "flags"), [("workspace", []), ("report", ["--report"])])
@pytest.mark.parametrize("error", [None, OSError("no network")])
def test_with_a_key_it_is_saved_or_the_reason_told(
    built: str,
    error: Exception | None,
    kind: str,
    flags: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("wandb.login", lambda **options: True)
    monkeypatch.setattr(dashboard, kind, lambda *asked: Sent(error))
    if error:
        assert "W&B did not take it: no network" in answer(capsys, *flags)
    else:
        assert dashboard.main(["--entity", "me", *flags]) == 0
        assert capsys.readouterr().out == f"{Sent.url}\n"
