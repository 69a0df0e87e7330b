import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from autoal import Round
from autoal.model.fitstep import FitStep
from autoal.people.asked import AskedRow
from tests.people.made import asked_of
from tests.people.served import Open, Start
from tests.people.simulated import Client

# What a page is told


def test_a_page_is_told_all_that_it_shows(client: Client, tmp_path: Path) -> None:
    state = client.get("/api/state")
    first = state.pop("tasks")[0]
    assert isinstance(state.pop("version"), int)
    assert state == {
        "run": tmp_path.name,
        "folder": str(tmp_path),
        "strategy": "",
        "person": "ann",
        "people": ["ann"],
        "classes": [{"name": n, "key": k} for n, k in (("cat", "1"), ("dog", "2"), ("eel", "3"))],
        "phase": "label",
        "round": 1,
        "rounds": None,
        "model": None,
        "batch": {"done": 0, "of": 4},
        "labels": 0,
        "plan": None,
        "declined": 0,
        "seconds": None,
        "training": None,
        "curve": [],
        "judged": "",
        "checked": 0,
        "advice": None,
    }
    assert first == {
        "row": 5,
        "kind": "label",
        "round": 1,
        "card": {"kind": "text", "name": "5.jpg", "texts": []},
        "guess": [{"label": n, "p": p} for n, p in (("dog", 0.7), ("cat", 0.2), ("eel", 0.1))],
        "why": "it is near",
    }


def test_an_answer_is_answered_with_the_next_rows(client: Client) -> None:
    state = client.answer(5, "cat")
    assert [task["row"] for task in state["tasks"]] == [3, 9, 1]
    assert (state["batch"], state["labels"], state["seconds"]) == ({"done": 1, "of": 4}, 1, 1.0)
    state = client.answer(3, kind="broken")
    assert (state["labels"], state["declined"]) == (1, 1)
    state = client.post("/api/undo")
    assert [task["row"] for task in state["tasks"]] == [3, 9, 1]


def test_a_label_is_listed_and_corrected(client: Client) -> None:
    client.answer(5, "cat")
    client.answer(3, "dog")
    (newest, oldest) = client.get("/api/labelled")["rows"]
    assert (newest["row"], newest["kind"], newest["label"]) == (3, "review", "dog")
    client.post("/api/correct", row=3, label="eel")
    assert client.get("/api/labelled")["rows"][0]["label"] == "eel"
    assert oldest["row"] == 5


def test_labels_that_the_model_doubts_come_first_where_that_is_wanted(
    server: Start, page: Open
) -> None:
    made = server()
    with ThreadPoolExecutor() as pool:
        batch = pool.submit(made.ask, 1, asked_of([5, 3]), {})
        ann = page(made)
        while not ann.get("/api/state")["tasks"]:
            time.sleep(0.01)
        ann.answer(5, "cat")  # which the model took for a dog
        ann.answer(3, "dog")
        batch.result()
    rows = ann.get("/api/labelled?suspected=1")["rows"]
    told = [(row["row"], row["suspected"], row["suspicion"]) for row in rows]
    assert told == [(5, "dog", 0.7), (3, None, None)]


def test_whoever_waits_hears_of_changes_at_once(server: Start, page: Open) -> None:
    made = server("ann", "ben")
    ann, ben = page(made, "ann"), page(made, "ben")
    ben.get("/api/state")
    state = ann.get("/api/state")
    assert (state["phase"], state["tasks"]) == ("wait", [])
    version = state["version"]
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ann.get, f"/api/state?since={version}")
        ben.answer(5, "cat")
        assert waiting.result()["version"] > version


def test_a_page_of_an_earlier_process_does_not_wait(client: Client) -> None:
    assert client.get("/api/state?since=17")["tasks"]


def test_a_page_follows_the_training_and_the_rounds(server: Start, page: Open) -> None:
    made = server()
    ann = page(made)
    for row in (5, 3, 9, 1):
        version = ann.answer(row, "cat")["version"]
    made.ask(1, asked_of([5, 3, 9, 1]), {})
    made.step(FitStep(3, 60, 1, 0.5, 0.1))
    state = wait_for(ann, version, lambda state: state["training"])
    assert (state["phase"], state["training"]) == ("train", {"step": 3, "steps": 60})
    metrics = {"accuracy": 0.8, "accuracy_low": 0.7, "accuracy_high": 0.9}
    made.end(Round(0, 4, [5, 3, 9, 1], [0, 0, 0, 0], metrics, {"total": 1.0}, 60))
    state = wait_for(ann, state["version"], lambda state: state["model"])
    assert state["curve"] == [{"labels": 4, "accuracy": 0.8, "low": 0.7, "high": 0.9}]
    assert (state["judged"], state["training"]) == ("test", None)
    assert (state["model"]["round"], state["model"]["labels"]) == (0, 4)


def wait_for(client: Client, version: int, wanted: Callable[[Any], Any]) -> Any:
    state = client.get(f"/api/state?since={version}")
    while not wanted(state):
        state = client.get(f"/api/state?since={state['version']}")
    return state


# Pictures


def test_a_picture_is_the_file_itself(server: Start, page: Open, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"  # which is a PNG, whatever its name says
    Image.new("RGB", (30, 20)).save(path, "PNG")
    client = page(server(asked=[AskedRow(5, "a.jpg", "", path, (), "")]))
    card = client.get("/api/state")["tasks"][0]["card"]
    assert (card["url"], card["width"], card["height"]) == ("/picture/5", 30, 20)
    found = client.reach("GET", f"{card['url']}?token={client.token}", Authorization=None)
    assert (found.status, found.content) == (200, path.read_bytes())
    assert found.headers["Content-Type"] == "image/png"
    assert found.headers["Cache-Control"] == "private, max-age=31536000, immutable"


def test_pixels_become_a_picture(server: Start, page: Open, tmp_path: Path) -> None:
    pixels = torch.randint(255, (3, 4, 6), dtype=torch.uint8)
    client = page(server(asked=[AskedRow(5, "5", "", pixels, (), "")]))
    (tmp_path / "p.png").write_bytes(client.reach("GET", "/picture/5").content)
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.size == (6, 4)
        assert picture.getpixel((5, 0)) == tuple(pixels[:, 0, 5].tolist())


def test_a_picture_that_has_vanished_is_told_and_can_be_called_broken(
    server: Start, page: Open, tmp_path: Path
) -> None:
    client = page(server(asked=[AskedRow(5, "a.png", "", tmp_path / "a.png", (), "")]))
    assert client.get("/api/state")["tasks"][0]["card"]["width"] == 0
    found = client.reach("GET", "/picture/5")
    assert (found.status, "a.png" in found.json["error"]) == (404, True)
    assert client.answer(5, kind="broken")["declined"] == 1


@pytest.mark.parametrize(
    "path",
    [
        "/picture/77",
        "/picture/5",  # which has none
        "/picture/-1",
        "/picture/5/../../etc/passwd",
        "/picture/..%2f..%2fetc%2fpasswd",
        "/../../etc/passwd",
        "/page/../people.py",
        "/api/",
        "/page.js/x",
    ],
)
def test_no_path_of_a_page_reaches_the_disk(client: Client, path: str) -> None:
    found = client.reach("GET", path)
    assert found.status == 404
    assert found.json["error"]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "GET", "TRACE"])
def test_there_is_one_way_to_answer(client: Client, method: str) -> None:
    assert client.reach(method, "/api/answer", b"{}").status == 405
