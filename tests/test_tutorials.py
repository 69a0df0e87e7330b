"""The starts and tutorials of docs/, done from their first command to their last."""

import csv
import json
import re
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from autoal import plugins
from tests.language.door import MODEL, Door, Reply, opened, spoken
from tests.launch import Finished, Zygote
from tests.people.simulated import Client, Simulated
from tests.reader import DOCS, Reader

PHOTOS = "tutorials/photos.md"
SERVER = "http://127.0.0.1:8080/v1"
# Nobody looks at a browser here, and pictures may be small.
UNSEEN = ("oracle.open=false", "oracle.port=0", "encoder=lite0", "encoder.size=64")


@pytest.fixture
def reader(train: Zygote, tmp_path: Path) -> Iterator[Reader]:
    yield Reader(tmp_path, train)
    plugins._points.cache_clear()
    for name, module in [*sys.modules.items()]:
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def records(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "rounds.jsonl").read_text().splitlines()]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_start_and_tutorial_is_done_here() -> None:
    done = Path(__file__).read_text()
    for folder in ("start", "tutorials"):
        for page in (DOCS / folder).glob("*.md"):
            assert page.stem == "index" or f'"{folder}/{page.name}"' in done, page


def labelling(reader: Reader, given: list[str], enough: int) -> Finished:
    """Somebody labels this many pictures rightly, and stops for today."""
    running = reader.train.start(*given, *UNSEEN, folder=reader.folder)
    url, truth, answered = running.pages()[0], reader.names["truth"], count(1)

    def says(task: dict[str, dict[str, str]]) -> dict[str, str]:
        if next(answered) == enough:
            with closing(Client(url)) as page:
                page.post("/api/stop")
        return {"kind": "label", "label": truth[task["card"]["name"]]}

    person = Simulated(url, says)  # type: ignore[arg-type]
    person.start()
    finished = running.finish()
    person.join()
    return finished


def test_photos_are_labelled(reader: Reader) -> None:
    reader.runs = lambda given: labelling(reader, given, enough=45)
    reader.follow(PHOTOS)
    labels = table(reader.folder / "labels.csv")
    assert len(labels) >= 40
    rest = table(reader.folder / "rest.csv")
    assert len(rest) == 600 - len(labels)


def test_a_practitioner_starts(reader: Reader) -> None:
    reader.follow(PHOTOS, only="python")  # makes the photos
    reader.runs = lambda given: labelling(reader, given, enough=22)
    reader.follow("start/practitioner.md")
    assert len(table(reader.folder / "labels.csv")) >= 20


def test_strategies_are_compared_and_the_report_is_read(reader: Reader) -> None:
    reader.swaps = {",2,3,4,5,6": ""}  # two seeds for seven
    reader.follow("tutorials/compare.md")
    reader.follow("tutorials/report.md")
    assert len(list((reader.folder / "compared").glob("*/rounds.jsonl"))) == 10
    assert reader.names["found"].mean > 0


def test_a_researcher_starts(reader: Reader) -> None:
    reader.follow("start/researcher.md")
    assert (reader.folder / "runs" / "report" / "report.html").exists()


def test_a_programmer_starts(reader: Reader) -> None:
    reader.follow("start/programmer.md")
    assert reader.names["done"].labelled == 70
    assert reader.names["picks"].tolist() == [1]


def test_a_network_of_ones_own(reader: Reader) -> None:
    reader.follow("tutorials/own-network.md")
    assert reader.names["done"].metrics["accuracy"] > 0.5
    assert len(records(reader.folder / "runs" / "mynet")) == 3


def test_a_strategy_of_ones_own(reader: Reader) -> None:
    reader.follow("tutorials/own-strategy.md")
    assert "representative" in (reader.folder / "mine/weighed/rounds.jsonl").read_text()


@pytest.fixture
def door() -> Iterator[Door]:
    with opened() as door:
        yield door


def judged(body: dict[str, object]) -> Reply:
    """The answers of a language model that knows good words."""
    text = json.dumps(body["messages"]).rsplit("<<", 2)[-2]
    label = "good" if re.search("lovely|brilliant|moving", text) else "bad"
    return Reply(spoken(json.dumps({"label": label})))


def test_texts_are_labelled_with_a_language_model(reader: Reader, door: Door) -> None:
    door.says = judged
    reader.swaps = {SERVER: door.url}
    reader.follow("tutorials/language.md")
    assert MODEL == "parrot"
    last = records(reader.folder / "runs" / "reviews")[-1]
    assert last["labelled"] == 28
    assert len(table(reader.folder / "labels.csv")) == 28
