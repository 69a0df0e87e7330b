import json
from typing import Any

import pytest

from autoal.errors import UserError
from autoal.record.reading import read_rounds
from autoal.record.round import Round

ROUND = {
    "round": 0,
    "labelled": 2,
    "queried": [4, 2],
    "labels": [0, 1],
    "names": ["a", "b"],
    "by": "truth",
    "bought": 2,
    "wrong": None,
    "accuracy": 0.5,
    "seconds": {"train": 1.5},
    "steps": 3,
    "notes": {},
}
NEXT = {**ROUND, "round": 1, "labelled": 4, "queried": [7, 1]}


def written(*lines: dict[str, Any]) -> bytes:
    return b"".join(f"{json.dumps(line)}\n".encode() for line in lines)


def message(content: bytes) -> str:
    with pytest.raises(UserError) as refused:
        read_rounds(content, "rounds.jsonl")
    return str(refused.value)


def test_a_record_is_read_whatever_its_last_line_ends_in() -> None:
    rounds = read_rounds(written(ROUND, NEXT), "here")
    assert rounds == [Round.from_line(ROUND), Round.from_line(NEXT)]
    assert read_rounds(written(ROUND, NEXT)[:-1], "here") == rounds
    assert read_rounds(b"", "here") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("queried", ["4", "2"]), ("queried", [4.0, 2]), ("queried", [True, 2]), ("queried", {})),
        *(
            ("queried", [4, 2**63]),
            ("queried", [-1, 2]),
            ("queried", 4),
            ("labels", [0, -1]),
            ("labels", [0, None]),
        ),
        *(("names", ["a", 3]), ("names", "ab"), ("by", 3), ("by", None), ("declined", [0.5])),
        *(("round", "0"), ("round", False), ("labelled", 2.0), ("steps", -1), ("made", None)),
        *(("bought", "2"), ("wrong", -1), ("cost", "3"), ("cost", float("nan")), ("cost", -1)),
        *(("seconds", []), ("seconds", {"train": "1"}), ("seconds", {"train": float("inf")})),
        *(("seconds", {"train": True}), ("notes", []), ("notes", None)),
        *(("accuracy", float("nan")), ("accuracy", float("-inf")), ("accuracy", "0.5")),
        *(("accuracy", None), ("accuracy", True), ("accuracy", [1]), ("accuracy", 10**400)),
    ],
)
def test_a_field_of_another_kind_is_refused_by_name(field: str, value: Any) -> None:
    told = message(written(ROUND, {**NEXT, field: value}))
    assert told.startswith(f"rounds.jsonl, line 2 is not round 1: `{field}` must be a")
    assert len(told) < 200


@pytest.mark.parametrize("field", ["round", "labelled", "queried", "labels", "seconds", "steps"])
def test_a_field_that_is_lacking_is_named(field: str) -> None:
    line = {key: value for key, value in ROUND.items() if key != field}
    assert message(written(line)) == f"rounds.jsonl, line 1 is not round 0: it has no `{field}`"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"labels": [0]}, "2 rows were queried, and `labels` has 1"),
        ({"names": ["a"]}, "2 rows were queried, and `names` has 1"),
        ({"queried": [7, 2]}, "row 2 was asked about before"),
        ({"queried": [7, 7]}, "row 7 was asked about before"),
        ({"declined": [4]}, "row 4 was asked about before"),
        ({"declined": [7]}, "row 7 was asked about before"),
        ({"round": 2}, "`round` is 2"),
        ({"labelled": 5}, "`labelled` is 5, which the rows queried do not add up to"),
    ],
)
def test_what_does_not_go_together_is_refused(line: dict[str, Any], told: str) -> None:
    assert message(written(ROUND, {**NEXT, **line})).endswith(f"line 2 is not round 1: {told}")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (written(ROUND) + b"\n", "line 2 is not round 1: it is empty"),
        (b"\n" + written(ROUND), "line 1 is not round 0: it is empty"),
        (written(ROUND) + b"\xff\xfe\n", "line 2 is not round 1: it is not valid UTF-8"),
        (b"[" * 100_000, "line 1 is not round 0: it is not JSON"),
        (b'{"round": ' + b"9" * 5000 + b"}", "line 1 is not round 0: it is not JSON"),
        (b"\x00\x01\x02", "line 1 is not round 0: it is not JSON"),
        (b"[1, 2]\n", "`a line` must be a mapping, got [1, 2]"),
        (written(ROUND).replace(b'"steps": 3', b'"steps": 3, "steps": 4'), "'steps' occurs twice"),
        (written(ROUND).replace(b'"train": 1.5', b'"a": 1, "a": 2'), "'a' occurs twice"),
        (written(ROUND)[:40], "line 1 is not round 0: it is not JSON"),
    ],
    ids=[
        *("blank last", "blank first", "no text", "deep", "huge number", "binary", "a list"),
        *("twice", "twice within", "cut"),
    ],
)
def test_a_line_that_is_none_is_refused_with_its_number(content: bytes, told: str) -> None:
    assert told in message(content)
