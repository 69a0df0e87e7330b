"""What is shown of the rows that were queried first and last."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from struct import pack

import pytest

from autoal.record.finished import finished_rounds
from autoal.record.round import Round
from autoal.report.__main__ import main
from autoal.report.kept import MOST, SIGNATURE, queries
from autoal.report.tables import Crop
from tests.report.made import write_run


def png(width: int, height: int, rest: bytes = b"") -> bytes:
    """As much of a picture as is looked at."""
    return SIGNATURE + b"\0\0\0\rIHDR" + pack(">II", width, height) + rest


TWO = (2 * 34 + 2, 34 + 2)  # pixels of two pictures of 32, side by side and framed


def keep_pictures(run: Path, *contents: bytes) -> None:
    """As the tracking keeps all that was queried in each round at a glance."""
    folder = run / "wandb" / "offline-run-1" / "files" / "media" / "images" / "media"
    folder.mkdir(parents=True)
    for number, content in enumerate(contents):
        (folder / f"queried_{9 + number}_{number}.png").write_bytes(content)


def keep_tables(
    run: Path, *contents: str, kind: str = "queried", begun: str = "offline-run-1"
) -> None:
    """As the tracking keeps texts at a glance, or rows one by one."""
    folder = run / "wandb" / begun / "files" / "media" / "table" / "media"
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(contents):
        name = sha256(content.encode()).hexdigest()[:20]
        (folder / f"{kind}_{number}_{name}.table.json").write_text(content)


def history_of(run: Path) -> list[Round]:
    return finished_rounds(run)[1]


def page_of(top: Path) -> str:
    assert main([str(top)]) == 0
    return (top / "report" / "report.html").read_text()


def test_pictures_stand_beside_what_the_record_tells_of_them(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a", [0.5, 0.6, 0.7])
    keep_pictures(run, *(png(*TWO, word) for word in (b"start", b"first", b"last")))
    first, last = queries(run, history_of(run), "margin")
    assert first.rows.title == "round 1, chosen by margin; 2 labelled"
    # The second of two begins after a frame, the first picture and another frame.
    crops = [Crop(TWO, (2, 2), (32, 32)), Crop(TWO, (36, 2), (32, 32))]
    assert first.rows.header == ["", "row", "label"]
    assert first.rows.rows == [[crops[0], "row 2", "class 0"], [crops[1], "row 3", "class 1"]]
    assert b64encode(png(*TWO, b"last")).decode() in last.picture
    text = page_of(tmp_path)
    assert [text.count(b64encode(png(*TWO, word)).decode()) for word in (b"start", b"first")] == [
        0,
        1,
    ]
    # Half as large again: 32 pixels become 48, and 34 to the left of it 51.
    assert "width:48px;height:48px;background-size:105.0px 54.0px;" in text
    assert "background-position:-54.0px -3.0px" in text
    assert not list((tmp_path / "report" / "tables").glob("queried*"))


def test_rows_one_by_one_tell_predictions_and_scores(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a", [0.5, 0.6])
    keep_pictures(run, png(*TWO), png(*TWO))
    columns = ["round", "row", "picture", "label", "prediction", "score"]
    lines = [[1, "b.png", "Image", "cat", "dog", 0.25], [1, "c.png", None, "dog", None, 0.125]]
    keep_tables(run, json.dumps({"columns": columns, "data": lines}), kind="rows")
    (only,) = queries(run, history_of(run), "margin")  # the first query is the last
    assert only.rows.header == ["", "row", "label", "prediction", "score"]
    assert [row[1:] for row in only.rows.rows] == [
        ["b.png", "cat", "dog", 0.25],
        ["c.png", "dog", None, 0.125],
    ]


def test_steps_begin_anew_where_a_run_went_on(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a", [0.5, 0.6, 0.7, 0.8])
    told = [
        [[number, f"row {number}", score]]
        for number, score in [(0, 1), (1, 1), (2, 1), (2, 0), (3, 1)]
    ]
    rows = [json.dumps({"columns": ["round", "row", "score"], "data": data}) for data in told]
    texts = [json.dumps({"columns": ["text"], "data": [[f"text {data[0][0]}"]]}) for data in told]
    for kind, contents in (("rows", rows), ("queried", texts)):
        keep_tables(run, *contents[:3], kind=kind, begun="offline-run-20261126_235959-a")
        # Round 2 again, as a killed run cannot know whether it was sent, and without its scores.
        keep_tables(run, *contents[3:], kind=kind, begun="run-20261127_000001-a")
    first, last = queries(run, history_of(run), "margin")
    assert (first.rows.rows, last.rows.rows) == ([["row 1", 1]], [["row 3", 1]])
    assert first.rows.title.startswith("round 1,")
    (middle,) = queries(run, history_of(run)[1:3], "margin")
    assert middle.rows.rows == [["row 2", 1]]
    for path in run.glob("wandb/*/files/media/table/media/rows_*"):
        path.unlink()
    first, last = queries(run, history_of(run), "margin")
    assert (first.rows.rows, last.rows.rows) == ([["text 1"]], [["text 3"]])


def test_made_and_declined_rows_are_told_apart_and_what_weighed_most(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a", [0.5, 0.6])
    keep_pictures(run, png(*TWO), png(*TWO))
    start, done = history_of(run)
    weights = {"margin": 0.6, "badge": 0.1, "bald": 0.05, "random": 0.25}
    done = replace(done, names=["made-1-0", "b.png"], declined=[7, 9], notes={"weights": weights})
    (only,) = queries(run, [start, done], "autoal")
    assert only.rows.title == (
        "round 1, chosen by autoal (weights: margin .60, random .25, badge .10 and 1 more); "
        "2 labelled; 1 of them made; 2 declined: rows 7, 9"
    )


def test_texts_are_shown_with_their_labels(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a", [0.5, 0.6])
    rows = [[f"<b>{number}</b>", "no"] for number in range(MOST + 1)]
    start, query = ({"columns": ["text", "label"], "data": data} for data in ([["a", "b"]], rows))
    keep_tables(run, json.dumps(start), json.dumps(query))
    text = page_of(tmp_path)
    assert "<td>&lt;b&gt;0&lt;/b&gt;</td><td>no</td>" in text
    assert f"&gt;{MOST}&lt;" not in text


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{}", '{"columns": [], "data": 7}', '{"columns": [1], "data": []}'),
        *('{"columns": ["text"], "data": [[{}]]}', '{"columns": ["text"], "data": [[Infinity]]}'),
        *('{"columns": ["text"], "data": [[NaN]]}', '{"columns": ["text"], "data": [[]]}'),
        "[" * 100_000,
    ],
)
def test_texts_that_are_none_are_told(tmp_path: Path, content: str) -> None:
    keep_tables(write_run(tmp_path, "a", [0.5, 0.6]), "the start", content)
    assert "Notes: broken queries: 1" in page_of(tmp_path)


@pytest.mark.parametrize(
    "contents",
    [
        (b"no picture", b"no picture"),
        (png(*TWO), SIGNATURE),
        (png(*TWO), png(TWO[0] + 1, TWO[1])),
        (png(*TWO), png(6, 4)),
    ],
)
def test_pictures_that_are_none_are_told(tmp_path: Path, contents: Sequence[bytes]) -> None:
    keep_pictures(write_run(tmp_path, "a", [0.5, 0.6]), *contents)
    assert "Notes: broken queries: 1" in page_of(tmp_path)


def test_a_name_that_tells_no_round_is_told(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a", [0.5, 0.6])
    keep_pictures(run, png(*TWO))
    folder = next(run.glob("wandb/*/files/media/images/media"))
    (folder / "queried_x_b.png").write_bytes(png(*TWO))
    assert "Notes: broken queries: 1" in page_of(tmp_path)


def test_queries_of_which_some_rounds_are_lacking_are_left_out(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a", [0.5, 0.6, 0.7])
    keep_pictures(run, png(*TWO), png(*TWO))
    assert queries(run, history_of(run), "margin") == []
