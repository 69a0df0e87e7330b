"""The real Label Studio, where AUTOAL_LABEL_STUDIO names its executable."""

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from autoal.data.texts import Text
from autoal.errors import Waiting
from autoal.exported.label_studio import as_label_studio, interface
from autoal.people.label_studio import LabelStudio
from autoal.people.label_studio_api import Api
from tests.exported.test_label_studio import shown
from tests.oracles.made import pairs, question_of
from tests.people.asking import data_of

KEY = "a" * 40
PIXELS = torch.arange(3 * 64, dtype=torch.uint8).view(3, 1, 8, 8)
PATIENCE = 300  # seconds that its first start may take

pytestmark = pytest.mark.skipif(
    "AUTOAL_LABEL_STUDIO" not in os.environ, reason="AUTOAL_LABEL_STUDIO names no executable"
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """That of a server of its own."""
    folder = tmp_path_factory.mktemp("studio")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [os.environ["AUTOAL_LABEL_STUDIO"], "start", "--init", "--no-browser"]
    place = ["--internal-host", "127.0.0.1", "--port", port, "--data-dir", str(folder / "data")]
    account = ["--username", "me@example.com", "--password", "secret123", "--user-token", KEY]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, *place, *account, "--enable-legacy-api-token"],
            stdout=log,
            stderr=log,
            env={**os.environ, "HOME": str(folder), "COLLECT_ANALYTICS": "false"},
        )
    try:
        _await(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _await(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(1)
        else:
            return


@pytest.fixture
def api(url: str, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setenv("AUTOAL_LABEL_STUDIO_TOKEN", KEY)
    return Api(url)


def annotate(api: Api, project: int, label: str | None, about: str = "picture") -> Any:
    """Annotate the task that the page would show next; None skips it."""
    task = api.get(f"/api/projects/{project}/next")
    choice = {"from_name": "class", "to_name": about, "type": "choices"}
    result = [] if label is None else [choice | {"value": {"choices": [label]}}]
    said = {"result": result, "was_cancelled": label is None, "lead_time": 2.5}
    api.post(f"/api/tasks/{task['id']}/annotations/", said)
    return task


def test_its_tasks_come_in_our_order_and_its_annotations_are_answers(
    api: Api, url: str, tmp_path: Path
) -> None:
    asked = question_of([7, 3, 5], number=0, names=["a", "b", "c"], shown=PIXELS)
    oracle = LabelStudio(data_of(asked), tmp_path, url=url, wait=False)
    with pytest.raises(Waiting):
        oracle(asked)
    project = json.loads((tmp_path / "label_studio.json").read_text())["project"]
    tasks = [annotate(api, project, label) for label in ("red", None, "blue")]
    assert [task["data"]["name"] for task in tasks] == ["a", "b", "c"]
    answers = oracle(asked)
    assert pairs(answers) == {7: 0, 5: 2}
    assert answers.people == {"me@example.com": {"labels": 2, "seconds": 5.0}}


def test_texts_are_shown_as_they_are_and_labelled(api: Api, url: str, tmp_path: Path) -> None:
    pair = Text.of(("question", "answer"), ("Who & why?", "<b>they</b> $name\n{{x}}"))
    asked = question_of([7, 3], number=0, names=["a", "b"], shown=["long " * 8000, pair])
    oracle = LabelStudio(data_of(asked), tmp_path, url=url, wait=False)
    with pytest.raises(Waiting):
        oracle(asked)
    project = json.loads((tmp_path / "label_studio.json").read_text())["project"]
    tasks = [annotate(api, project, label, about="text") for label in ("red", "blue")]
    assert tasks[0]["data"]["text"].split() == ["long"] * 8000
    told = "question: Who & why?\n\nanswer: <b>they</b> $name\n{{x}}"
    assert tasks[1]["data"]["text"] == told
    assert pairs(oracle(asked)) == {7: 0, 3: 2}


def test_a_key_of_today_is_taken(api: Api, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token = api.post("/api/token/", {})["token"]
    monkeypatch.setenv("AUTOAL_LABEL_STUDIO_TOKEN", token)
    assert [account["email"] for account in Api(url).get("/api/users/")] == ["me@example.com"]


def test_it_imports_the_labels_of_a_run(api: Api) -> None:
    labelled = shown(PIXELS[:1])
    settings = {"title": "imported", "label_config": interface(labelled)}
    project = api.post("/api/projects/", settings)["id"]
    tasks = json.loads(as_label_studio(labelled, None))
    assert api.post(f"/api/projects/{project}/import", tasks)["annotation_count"] == 1
    (task,) = api.get(f"/api/projects/{project}/export?exportType=JSON")
    assert task["data"] == tasks[0]["data"]
    assert task["annotations"][0]["result"][0]["value"] == {"choices": ["a"]}
