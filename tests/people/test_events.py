import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from autoal.errors import UserError
from autoal.people.deciding import deciding
from autoal.people.events import UNDO, Event, Ledger, median_seconds
from autoal.record.layout import has_labels
from tests.people.made import event


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.jsonl"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_what_is_said_comes_back_as_it_was_said(path: Path) -> None:
    ledger = Ledger(path)
    said = [
        event("a", name="ä/\u2028b\n.jpg", seconds=2.5, guess="dog", shown=True, key="sha256:0"),
        event("b", kind="unsure", label=None, row=3),
        event("c", kind=UNDO, label=None, undoes="a"),
    ]
    written = [ledger.add(one) for one in said]
    assert Ledger(path).events == written == ledger.events
    assert [one.seq for one in written] == [0, 1, 2]
    assert all(one.at.endswith("Z") for one in written)
    assert [*lines(path)[0]][:6] == ["v", "seq", "at", "round", "row", "key"]


def test_names_of_files_that_are_no_text_come_back_and_stay_apart(path: Path) -> None:
    ledger = Ledger(path)
    written = [ledger.add(event(name, name=name)) for name in ("\udcff.jpg", "\udcfe.jpg")]
    assert Ledger(path).events == written


def test_an_event_is_on_the_disk_before_anybody_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    monkeypatch.setattr("os.fsync", lambda file: synced.append(path.read_bytes()))
    Ledger(path).add(event("a"))
    assert synced[0] == path.read_bytes()
    assert len(synced) == 2  # and the folder knows the new file


def test_an_event_that_is_sent_again_is_the_one_that_is_there(path: Path) -> None:
    ledger = Ledger(path)
    first = ledger.add(event("a"))
    assert ledger.add(event("a", label="dog")) is first
    assert "a" in ledger
    assert "b" not in ledger
    assert len(lines(path)) == 1


def test_what_was_taken_back_does_not_count(path: Path) -> None:
    ledger = Ledger(path)
    for one in (event("a"), event("b", row=8), event("c", kind=UNDO, label=None, undoes="a")):
        ledger.add(one)
    assert [one.id for one in ledger.counting()] == ["b"]
    assert [one.id for one in Ledger(path).counting()] == ["b"]


def test_a_line_that_was_cut_off_is_taken_away_and_told(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(path)
    ledger.add(event("a"))
    whole = path.read_bytes()
    second = ledger.add(event("b")).to_line()
    for cut in range(1, len(second)):
        path.write_bytes(whole + second[:cut])
        assert [one.id for one in Ledger(path).events] == ["a"]
        assert path.read_bytes() == whole
        assert "labels.jsonl: the last line is incomplete" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"v": 2}, "`v` is 2, and this version reads 1"),
        ({"seq": 5}, "`seq` is 5, where 1 would follow"),
        ({"id": "a"}, "the id 'a' stood in an earlier line"),
        ({"kind": "guess"}, "`kind` must be one of label, correct"),
        ({"label": None}, "`label` is None for the kind label"),
        ({"kind": "unsure"}, "`label` is 'cat' for the kind unsure"),
        ({"row": -1}, "`row` must be a whole number from 0 on, got -1"),
        ({"seconds": float("nan")}, "`seconds` must be a finite number"),
        ({"undoes": "a"}, "`undoes` is 'a' for the kind label"),
        ({"kind": "undo", "label": None}, "`undoes` is None for the kind undo"),
        ({"kind": "undo", "label": None, "undoes": "x"}, "takes back 'x', which no earlier line"),
    ],
)
def test_a_line_that_nobody_wrote_is_refused_by_its_number(
    path: Path, changed: dict[str, Any], words: str
) -> None:
    ledger = Ledger(path)
    ledger.add(event("a"))
    ledger.add(event("b"))
    first, second = path.read_text().splitlines()
    path.write_text(f"{first}\n{json.dumps({**json.loads(second), **changed})}\n")
    with pytest.raises(UserError, match=r"labels\.jsonl, line 2: ") as refused:
        Ledger(path)
    assert words in str(refused.value)


@pytest.mark.parametrize("line", ["", "{", "[]", "\ud800", '{"v": 1}', '{"v": 1, "v": 1}'])
def test_what_is_no_event_is_refused(path: Path, line: str) -> None:
    path.write_bytes(line.encode(errors="surrogatepass") + b"\n\n")
    with pytest.raises(UserError, match=r"labels\.jsonl, line 1: "):
        Ledger(path)


@pytest.mark.parametrize("name", ["write", "fsync"])
def test_a_full_disk_takes_nothing_and_later_takes_all(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    ledger = Ledger(path)
    ledger.add(event("a"))
    before = path.read_bytes()

    def full(*given: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, name, full)
        with pytest.raises(UserError, match=r"cannot write .*labels\.jsonl: No space left"):
            ledger.add(event("b"))
    assert path.read_bytes() == before
    assert "b" not in ledger
    ledger.add(event("b"))
    assert [one.id for one in Ledger(path).events] == ["a", "b"]


def test_a_disk_that_takes_a_part_of_a_line_keeps_none_of_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, line: write(file, line[:9]))
    with pytest.raises(UserError, match="No space left"):
        Ledger(path).add(event("a"))
    assert path.read_bytes() == b""


def test_a_link_in_the_place_of_the_file_is_not_followed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    path.symlink_to(tmp_path / "other")
    with pytest.raises(UserError, match="cannot write"):
        Ledger(path).add(event("a"))
    assert (tmp_path / "other").read_bytes() == b""


def test_a_class_with_labels_must_stay(path: Path) -> None:
    ledger = Ledger(path)
    ledger.add(event("a"))
    ledger.add(event("b", label="dog"))
    ledger.demand_classes(["cat", "dog", "new"])
    with pytest.raises(UserError, match=r"line 2: 7\.jpg is labelled 'dog', not one of"):
        ledger.demand_classes(["cat", "wolf"])
    ledger.add(event("c", kind=UNDO, label=None, undoes="b"))
    ledger.demand_classes(["cat", "wolf"])


def test_a_row_is_what_was_decided_last_or_else_said_first(path: Path) -> None:
    ledger = Ledger(path)
    said = [
        *(event("a", label="cat"), event("b", label="dog", by="ben")),
        *(event("c", kind="unsure", label=None, row=8), event("d", row=9)),
    ]
    for one in said:
        ledger.add(one)
    assert {row: one.id for row, one in deciding(path).items()} == {7: "a", 9: "d"}
    ledger.add(event("e", kind="adjudicate", label="dog", by="cyd"))
    ledger.add(event("f", kind="correct", label="eel"))
    assert deciding(path)[7].id == "f"
    ledger.add(event("g", kind=UNDO, label=None, undoes="f"))
    assert deciding(path)[7].id == "e"


def test_whoever_only_reads_leaves_a_line_that_is_being_written(path: Path) -> None:
    Ledger(path).add(event("a"))
    path.write_bytes(path.read_bytes() + b'{"v": 1')
    before = path.read_bytes()
    assert [*deciding(path)] == [7]
    assert path.read_bytes() == before


def test_whether_there_is_anything(path: Path) -> None:
    assert not has_labels(path.parent)
    Ledger(path)
    assert not has_labels(path.parent)
    Ledger(path).add(event("a"))
    assert has_labels(path.parent)


def test_the_seconds_in_the_middle() -> None:
    def timed(*seconds: float | None) -> list[Event]:
        return [event("a", seconds=one) for one in seconds]

    assert median_seconds(timed(9, None, 1, 2)) == 2
    assert median_seconds(timed(None)) is None
