import errno
import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from autoal import Round
from autoal.errors import UserError, Waiting
from autoal.model.fitstep import FitStep
from autoal.people.asked import AskedRow
from autoal.people.desk import Desk
from autoal.people.gate import address
from autoal.people.server import Server
from autoal.people.standing import Standing
from autoal.people.tokens import Tokens
from tests.people.made import asked_of, desk_of
from tests.people.simulated import Client, Simulated, truthful

Start = Callable[..., Server]
Open = Callable[..., Client]

ANSWER = {"id": "x", "row": 5, "kind": "label", "label": "cat", "seconds": 1.0, "shown": False}


@pytest.fixture
def client(server: Start, page: Open) -> Client:
    """Ann's page, on which four rows are asked about."""
    return page(server())


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
    assert [(row["row"], row["suspicion"]) for row in rows] == [(5, 0.7), (3, None)]


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


# Who is let in


@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer wrong", "Bearer é", "Basic x"])
@pytest.mark.parametrize("path", ["/", "/api/state", "/api/labelled", "/picture/5", "/nothing"])
def test_nobody_comes_in_without_a_token(client: Client, path: str, token: str | None) -> None:
    found = client.reach("GET", path, Authorization=token and token.encode().decode("latin-1"))
    assert found.status == 403
    assert set(found.json) == {"error"}


def test_the_token_says_who_somebody_is(server: Start, page: Open, tmp_path: Path) -> None:
    made = server("ann", "ben")
    page(made, "ben").answer(5, "cat")
    assert json.loads((tmp_path / "labels.jsonl").read_text())["by"] == "ben"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1"}, 421),  # another port
        ({"Host": "127.0.0.1:1"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://127.0.0.1:{port}"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Type": None}, 415),
        ({"Origin": "http://localhost:{port}"}, 200),
        ({"Host": "localhost:{port}"}, 200),
        ({"Content_Type": "application/json; charset=utf-8"}, 200),
    ],
)
def test_other_pages_cannot_say_anything(
    server: Start, page: Open, headers: Mapping[str, str | None], status: int
) -> None:
    made = server()
    client = page(made)
    given = {name: value and value.format(port=made.port) for name, value in headers.items()}
    found = client.reach("POST", "/api/answer", json.dumps(ANSWER).encode(), **given)
    assert found.status == status, found
    assert len(made.desk.ledger.events) == (status == 200)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "this is not JSON"),
        (b"\xff", 400, "this is not JSON"),
        (b"[]", 400, "must be a mapping"),
        (b"[" * 9000, 400, "this is not JSON"),
        (b"{}", 400, "`id` is lacking"),
        ({**ANSWER, "label": "cow"}, 400, "'cow' is none of the classes"),
        ({**ANSWER, "label": 1}, 400, "`label` must be a text or null"),
        ({**ANSWER, "row": "5"}, 400, "`row` must be a whole number"),
        ({**ANSWER, "row": -5}, 400, "`row` must be a whole number"),
        ({**ANSWER, "seconds": float("nan")}, 400, "`seconds` must be a finite number"),
        ({**ANSWER, "seconds": -1}, 400, "`seconds` must be a finite number"),
        ({**ANSWER, "kind": "undo"}, 400, "`kind` must be one of"),
        ({**ANSWER, "shown": 1}, 400, "`shown` must be true or false"),
        ({**ANSWER, "id": ""}, 400, "`id` must be"),
        ({**ANSWER, "id": "x" * 65}, 400, "`id` must be"),
        ({**ANSWER, "row": 77}, 409, "row 77 is not asked of you any more"),
        ({**ANSWER, "more": "x" * 20_000}, 413, "Too Large"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_words(
    client: Client, body: Any, status: int, words: str
) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = client.reach("POST", "/api/answer", content)
    assert (found.status, words in found.json["error"]) == (status, True), found.json
    assert client.get("/api/state")["batch"]["done"] == 0


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "GET", "TRACE"])
def test_there_is_one_way_to_answer(client: Client, method: str) -> None:
    assert client.reach(method, "/api/answer", b"{}").status == 405


def test_what_is_no_http_is_answered_without_a_word_in_the_terminal(
    client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    host, _, port = client.netloc.partition(":")
    with socket.create_connection((host, int(port))) as tls:
        tls.sendall(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        assert tls.recv(64).startswith(b"HTTP/1.0 400")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("host", "port", "named"),
    [
        ("127.0.0.1", 8123, "127.0.0.1:8123"),
        ("::1", 8123, "[::1]:8123"),
        ("::1", 80, "[::1]"),
        ("lab", 80, "lab"),
    ],
)
def test_an_address_is_as_browsers_name_it(host: str, port: int, named: str) -> None:
    assert address(host, port) == named


def test_every_answer_bars_what_others_could_do_with_it(client: Client) -> None:
    for path, token in (("/api/state", client.token), ("/nothing", client.token), ("/", "x")):
        headers = client.reach("GET", path, Authorization=f"Bearer {token}").headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; img-src 'self'")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


def test_the_tokens_are_for_nobody_elses_eyes_and_stay_the_same(tmp_path: Path) -> None:
    first = Tokens.kept(tmp_path, ["ann"])
    path = tmp_path / "tokens.json"
    assert path.stat().st_mode & 0o777 == 0o600
    second = Tokens.kept(tmp_path, ["ann", "ben"])
    assert second["ann"] == first["ann"] != second["ben"]
    assert (second.owner(second["ben"]), first.owner(second["ben"])) == ("ben", None)
    assert path.stat().st_mode & 0o777 == 0o600
    for content in (b"", b"{", b"[]", b'{"ann": 3}', b'{"ann": "short"}'):
        path.write_bytes(content)
        assert len(Tokens.kept(tmp_path, ["ann"])["ann"]) >= 24


# What goes wrong


def test_a_full_disk_refuses_an_answer_and_keeps_the_page(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", full)
        found = client.send("/api/answer", **ANSWER)
    assert (found.status, "No space left" in found.json["error"]) == (507, True)
    assert client.get("/api/state")["tasks"][0]["row"] == 5
    assert client.send("/api/answer", **ANSWER).status == 200


def test_a_defect_is_told_once_and_ends_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*given: Any) -> None:
        raise ZeroDivisionError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr(Desk, "undo", broken)
        assert [client.send("/api/undo").status for _ in range(3)] == [500, 500, 500]
    assert capsys.readouterr().err.count("ZeroDivisionError: a defect") == 1
    assert client.answer(5, "cat")["labels"] == 1


def test_a_port_that_is_taken_is_named(server: Start, tmp_path: Path) -> None:
    taken = server()
    desk, tokens = desk_of(tmp_path), Tokens.kept(tmp_path, ["ann"])
    with pytest.raises(UserError, match=rf"port {taken.port} is taken .*oracle\.port="):
        Server(desk, Standing.of(tmp_path, []), tokens, "127.0.0.1", taken.port)
    with pytest.raises(UserError, match=r"cannot listen at 192\.0\.2\.1:0: .*oracle\.host="):
        Server(desk, Standing.of(tmp_path, []), tokens, "192.0.2.1", 0)


# Many, and the end


def test_twenty_people_at_once_never_get_the_same_row(server: Start) -> None:
    people, asked = [f"person {number}" for number in range(20)], asked_of(range(200))
    made = server(*people, asked=asked)
    labels = [row % 3 for row in range(200)]
    says = truthful(["cat", "dog", "eel"], labels)
    crowd = [Simulated(made.url(person), says) for person in people]
    for one in crowd:
        one.start()
    batch = made.ask(1, asked, {})
    made.desk.closed = "done"
    made.step(FitStep(1, 1, 1, 0.0, 0.0))
    for one in crowd:
        one.join()
    assert batch.labels == {row: ("cat", "dog", "eel")[row % 3] for row in range(200)}
    assert sorted(row for one in crowd for row in one.answered) == [*range(200)]
    assert not [row for one in crowd for row in one.late]


def test_enough_for_today_ends_the_wait_after_the_page_was_told(server: Start, page: Open) -> None:
    made = server()
    ann = page(made)
    ann.answer(3, "cat")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(made.ask, 1, asked_of([5, 3, 9, 1]), {})
        assert ann.post("/api/stop")["phase"] == "stopped"
        with pytest.raises(Waiting, match="stopped for today with 3 of the 4 rows of round 1 left"):
            waiting.result()


def test_the_end_is_told_to_pages_that_wait(server: Start, page: Open) -> None:
    made = server()
    ann = page(made)
    version = ann.get("/api/state")["version"]
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ann.get, f"/api/state?since={version}")
        time.sleep(0.1)
        made.close("done")
        assert waiting.result()["phase"] == "done"
