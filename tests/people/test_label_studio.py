"""People answer in Label Studio, whose answers are those that the real one gave."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from autoal import Answers, Question, UserError, View
from autoal.data.texts import Text
from autoal.errors import Waiting
from autoal.people.events import Ledger
from autoal.people.label_studio import LabelStudio
from tests.oracles.made import pairs, question_of, whole
from tests.people.asking import data_of, learn
from tests.people.studio import KEY, Studio, served

RED, GREEN, BLUE = range(3)
PIXELS = torch.arange(3 * 64, dtype=torch.uint8).view(3, 1, 8, 8)


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setenv("AUTOAL_LABEL_STUDIO_TOKEN", KEY)
    with served(Studio()) as running:
        yield running


class Patient:
    """The oracle, as it is built anew for each command."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.options = options

    def __call__(self, asked: Question) -> Answers:
        return LabelStudio(data_of(asked), self.folder, **self.options)(asked)


Ask = Callable[..., Patient]


@pytest.fixture
def ask(studio: Studio, tmp_path: Path) -> Ask:
    """The oracle that does not wait."""
    return lambda **options: Patient(tmp_path, **{"url": studio.url, "wait": False, **options})


def question(rows: list[int] | None = None, **parts: Any) -> Question:
    rows = rows or [7, 3, 5]
    named = {"number": 0, "names": ["a", "b", "c"], "shown": PIXELS[: len(rows)]}
    return question_of(rows, **{**named, **parts})


def waits(oracle: Patient, asked: Question) -> str:
    with pytest.raises(Waiting) as caught:
        oracle(asked)
    return str(caught.value)


def refuses(oracle: Patient, asked: Question) -> str:
    with pytest.raises(UserError) as caught:
        oracle(asked)
    assert caught.value.code == 2
    return str(caught.value)


def events(folder: Path) -> list[tuple[int, str, str | None]]:
    return [(e.row, e.kind, e.label) for e in Ledger(folder / "labels.jsonl").events]


# What is asked


def test_a_project_is_made_and_has_a_task_for_each_row(studio: Studio, ask: Ask) -> None:
    told = waits(ask(), question())
    page = f"{studio.url}/projects/1/data"
    assert told == (
        f"3 rows of round 0 are to be labelled at {page}\n  then the same command goes on"
    )
    (project,) = studio.projects.values()
    assert project["title"].startswith("AutoAL ")
    assert project["sampling"] == "Sequential sampling"
    assert [task["data"]["name"] for task in studio.tasks] == ["a", "b", "c"]
    assert [task["meta"]["row"] for task in studio.tasks] == [7, 3, 5]
    assert studio.tasks[0]["predictions"] == []


def test_pictures_are_uploaded_as_their_files_or_as_they_are_seen(
    studio: Studio, ask: Ask, tmp_path: Path
) -> None:
    path = tmp_path / "of mine.JPG"
    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(path)
    waits(ask(), question([1, 2], names=["a", "b"], shown=[path, PIXELS[0]]))
    first, second = studio.uploads
    assert b'filename="row-1.jpeg"' in first
    assert path.read_bytes() in first
    assert b'filename="row-2.png"' in second
    assert b"\x89PNG" in second
    assert [task["data"]["picture"] for task in studio.tasks] == [
        "/data/upload/1/x-1.png",
        "/data/upload/1/x-2.png",
    ]


@pytest.mark.parametrize(
    ("shown", "tags", "data"),
    [
        (["a text", "b"], {"Text": "text"}, {"text": "a text"}),
        (
            [Text.of(["question", "answer"], ["Who?", "I\x07"])] * 2,
            {"Text": "text"},
            {"text": "question: Who?\n\nanswer: I\\x07"},
        ),
        ([{"age": 7}, {"age": 9}], {"Table": "cells"}, {"cells": {"age": "7"}}),
        (None, {"Text": "text"}, {"text": "a"}),
    ],
    ids=["text", "pair", "table", "nothing"],
)
def test_texts_and_cells_are_fields_of_a_task(
    studio: Studio, ask: Ask, shown: Any, tags: dict[str, str], data: dict[str, Any]
) -> None:
    waits(ask(), question([1, 2], names=["a", "b"], shown=shown))
    config = studio.projects[1]["label_config"]
    assert all(f'<{tag} name="{name}" value="${name}"/>' in config for tag, name in tags.items())
    assert studio.tasks[0]["data"] == {"name": "a", "why": "", "beside": "", **data}


def test_a_picture_may_have_cells_beside_it(studio: Studio, ask: Ask, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / "a.png")
    shown = {"file": tmp_path / "a.png", "place": "Ulm", "age": 7}
    waits(ask(), question([1], names=["a"], shown=[shown]))
    data = studio.tasks[0]["data"]
    assert (data["picture"], data["beside"]) == ("/data/upload/1/x-1.png", "place: Ulm; age: 7")
    # The server uploads pictures only where one field is seen.
    assert studio.projects[1]["label_config"].count("name=") == 2


def test_the_guess_of_the_model_is_a_prediction(studio: Studio, ask: Ask) -> None:
    view = View.of(probs=[[0.1, 0.2, 0.7]] * 8)
    waits(ask(), question(view=view, number=1))
    task = studio.tasks[0]
    (prediction,) = task["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("AutoAL", 0.7)
    assert prediction["result"][0]["value"] == {"choices": ["blue"]}
    assert task["data"]["why"].endswith("the model takes it for blue")
    assert studio.projects[1]["model_version"] == "AutoAL"


def test_classes_of_any_name_can_be_chosen(studio: Studio, ask: Ask) -> None:
    classes = ('a "quote"', "<b> & 'c'")
    asked = Question(0, whole([7]), classes, names=["a"])
    waits(ask(), asked)
    studio.annotate("a", classes[1])
    assert pairs(ask()(asked)) == {7: 1}


# What is answered


def test_annotations_are_answers_and_say_who_and_how_long(
    studio: Studio, ask: Ask, tmp_path: Path
) -> None:
    waits(ask(), question())
    for name, label in (("c", "blue"), ("a", "red"), ("b", None)):
        studio.annotate(name, label)
    answers = ask()(question())
    assert answers.rows.tolist() == [7, 5]
    assert pairs(answers) == {7: RED, 5: BLUE}
    assert answers.by == "me@example.com"
    assert answers.people == {"me@example.com": {"labels": 2, "seconds": 5.0}}
    assert events(tmp_path) == [(7, "label", "red"), (3, "unsure", None), (5, "label", "blue")]


def test_what_is_annotated_is_kept_and_the_rest_is_waited_for(
    studio: Studio, ask: Ask, tmp_path: Path
) -> None:
    waits(ask(), question())
    studio.annotate("a", "red")
    assert waits(ask(), question()).startswith("2 rows of round 0")
    assert len(studio.tasks) == 3
    assert events(tmp_path) == [(7, "label", "red")]


def test_whoever_waits_is_answered_when_all_is_annotated(
    studio: Studio, ask: Ask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = [("b", "green"), ("a", "red"), ("c", None)]
    monkeypatch.setattr("time.sleep", lambda _: studio.annotate(*left.pop()))
    assert pairs(ask(wait=True)(question())) == {7: RED, 3: GREEN}
    assert capsys.readouterr().err == (
        f"3 rows of round 0 are to be labelled at {studio.url}/projects/1/data\n"
    )


def test_the_last_annotation_counts_and_a_disagreement_is_told(
    studio: Studio, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    waits(ask(), question([7], names=["a"]))
    first = studio.annotate("a", "red")
    studio.annotate("a", "blue", by=2)
    answers = ask()(question([7], names=["a"]))
    assert (pairs(answers), answers.by) == ({7: BLUE}, "account 2")
    assert capsys.readouterr().err == "a: blue and red were said; the last counts, blue\n"
    first |= {"updated_at": "2026-11-26T07:00:00.000000Z"}
    assert pairs(ask()(question([7], names=["a"]))) == {7: RED}


def test_an_annotation_that_is_changed_later_corrects(studio: Studio, ask: Ask) -> None:
    waits(ask(), question([7], names=["a"]))
    studio.annotate("a", "red")
    learn(ask().folder, question([7]), ask()(question([7], names=["a"])))
    later = question([3], names=["b"], number=1)
    waits(ask(), later)
    studio.annotate("a", "blue")
    studio.annotate("b", "green")
    answers = ask()(later)
    assert (pairs(answers), answers.corrected) == ({3: GREEN}, {7: BLUE})
    learn(ask().folder, later, answers)
    studio.annotate("a", None)  # a row that was trained on cannot be set aside
    last = question([5], names=["c"], number=2)
    waits(ask(), last)
    studio.annotate("c", "red")
    assert ask()(last).corrected == {}


def test_tasks_of_others_in_the_same_project_are_left_alone(studio: Studio, ask: Ask) -> None:
    waits(ask(), question([7], names=["a"]))
    foreign = {"id": 99, "meta": {"run": "another", "row": 7}, "annotations": []}
    studio.tasks.append(studio.tasks[0] | foreign | {"data": {"name": "x"}})
    studio.annotate("x", "green")
    waits(ask(), question([7], names=["a"]))


def test_a_project_of_ones_own_is_asked_in(studio: Studio, ask: Ask) -> None:
    config = (
        '<View><Text name="t" value="$words"/><Choices name="kind" toName="t">'
        '<Choice value="blue"/><Choice value="red"/><Choice value="green"/></Choices></View>'
    )
    studio.made({"label_config": config, "title": "mine"})
    asked = question([7], names=["a"], shown=["a text"])
    waits(ask(project=1), asked)
    assert len(studio.projects) == 1
    assert studio.tasks[0]["data"]["words"] == "a text"
    studio.annotate("a", "red")["result"][0]["from_name"] = "kind"
    assert pairs(ask(project=1)(asked)) == {7: RED}


def test_a_personal_access_token_is_exchanged_for_one_of_access(
    studio: Studio, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.key, studio.bearer = "nobody's", "eyJ.eyJ.sig"
    monkeypatch.setenv("AUTOAL_LABEL_STUDIO_TOKEN", "eyJ.eyJ.sig")
    waits(ask(), question())
    assert studio.requests.count("POST /api/token/refresh/") == 1
    monkeypatch.setenv("AUTOAL_LABEL_STUDIO_TOKEN", "eyJ.eyJ.other")
    assert "Token is invalid" in refuses(ask(), question())


# What is refused


def test_classes_that_are_none_are_refused_by_their_tasks(
    studio: Studio, ask: Ask, tmp_path: Path
) -> None:
    waits(ask(), question())
    studio.annotate("a", "zebra")
    studio.annotate("b", "red")
    studio.annotate("c", "red", result=[])
    told = refuses(ask(), question())
    assert told == (
        f"{studio.url}/projects/1/data:\n"
        "  task 1, a: 'zebra' is not one of the classes red, green, blue\n"
        "  task 3, c: it has no class: give it one, or skip it"
    )
    assert events(tmp_path) == []


def test_two_classes_at_once_are_refused(studio: Studio, ask: Ask) -> None:
    waits(ask(), question())
    annotation = studio.annotate("a", "red")
    annotation["result"][0]["value"]["choices"] = ["red", "blue"]
    assert "task 1, a: it has the classes red, blue" in refuses(ask(), question())


def test_tasks_that_were_deleted_are_told_and_asked_anew(
    studio: Studio, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete(_: float) -> None:
        del studio.tasks[1:]

    monkeypatch.setattr("time.sleep", delete)
    told = refuses(ask(wait=True), question())
    assert told.startswith("2 tasks that are not answered were deleted from")
    assert "the first that of b; the same command asks about their rows again" in told
    waits(ask(), question())
    assert [task["data"]["name"] for task in studio.tasks] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (("red", "green"), "has those of red, green"),
        (("red", "green", "blue", "pink"), "has those of red, green, blue, pink"),
        ((), "has none"),
    ],
)
def test_other_classes_in_the_labelling_interface_are_refused(
    studio: Studio, ask: Ask, changed: tuple[str, ...], message: str
) -> None:
    waits(ask(), question())
    control = studio.projects[1]["parsed_label_config"]["class"]
    control["labels"] = [*changed]
    if not changed:
        control["type"] = "Labels"
    told = refuses(ask(), question())
    assert "/projects/1/data: it must have Choices with the classes red, green, blue" in told
    assert message in told


def test_without_a_key_it_is_said_where_to_find_one(
    studio: Studio, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOAL_LABEL_STUDIO_TOKEN", " ")
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    assert "there is no key for Label Studio: set AUTOAL_LABEL" in refuses(ask(), question())
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", KEY)
    waits(ask(), question())
    assert KEY not in "".join(path.read_text() for path in ask().folder.iterdir())


def test_a_wrong_key_is_refused(studio: Studio, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOAL_LABEL_STUDIO_TOKEN", "wrong")
    told = refuses(ask(), question())
    assert f"LABEL_STUDIO_API_KEY is refused by {studio.url}: Invalid token." in told
    assert "wrong" not in told


def test_a_server_that_is_not_there_is_told(ask: Ask) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        told = refuses(ask(url=url), question())
    assert told.startswith(f"no Label Studio answers at {url} (")
    assert told.endswith("start it, or give oracle.url=")


@pytest.mark.parametrize(
    ("path", "answer", "message"),
    [
        ("/health", (200, b"<html>"), "is not Label Studio: it does not answer"),
        ("/health", (302, b""), "redirects to http://elsewhere/: give that as oracle.url="),
        ("/api/projects/", (200, b"[]"), "does not answer like Label Studio 1.23 (TypeError"),
        ("/api/projects/1/", (404, b'{"detail": "No Project"}'), "with 404: No Project"),
        ("/api/projects/1/", (200, b"{}"), "(KeyError: 'parsed_label_config')"),
        ("/api/projects/1/export", (200, b'[{"id": 1}]'), "(KeyError: 'meta')"),
        ("/api/projects/1/import", (400, b'{"validation_errors": {"x": 1}}'), "with 400: {'x': 1}"),
        ("/api/projects/1/import", (500, b"<html>"), "failed with 500: Internal Server Error"),
    ],
)
def test_what_no_label_studio_says_is_refused(
    studio: Studio, ask: Ask, path: str, answer: tuple[int, bytes], message: str
) -> None:
    studio.broken[path] = answer
    assert message in refuses(ask(), question(shown=None))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "it cannot be read"),
        ("[]", "`it` must be a mapping"),
        ('{"project": "x", "run": "y"}', "`project` must be a whole number"),
        ('{"project": 1}', "`run` must be a text, got None"),
    ],
)
def test_a_damaged_note_of_the_project_is_refused(
    ask: Ask, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "label_studio.json").write_text(content)
    told = refuses(ask(), question())
    assert told.startswith(f"{tmp_path / 'label_studio.json'}: ")
    assert message in told


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "file:///etc"}, "oracle.url=file:///etc must begin with http:// or https://"),
        ({"project": 0}, "`project` must be at least 1, got 0"),
        ({"wait": "no"}, "`wait` must be true or false, got 'no'"),
    ],
)
def test_options_that_are_none_are_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Patient(tmp_path, **options)(question())
