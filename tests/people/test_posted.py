import json
from typing import Any

import pytest

from tests.people.made import ANSWER
from tests.people.simulated import Client


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "this is not JSON"),
        (b"\xff", 400, "this is not JSON"),
        (b"[]", 400, "must be a mapping"),
        (b"[" * 9000, 400, "this is not JSON"),
        (b"{}", 400, "`id` is missing"),
        ({**ANSWER, "label": "cow"}, 400, "'cow' is not one of the classes"),
        ({**ANSWER, "label": 1}, 400, "`label` must be a text or null"),
        ({**ANSWER, "row": "5"}, 400, "`row` must be a whole number"),
        ({**ANSWER, "row": -5}, 400, "`row` must be a whole number"),
        ({**ANSWER, "seconds": float("nan")}, 400, "`seconds` must be a finite number"),
        ({**ANSWER, "seconds": -1}, 400, "`seconds` must be a finite number"),
        ({**ANSWER, "kind": "undo"}, 400, "`kind` must be one of"),
        ({**ANSWER, "shown": 1}, 400, "`shown` must be true or false"),
        ({**ANSWER, "id": ""}, 400, "`id` must be"),
        ({**ANSWER, "id": "x" * 65}, 400, "`id` must be"),
        ({**ANSWER, "row": 77}, 409, "you are no longer asked about row 77"),
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
