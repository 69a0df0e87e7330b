"""People answer in a file: what is written, and whatever comes back from spreadsheets."""

import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoal import Answers, Question, UserError, View
from autoal.data.texts import Text
from autoal.errors import Waiting
from autoal.people.events import Ledger
from autoal.people.files import Files
from tests.oracles.made import pairs, question_of, whole
from tests.people.asking import data_of, learn

NAMES = ["a.jpg", "b.jpg", "c.jpg"]
RED, GREEN, BLUE = range(3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def question(
    rows: list[int] | None = None, names: list[str] | None = None, **parts: Any
) -> Question:
    return question_of(rows or [7, 3, 5], names=names or NAMES, **{"number": 0, **parts})


def answered(folder: Path, asked: Question) -> Answers:
    """The answers in the present file."""
    return Files(data_of(asked), folder)(asked)


def waits(folder: Path, asked: Question) -> str:
    with pytest.raises(Waiting) as caught:
        answered(folder, asked)
    return str(caught.value)


def refuses(folder: Path, asked: Question) -> str:
    content, said = file(folder).read_bytes(), len(events(folder))
    with pytest.raises(UserError) as caught:
        answered(folder, asked)
    assert caught.value.code == 2
    assert file(folder).read_bytes() == content
    assert len(events(folder)) == said
    return str(caught.value)


def file(folder: Path) -> Path:
    return folder / "to_label.csv"


def lines(folder: Path) -> list[dict[str, str]]:
    with file(folder).open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


def events(folder: Path) -> list[tuple[int, str, str | None]]:
    return [(e.row, e.kind, e.label) for e in Ledger(folder / "labels.jsonl").events]


def filled(folder: Path, asked: Question, text: str | bytes) -> Answers:
    """The answers once the file has this content."""
    put(folder, asked, text)
    return answered(folder, asked)


def put(folder: Path, asked: Question, text: str | bytes) -> None:
    waits(folder, asked)
    file(folder).write_bytes(text if isinstance(text, bytes) else text.encode())


# What is asked


def test_the_file_asks_for_each_row_in_the_order_of_the_question(folder: Path) -> None:
    told = waits(folder, question())
    assert told == (
        f"3 rows of round 0 are to be labelled in {file(folder)}\n"
        "  fill in its column `label` with red, green, blue, or unsure or broken to set a row "
        "aside; then the same command goes on"
    )
    assert lines(folder) == [
        {"name": name, "label": "", "guess": "", "margin": "", "why": ""} for name in NAMES
    ]


def test_the_file_says_what_the_model_makes_of_a_row_and_why_it_is_asked(folder: Path) -> None:
    view = View.of(probs=[[0.1, 0.2, 0.7]] * 3 + [[0.45, 0.4, 0.15]] * 5)
    waits(folder, question([2, 6], ["a", "b"], view=view, number=1))
    first, second = lines(folder)
    assert (first["guess"], first["margin"]) == ("blue", "0.5000")
    assert first["why"].endswith("the model takes it for blue")
    assert (second["guess"], second["margin"]) == ("red", "0.0500")
    assert second["why"].endswith("the model hesitates between red and green")
    filled_in(folder, question([2, 6], ["a", "b"], view=view, number=1))
    said = Ledger(folder / "labels.jsonl").events
    assert [(event.guess, event.shown) for event in said] == [("blue", True), ("red", True)]


@pytest.mark.parametrize(
    ("shown", "cells"),
    [
        ([{"age": 7, "Label": "x"}, {"age": 9, "Label": "y"}], {"age": "7", "Label (data)": "x"}),
        (["a text, long", "another"], {"text": "a text, long"}),
        (["=1+1", "another"], {"text": "'=1+1"}),
        (
            [Text.of(["question", "label"], ["Who?", "I."])] * 2,
            {"question": "Who?", "label (data)": "I."},
        ),
        ([{"picture": Path("a.jpg"), "place": "Ulm"}] * 2, {"place": "Ulm"}),
        (["x" * 40_000, ""], {"text": "x" * 32_000}),
    ],
    ids=["table", "text", "formula", "pair", "picture", "long"],
)
def test_what_there_is_to_read_stands_beside_a_row(
    folder: Path, shown: list[Any], cells: dict[str, str]
) -> None:
    waits(folder, question([1, 2], ["a", "b"], shown=shown))
    first = lines(folder)[0]
    assert {key: first[key] for key in list(first)[5:]} == cells
    assert filled_in(folder, question([1, 2], ["a", "b"], shown=shown)) == {1: RED, 2: RED}


def filled_in(folder: Path, asked: Question, label: str = "red") -> dict[int, int]:
    """The answers once a program has put a label into each line."""
    there = lines(folder)
    with file(folder).open("w", encoding="utf-8-sig", newline="") as opened:
        writer = csv.DictWriter(opened, there[0])
        writer.writeheader()
        writer.writerows({**line, "label": label} for line in there)
    return pairs(answered(folder, asked))


@pytest.mark.parametrize(
    "name",
    [
        *("=cmd()", "+1", "-a.jpg", "@x", "'=a", "''=a", "'a", "a,b;c", 'a "b"', " a ", "a  b"),
        *("ä.jpg", "a\nb", "a\udcff.jpg", "a\\udcff.jpg", "\ta", "日本.png", "\x07.jpg"),
    ],
)
def test_every_name_comes_back_the_same(folder: Path, name: str) -> None:
    asked = question([4], [name])
    waits(folder, asked)
    written = lines(folder)[0]["name"]
    assert not written.startswith(("=", "+", "-", "@", "\t"))
    assert filled_in(folder, asked) == {4: RED}
    (event,) = Ledger(folder / "labels.jsonl").events
    assert event.name == name


def test_names_that_differ_in_an_escape_alone_stay_apart(folder: Path) -> None:
    asked = question([1, 2, 3], ["=a", "'=a", "''=a"])
    text = "name,label\n'=a,red\n''=a,green\n'''=a,blue\n"
    assert pairs(filled(folder, asked, text)) == {1: RED, 2: GREEN, 3: BLUE}


def test_letters_beyond_ascii_are_marked_for_spreadsheets_and_no_others(folder: Path) -> None:
    waits(folder, question())
    assert file(folder).read_bytes().startswith(b"name,label,guess,margin,why\n")
    file(folder).unlink()
    waits(folder, question(names=["ä", "b", "c"]))
    assert file(folder).read_bytes().startswith(b"\xef\xbb\xbfname,label")


# What comes back

PLAIN = "name,label\na.jpg,red\nb.jpg,green\nc.jpg,blue\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace(",", "\t").encode("utf-16"),
        PLAIN.replace(",", ";").encode("utf-16-be").join([b"\xfe\xff", b""]),
        "sep=;\r\n" + PLAIN.replace(",", ";"),
        '"sep=|"\n' + PLAIN.replace(",", "|"),
        PLAIN + "\n,\n  ,  \n",
        "\n" + PLAIN.removesuffix("\n"),
        "name,label\n a.jpg , red \nb.jpg,green \nc.jpg,  blue\n",
        "label,mine,name\nred,x,a.jpg\ngreen,,b.jpg\nblue,,c.jpg\n",
        'guess,name,"why, or not",label\n,c.jpg,"a;b",blue\n,a.jpg,,red\n,b.jpg,,green\n',
        '"Name","LABEL"\n"a.jpg","red"\n"b.jpg","green"\n"c.jpg","blue"\n',
        "name,label\na.jpg,RED\nb.jpg,Green\nc.jpg,bLuE\n",
        "name,label,why\na.jpg,red\nb.jpg,green\nc.jpg,blue,\n",
        PLAIN + "a.jpg,\na.jpg,red\n",
    ],
    ids=[
        *("plain", "semicolons", "tabs", "crlf", "cr", "bom", "utf16", "utf16be", "sep", "bars"),
        *("blank", "no_end", "blanks", "columns", "sorted", "quoted", "case", "short", "twice"),
    ],
)
def test_a_file_may_come_back_in_whatever_way_a_spreadsheet_saves_it(
    folder: Path, text: str | bytes
) -> None:
    assert pairs(filled(folder, question(), text)) == {7: RED, 3: GREEN, 5: BLUE}


def test_the_answers_come_in_the_order_of_the_question_and_say_who(folder: Path) -> None:
    answers = filled(folder, question(), PLAIN)
    assert answers.rows.tolist() == [7, 3, 5]
    assert (answers.by, answers.people) == ("files", {})  # nobody took the time
    assert answers.corrected == {}


@pytest.mark.parametrize(
    ("classes", "word", "label"),
    [
        (("cat", "Cat"), "cat", 0),
        (("cat", "Cat"), "Cat", 1),
        (("1", "0"), "0", 1),
        (("1", "3"), "3.0", 1),
        (("x", "Unsure"), "unsure", 1),
        (("-", "+"), "'+", 1),
        (("-", "+"), "+", 1),
        ((" x", "y"), "x", 0),
        (("Straße", "y"), "STRASSE", 0),
    ],
)
def test_a_class_is_meant_by_its_name(
    folder: Path, classes: tuple[str, ...], word: str, label: int
) -> None:
    asked = Question(0, whole([7]), classes, names=["a.jpg"])
    assert pairs(filled(folder, asked, f"name,label\na.jpg,{word}\n")) == {7: label}


@pytest.mark.parametrize("word", ["unsure", "broken", "Unsure"])
def test_a_word_declines_a_row(folder: Path, word: str) -> None:
    answers = filled(folder, question(), PLAIN.replace("green", word))
    assert pairs(answers) == {7: RED, 5: BLUE}
    assert events(folder)[1] == (3, word.lower(), None)


def test_words_that_are_classes_decline_nothing(folder: Path) -> None:
    asked = Question(0, whole([7]), ("unsure", "sure"), names=["a.jpg"])
    assert "with unsure, sure, or broken to set" in waits(folder, asked)
    both = Question(0, whole([7]), ("unsure", "Broken"), names=["a.jpg"])
    assert "with unsure, Broken; then" in waits(folder, both)


def test_what_is_filled_in_is_kept_and_the_rest_is_waited_for(folder: Path) -> None:
    text = PLAIN.replace("green", "")
    put(folder, question(), text)
    told = waits(folder, question())
    assert told.startswith("1 rows of round 0 are to be labelled in")
    assert "(2 of 3 are answered, and kept)" in told
    assert file(folder).read_text() == text
    assert events(folder) == [(7, "label", "red"), (5, "label", "blue")]
    assert pairs(filled(folder, question(), PLAIN)) == {7: RED, 3: GREEN, 5: BLUE}


def test_rows_that_somebody_removed_are_asked_about_once_more(folder: Path) -> None:
    put(folder, question(), "name,label\nb.jpg,green\n")
    assert waits(folder, question()).startswith("2 rows")
    assert [line["name"] for line in lines(folder)] == ["a.jpg", "c.jpg"]
    text = "name,label\na.jpg,red\nc.jpg,blue\n"
    file(folder).write_text(text)
    assert pairs(answered(folder, question())) == {7: RED, 3: GREEN, 5: BLUE}
    assert (folder / "to_label-0.csv").read_text() == "name,label\nb.jpg,green\n"


def test_reading_a_file_twice_changes_nothing(folder: Path) -> None:
    first = filled(folder, question(), PLAIN)
    content = (folder / "labels.jsonl").read_bytes()
    assert pairs(answered(folder, question())) == pairs(first)
    assert (folder / "labels.jsonl").read_bytes() == content


def test_whoever_changes_their_mind_is_heard_as_often_as_they_like(folder: Path) -> None:
    put(folder, question(), PLAIN.replace("blue", ""))
    for word, label in [("red", RED), ("green", GREEN), ("red", RED), ("unsure", None)]:
        file(folder).write_text(f"name,label\na.jpg,{word}\nb.jpg,\nc.jpg,\n")
        waits(folder, question())
        answers = {**dict.fromkeys([7], label)} if label is not None else {}
        last = [e.label for e in Ledger(folder / "labels.jsonl").counting() if e.row == 7]
        assert last == [None if not answers else word]


# Later rounds

NEXT = question([9], ["d.jpg"], number=1)


def done(folder: Path, asked: Question, text: str) -> Answers:
    """A round that was answered so, and learnt."""
    answers = filled(folder, asked, text)
    learn(folder, asked, answers)
    return answers


def test_the_next_batch_takes_the_place_of_the_file_which_is_kept(folder: Path) -> None:
    done(folder, question(), PLAIN)
    assert waits(folder, NEXT).startswith("1 rows of round 1")
    assert [line["name"] for line in lines(folder)] == ["d.jpg"]
    assert (folder / "to_label-0.csv").read_text() == PLAIN
    done(folder, NEXT, "name,label\nd.jpg,red\n")
    waits(folder, question([11], ["e.jpg"], number=2))
    assert (folder / "to_label-1.csv").read_text() == "name,label\nd.jpg,red\n"


def test_another_class_for_a_row_of_an_earlier_round_corrects_it(folder: Path) -> None:
    done(folder, question(), PLAIN)
    file(folder).write_text(PLAIN.replace("green", "red"))
    waits(folder, NEXT)
    file(folder).write_text("name,label\nd.jpg,blue\nc.jpg,green\na.jpg,red\n")
    answers = answered(folder, NEXT)
    assert pairs(answers) == {9: BLUE}
    assert answers.corrected == {3: RED, 5: GREEN}
    assert events(folder)[3:5] == [(3, "correct", "red"), (9, "label", "blue")]
    learn(folder, NEXT, answers)
    later = filled(folder, question([11], ["e.jpg"], number=2), "name,label\ne.jpg,red\n")
    assert later.corrected == {}


def test_a_correction_that_is_taken_back_in_time_is_none(folder: Path) -> None:
    done(folder, question(), PLAIN)
    file(folder).write_text(PLAIN.replace("green", "red"))
    waits(folder, NEXT)
    file(folder).write_text("name,label\nd.jpg,blue\nb.jpg,green\n")
    assert answered(folder, NEXT).corrected == {}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("b.jpg,unsure", "b.jpg was labelled in an earlier round; only its class can be changed"),
        ("c.jpg,red", "c.jpg was declined in an earlier round, and is not asked about again"),
    ],
)
def test_what_was_trained_on_or_set_aside_stays_so(folder: Path, line: str, message: str) -> None:
    done(folder, question(), PLAIN.replace("blue", "unsure"))
    waits(folder, NEXT)
    file(folder).write_text(f"name,label\nc.jpg,unsure\nb.jpg,green\n{line}\n")
    assert message in refuses(folder, NEXT)


def test_labels_that_nobody_asked_for_are_kept_until_somebody_does(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done(folder, question(), PLAIN + "e.jpg,green\n")
    assert capsys.readouterr().err == (
        "1 labels, the first that of e.jpg, are of rows that are not asked about yet; they are "
        "kept until then\n"
    )
    later = question([9, 11], ["d.jpg", "e.jpg"], number=1)
    assert waits(folder, later).startswith("1 rows of round 1")
    assert pairs(filled(folder, later, "name,label\nd.jpg,red\n")) == {9: RED, 11: GREEN}


def test_a_question_that_has_changed_loses_no_answers(folder: Path) -> None:
    put(folder, question(), PLAIN.replace("blue", ""))
    other = question([3, 11], ["b.jpg", "e.jpg"])
    assert waits(folder, other).startswith("1 rows of round 0")
    assert [line["name"] for line in lines(folder)] == ["e.jpg"]
    assert pairs(filled(folder, other, "name,label\ne.jpg,red\n")) == {3: GREEN, 11: RED}
    assert waits(folder, question()).startswith("1 rows of round 0")


# What is refused


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "name,label\na.jpg,rde\n",
            ["line 2, 'rde': 'rde' is not one of the classes; did you mean 'red'?"],
        ),
        (
            "name,label\na.jpg,1\n",
            ["line 2, '1': '1' is not one of the classes, which go by their names"],
        ),
        (
            "name,label\nA.jpg,red\nzzz,green\n",
            [
                "line 2, 'red': no row has the name 'A.jpg'; did you mean 'a.j",
                "line 3, 'green': no row has the name 'zzz'\n",
            ],
        ),
        (
            "name,label\na.jpg,red\nb.jpg,red\n\na.jpg,green\n",
            ["line 5, 'green': a.jpg was 'red' in line 2"],
        ),
        ("name,label\n,red\n", ["line 2, 'red': its line has no name"]),
        (
            "name,label\n" + "".join(f"x{n},red\n" for n in range(13)),
            ["line 11, ", "\n  and 3 more\n", "a label must be one of red, green, blue, or unsure"],
        ),
        ('name,label\n"a\njpg",\nb.jpg,rood\n', ["line 4, 'rood'"]),
        ("name,why\na.jpg,red\n", ["must have the columns `name` and `label`", "'name,why'"]),
        ("", ["must have the columns `name` and `label`"]),
        ("name,label,Label\na.jpg,red,\n", ["has 2 columns `label`: leave one"]),
        (b"name,label\n\xe4.jpg,red\n", ["is not valid UTF-8: save it as CSV in UTF-8"]),
        (b"PK\x03\x04\x14\x00\x08", ["is not valid UTF-8: save it as CSV in UTF-8"]),
        ('name,label\n"a.jpg,red\n', ["cannot be read as CSV: unexpected end of data"]),
    ],
    ids=[
        *("class", "number", "names", "conflict", "nameless", "many", "multiline", "no_label"),
        *("empty", "two_labels", "latin1", "xlsx", "quote"),
    ],
)
def test_a_file_in_which_something_is_wrong_is_left_as_it_is(
    folder: Path, text: str | bytes, problems: list[str]
) -> None:
    put(folder, question(), text)
    told = refuses(folder, question())
    assert str(file(folder)) in told
    for problem in problems:
        assert problem in told


def test_a_class_that_went_missing_is_refused(folder: Path) -> None:
    done(folder, question(), PLAIN)
    fewer = Question(1, whole([9]), ("red", "green"), names=["d.jpg"])
    assert "labelled 'blue', not one of the classes red, green" in refuses(folder, fewer)


# Killed anywhere


class Killed(BaseException):
    """As by `kill -9`: nothing is caught, nothing is tidied up."""


def die_before(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process die before this call of the system that changes a file."""
    left = [step]

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            if not left[0]:
                raise Killed
            left[0] -= 1
            return real(*given)

        return call

    for name in ("open", "write", "fsync", "rename", "replace", "close"):
        monkeypatch.setattr(os, name, dying(getattr(os, name)))


def test_nothing_is_lost_or_asked_twice_wherever_the_process_dies(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = PLAIN.replace("green", "red")
    done(folder, question(), PLAIN)
    file(folder).write_text(old)
    for step in range(100):
        run = folder / "steps" / str(step)
        run.mkdir(parents=True)
        for name in ("labels.jsonl", "rounds.jsonl", "to_label.csv"):
            shutil.copy(folder / name, run / name)
        with monkeypatch.context() as patched:
            die_before(step, patched)
            with pytest.raises((Killed, Waiting)) as ended:
                answered(run, NEXT)
        waits(run, NEXT)
        assert [line["name"] for line in lines(run)] == ["d.jpg"]
        file(run).write_text("name,label\nd.jpg,blue\n")
        answers = answered(run, NEXT)
        assert (pairs(answers), answers.corrected) == ({9: BLUE}, {3: RED})
        assert (run / "to_label-0.csv").read_text() == old
        if ended.type is Waiting:
            break
    assert 5 < step < 99
