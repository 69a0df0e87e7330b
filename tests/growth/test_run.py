"""Whole runs whose pool grows: what they leave, kills, refusals."""

import csv
import json
import signal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from autoal.labels import main as labels
from autoal.record.generated import read_made
from tests.launch import Zygote
from tests.test_texts import write_texts

SMALL = ("data=text", "data.text=[sentence]", "encoder.components=8", "task=logistic")
PLAN = ("start=6", "budget=3", "rounds=3", "strategy=margin", "logger=none")
GROWTH = ("growth=edit", "growth.drop=0.3", "growth.swap=0.3", "growth.share=adaptive")


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, train: Zygote) -> tuple[str, ...]:
    """The arguments of a run that grows, whose made rows are labelled by a model."""
    folder = tmp_path_factory.mktemp("texts")
    files = write_texts(folder)
    taught = train.run(
        *(*SMALL, *files, "strategy=random", "start=30", "rounds=0", "logger=none"),
        *(f"out={folder}", "name=annotator"),
    )
    assert taught.code == 0, taught.err
    return (*SMALL, *PLAN, *files, *GROWTH, f"growth.annotator={folder / 'annotator' / 'model'}")


@pytest.fixture(scope="module")
def whole(grown: tuple[str, ...], train: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was never stopped."""
    out = tmp_path_factory.mktemp("whole")
    finished = train.run(*grown, f"out={out}", "name=run")
    assert finished.code == 0, finished.err
    return out / "run"


def told(folder: Path) -> list[dict[str, Any]]:
    """The rounds, but for what they took."""
    text = (folder / "rounds.jsonl").read_text() if (folder / "rounds.jsonl").exists() else ""
    return [{**json.loads(line), "seconds": None} for line in text.splitlines()]


def test_made_rows_are_told_apart(whole: Path) -> None:
    rounds, made = told(whole), read_made(whole / "generated.jsonl")
    joined = [each for each in made if each.name]
    assert [line.get("made", 0) for line in rounds] == [0, 3, 3, 3]
    assert len(joined) == 9
    labelled = {each.name: (each.label, each.by) for each in joined if each.label}
    asked = [name for line in rounds for name in line["names"] if name.startswith("made-")]
    assert sorted(labelled) == sorted(asked)
    assert {by for _, by in labelled.values()} == {"annotator"}
    for line in rounds[1:]:
        ours = [row for row in line["queried"] if row >= 40]
        assert line["growth"].get("labelled", 0) == len(ours)
        assert line.get("machine", []) == sorted(ours)
        assert line["bought"] == 3 - len(ours)  # the model's labels are paid for by nobody
    assert sum("labelled" in line.get("growth", {}) for line in rounds) > 1


@pytest.mark.parametrize("moment", range(9, 34, 6))
def test_killed_at_any_moment_a_run_ends_as_if_it_never_was(
    moment: int, train: Zygote, grown: tuple[str, ...], whole: Path, tmp_path: Path
) -> None:
    arguments = (*grown, f"out={tmp_path}", "name=run")
    killed = train.run(*arguments, die=str(moment))
    assert killed.code == -signal.SIGKILL, killed.err
    assert told(tmp_path / "run") == told(whole)[: len(told(tmp_path / "run"))]
    finished = train.run(*arguments)
    assert finished.code == 0, finished.err
    assert told(tmp_path / "run") == told(whole)
    made = (tmp_path / "run" / "generated.jsonl").read_text()
    assert made == (whole / "generated.jsonl").read_text()


def test_labels_are_told_with_the_texts_of_made_rows(
    whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert labels([str(whole)]) == 0
    rows = [*csv.DictReader(StringIO(capsys.readouterr().out))]
    texts = {each.name: each.texts[0] for each in read_made(whole / "generated.jsonl")}
    made = [row for row in rows if row["made"] == "True"]
    assert made
    for row in made:
        assert (row["text"], row["source"]) == (texts[row["name"]], "annotator")
        assert row["probability"]
    assert {row["source"] for row in rows if row["made"] == "False"} == {"truth"}


def test_a_page_of_what_was_asked_says_what_was_made(whole: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert labels([str(whole), "--format", "gallery", "--out", str(page)]) == 0
    asked = [name for line in told(whole) for name in line["names"] if name.startswith("made-")]
    assert page.read_text().count('<p class="made">made by the computer</p>') == len(asked)


def test_a_damaged_file_of_made_rows_ends_a_run_with_one_message(
    train: Zygote, grown: tuple[str, ...], whole: Path, tmp_path: Path
) -> None:
    arguments = (*grown, f"out={tmp_path}", "name=run")
    assert train.run(*arguments, "rounds=1").code == 0
    path = tmp_path / "run" / "generated.jsonl"
    path.write_text(path.read_text()[:-9])
    refused = train.run(*arguments)
    assert (refused.code, "Traceback" in refused.err) == (2, False)
    assert f"{path} has changed since it was written (line" in refused.err
    path.unlink()
    finished = train.run(*arguments)
    assert finished.code == 0, finished.err
    assert told(tmp_path / "run") == told(whole)
    assert path.read_text() == (whole / "generated.jsonl").read_text()


def test_people_are_asked_the_same_about_made_rows_when_the_command_goes_on(
    train: Zygote, grown: tuple[str, ...], tmp_path: Path
) -> None:
    people = ("oracle=files", "growth.annotator=null", "growth.share=0.5", "rounds=1")
    arguments = (*grown, *people, f"out={tmp_path}", "name=run")
    form = tmp_path / "run" / "to_label.csv"

    def asked() -> list[dict[str, str]]:
        assert train.run(*arguments).code == 75
        with form.open() as file:
            return [*csv.DictReader(file)]

    def answer(rows: list[dict[str, str]]) -> None:
        with form.open("w") as file:
            writer = csv.DictWriter(file, [*rows[0]])
            writer.writeheader()
            writer.writerows({**row, "label": str(n % 2)} for n, row in enumerate(rows))

    answer(asked())
    first = asked()
    made = (tmp_path / "run" / "generated.jsonl").read_text()
    assert sum(row["name"].startswith("made-1-") for row in first) == 2
    assert asked() == first
    assert (tmp_path / "run" / "generated.jsonl").read_text() == made
    answer(first)
    finished = train.run(*arguments)
    assert finished.code == 0, finished.err
    assert sum(bool(each.label) for each in read_made(tmp_path / "run" / "generated.jsonl")) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("growth.annotator=null",), "made rows have no true label: give growth.annotator="),
        (("growth.annotator=nowhere",), "growth.annotator=nowhere: there is no folder nowhere"),
        (("growth.share=some",), "growth.share=some: must be null, a number from 0 to 1, or"),
        (("growth.drop=2",), "drop"),
        (("growth=language",), "give language.url= and language.model="),
        (("growth=file",), "growth.path is needed"),
        (("growth=file", "growth.path=nowhere.txt"), "there is no file nowhere.txt"),
        (("growth=x",), "edit, file, language, language_signal, none"),
        (("strategy=cheating_oracle",), "an upper reference allows no growth"),
        (("rounds=30", "growth.count=1"), "has only 40 rows, and at most 30 are made"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_trained(
    train: Zygote,
    grown: tuple[str, ...],
    tmp_path: Path,
    options: tuple[str, ...],
    message: str,
) -> None:
    given = [*grown]
    if options[0].startswith("growth="):  # another choice, which has other options
        given = [one for one in given if not one.startswith(("growth.", "growth="))]
    refused = train.run(*given, *options, f"out={tmp_path}", "name=run")
    assert refused.code == 2, refused.err
    assert message in refused.err
    assert "Traceback" not in refused.err
    assert not (tmp_path / "run").exists()


def test_growth_is_for_texts(train: Zygote, tmp_path: Path) -> None:
    given = ("growth=edit", "task=linear", "logger=none", f"out={tmp_path}", "name=run")
    refused = train.run(*given)
    assert refused.code == 2
    assert "growth= makes texts, and this data has none" in refused.err
