import json
from pathlib import Path
from typing import Any
from zipfile import Path as PathInZip
from zipfile import ZipFile

import pytest

from autoal.data.textfiles import TextColumns, TextFile, names_in, read_lines, read_texts
from autoal.errors import UserError

BODY = TextColumns(("body",), "topic")


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def lines(*objects: Any) -> str:
    return "".join(json.dumps(each) + "\n" for each in objects)


def plain(file: TextFile) -> list[tuple[Any, ...]]:
    return [(*texts, label) for texts, label in zip(file.texts, file.labels, strict=True)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'id,body,topic\n1," one, ""two""",x\n2,three,\n'),
        ("a.csv", '\ufeffbody;topic\r\n"one, ""two""";x\r\n\r\nthree;\r\n'),
        ("a.tsv", 'body\ttopic\none, "two"\tx\nthree\t\n'),
        ("a.txt", 'body\ttopic\n one, "two" \tx\nthree\t \n'),
        ("a.jsonl", lines({"body": 'one, "two"', "topic": "x"}, {"body": "three"})),
        (
            "a.jsonl",
            lines({"topic": "x", "body": ' one, "two"\n'}, {"body": "three", "topic": None}),
        ),
    ],
)
def test_texts_and_labels_are_read_from_files_of_any_kind(
    tmp_path: Path, name: str, content: str
) -> None:
    file = read_texts(written(tmp_path / name, content), BODY)
    assert plain(file) == [('one, "two"', "x"), ("three", None)]
    assert file.columns == ("body",)
    assert file.names[0] == f"{name}:{2 - name.endswith('jsonl')}"


@pytest.mark.parametrize(
    ("content", "columns", "expected"),
    [
        ("body\none; two; three\n", TextColumns(("body",)), [("one; two; three",)]),
        ('"a; b; c","d; e",x\n', TextColumns((0, 1), 2), [("a; b; c", "d; e")]),
        ('"a, b, c";"d, e";x\n', TextColumns((0, 1), 2), [("a, b, c", "d, e")]),
    ],
)
def test_what_divides_cells_stands_outside_of_quotes_and_is_a_comma_first(
    tmp_path: Path, content: str, columns: TextColumns, expected: list[tuple[str, ...]]
) -> None:
    assert read_texts(written(tmp_path / "a.csv", content), columns).texts == expected


def test_a_header_may_have_line_breaks_in_quotes(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", '\n"body, as it\n\nwas, written";topic\ngood;x\n')
    file = read_texts(path, TextColumns((0,), "topic"))
    assert plain(file) == [("good", "x")]
    assert file.columns == ("body, as it\n\nwas, written",)


def test_a_quote_that_is_a_character_does_not_make_a_header_longer(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 'an "odd;topic\na,b,c;x\n')
    file = read_texts(path, TextColumns((0,), "topic", quoting="none"))
    assert plain(file) == [("a,b,c", "x")]


def test_columns_without_a_header_go_by_their_numbers(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", '"3","A title","Some, words"\n"1","Another","More"\n')
    file = read_texts(path, TextColumns((1, 2), 0))
    assert plain(file) == [("A title", "Some, words", "3"), ("Another", "More", "1")]
    assert file.columns == ("column 1", "column 2")
    assert file.lines == [1, 2]


@pytest.mark.parametrize(
    ("text", "label"), [(("body",), "body"), (("body", "topic"), 1), (("body", 0), None)]
)
def test_a_column_is_given_once(
    tmp_path: Path, text: tuple[str | int, ...], label: str | int | None
) -> None:
    path = written(tmp_path / "a.tsv", "body\ttopic\none\tx\n")
    with pytest.raises(UserError, match=r"a column is named twice among data.text= and data.label"):
        read_texts(path, TextColumns(text, label))


def test_a_key_is_given_once(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", lines({"body": "one"}))
    with pytest.raises(UserError, match="a column is named twice"):
        read_texts(path, TextColumns(("body",), "body"))


def test_columns_of_one_name_are_told_apart_by_their_places(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", "body\ttopic\tbody\none\tx\ttwo\n")
    file = read_texts(path, TextColumns((0, 2), "topic"))
    assert (file.columns, file.texts) == (("body (0)", "body (2)"), [("one", "two")])
    with pytest.raises(UserError, match=r"no column 'body'; it has body \(0\), topic, body \(2\)"):
        read_texts(path, BODY)


def test_a_header_is_told_or_follows_from_the_names_of_columns(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", "body\ttopic\none\tx\n")
    assert len(read_texts(path, TextColumns((0,), "topic")).texts) == 1
    assert len(read_texts(path, TextColumns((0,), 1)).texts) == 2
    assert len(read_texts(path, TextColumns((0,), 1, header=True)).texts) == 1


@pytest.mark.parametrize(
    ("quoting", "name", "expected"),
    [
        ("auto", "a.csv", "a\tb"),
        ("none", "a.csv", '"a\tb"'),
        ("csv", "a.tsv", "a\tb"),
        ("auto", "a.tsv", None),
    ],
)
def test_quotes_are_characters_where_there_is_no_quoting(
    tmp_path: Path, quoting: str, name: str, expected: str | None
) -> None:
    path = written(tmp_path / name, 'body\n"a\tb"\n')
    columns = TextColumns(("body",), quoting=quoting)
    if expected is None:
        with pytest.raises(UserError, match="line 2: it has 2 cells, but the first has 1"):
            read_texts(path, columns)
    else:
        assert read_texts(path, columns).texts == [(expected,)]


@pytest.mark.parametrize(
    ("value", "label"), [(1, "1"), (1.0, "1"), (0.5, "0.5"), (True, "True"), (" x ", "x")]
)
def test_a_label_of_an_object_is_what_a_cell_would_be(
    tmp_path: Path, value: Any, label: str
) -> None:
    path = written(tmp_path / "a.jsonl", lines({"body": "a", "topic": value}))
    assert read_texts(path, BODY).labels == [label]


@pytest.mark.parametrize("label", ["NA", "null", "?", "n/a", "nan"])
def test_a_class_may_be_called_what_is_missing_elsewhere(tmp_path: Path, label: str) -> None:
    table = written(tmp_path / "a.tsv", f"body\ttopic\none\t{label}\n")
    objects = written(tmp_path / "a.jsonl", lines({"body": "one", "topic": label}))
    assert read_texts(table, BODY).labels == read_texts(objects, BODY).labels == [label]


def test_only_a_newline_ends_a_line(tmp_path: Path) -> None:
    text = "a\x0bb\x0cc\x1cd\x85e\u2028f\u202eg"
    assert read_texts(
        written(tmp_path / "a.tsv", f"body\n{text}\n"), TextColumns(("body",))
    ).texts == [(text,)]


def test_a_text_of_two_hundred_thousand_characters_is_read(tmp_path: Path) -> None:
    long = "word " * 40_000
    for name in ("a.csv", "a.tsv"):
        path = written(tmp_path / name, f"body\n{long}\n")
        assert read_texts(path, TextColumns(("body",))).texts == [(long.strip(),)]


def test_a_quoted_text_may_have_lines_of_its_own(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 'body,topic\n"one\ntwo",x\nthree,y\n')
    file = read_texts(path, BODY)
    assert file.texts[0] == ("one\ntwo",)
    assert file.lines == [3, 4]


def test_a_member_of_a_zip_is_read_as_it_lies(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("SST/train.tsv", "body\ttopic\none\tx\n")
    path = PathInZip(tmp_path / "a.zip", "SST/train.tsv")
    assert plain(read_texts(path, BODY)) == [("one", "x")]
    assert names_in(path) == ("body", "topic")


def test_a_plain_file_has_a_text_a_line(tmp_path: Path) -> None:
    file = read_lines(written(tmp_path / "a.txt", "one\n\n two, three\n"))
    assert (file.texts, file.lines) == ([("one",), ("two, three",)], [1, 3])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "a.csv is empty"),
        ("a.jsonl", "\n", "a.jsonl is empty"),
        ("a.tsv", "text\ttopic\none\tx\n", "has no column 'body'; it has text, topic"),
        ("a.tsv", "body\tkind\none\tx\n", "has no column 'topic'; it has body, kind"),
        ("a.tsv", "body\ttopic\none\tx\n \ty\n", "line 3: it has no text in 'body'"),
        ("a.tsv", "body\ttopic\none\tx\n\ty\n", "line 3: it has no text in 'body'"),
        ("a.csv", "body,topic\none,x\ntwo\n", "line 3: it has 1 cells, but the first has 2"),
        ("a.csv", 'body,topic\none,x\n"two,y\n', "line 3 cannot be read as CSV"),
        (
            "a.csv",
            'body,topic\none,x\n"two,y\nthree,z\n',
            "line 3 cannot be read as CSV: .*; with data.quoting=none quotes are characters",
        ),
        ("a.csv", b"body,topic\none,x\n\xff,y\n", "line 3 is not valid UTF-8: save the file"),
        ("a.csv", "body,topic\none,x\n".encode("utf-16"), "line 1 is not valid UTF-8"),
        ("a.tsv", "body\ttopic\none\0\tx\n", "line 2 has a NUL byte"),
        (
            "a.jsonl",
            '{"body": "a"}\n[1]\n',
            r"line 2: it must be a JSON object, \{...\}, got \[1\]",
        ),
        ("a.jsonl", '{"body": "a"}\nbody\n', "line 2: it is not JSON"),
        ("a.jsonl", "[" * 100_000, "line 1: it is not JSON"),
        ("a.jsonl", '{"body": "a"}\n{"text": "b"}\n', "line 2: it lacks 'body'; it has text"),
        ("a.jsonl", '{"body": "a"}\n{}\n', "line 2: it lacks 'body'; it has nothing"),
        ("a.jsonl", '{"body": null}\n', "line 1: it has no text in 'body'"),
        ("a.jsonl", '{"body": 7}\n', "line 1: 'body' must be a text, got 7"),
        ("a.jsonl", '{"body": "\\ud800"}\n', "line 1: 'body' has half a character"),
        ("a.jsonl", '{"body": "\\u0000"}\n', "line 1: 'body' has a NUL character"),
        ("a.jsonl", '{"body": "a", "topic": "\\ud800"}\n', "its label has half a character"),
        ("a.jsonl", '{"body": "a", "topic": "\\u0000"}\n', "its label has a NUL character"),
        (
            "a.jsonl",
            '{"body": "a", "topic": ["x"]}\n',
            r"its label is \['x'\]: a row has one class",
        ),
        (
            "a.parquet",
            "PAR1",
            r"texts are read from files .csv, .tsv, .txt, .jsonl, not '.parquet'",
        ),
    ],
)
def test_a_file_that_cannot_be_is_refused_by_its_line(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read_texts(written(tmp_path / name, content), BODY)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no file .*a\.csv: texts are read from"):
        read_texts(tmp_path / "a.csv", BODY)
    with pytest.raises(UserError, match="is a folder: texts are read from"):
        read_texts(tmp_path, BODY)


def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "a.csv", "body\none\n")
    monkeypatch.setattr(Path, "open", no_reading)
    with pytest.raises(UserError, match=r"a\.csv cannot be read: Permission denied"):
        read_texts(path, BODY)


def no_reading(path: Path, mode: str) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_first_line_of_texts_is_shown_in_short(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", f"{'word ' * 100}\tx\n")
    with pytest.raises(UserError, match="has no column 'body'") as refused:
        read_texts(path, BODY)
    assert len(str(refused.value)) < 300
