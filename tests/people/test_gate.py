import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from autoal.people.desk import Desk
from autoal.people.gate import address
from tests.people.made import ANSWER
from tests.people.served import Open, Start
from tests.people.simulated import Client


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
