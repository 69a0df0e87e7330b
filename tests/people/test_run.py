"""Whole runs that people label, from the command to the record."""

import json
import re
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from autoal.datamodules.digits import Digits

from autoal.kept import KeptRun
from tests.launch import Finished, Running, Zygote
from tests.people.simulated import Client, Says, Simulated, truthful

SMALL = ("strategy=margin", "task=logistic", "start=8", "budget=5", "rounds=2", "logger=none")
PAGE = ("oracle=people", "oracle.port=0", "oracle.open=false")
PEOPLE = (*PAGE, "oracle.people=[ann,ben]")
VOTING = (*PAGE, "oracle.people=[ann,ben,cyd]", "oracle.votes=3", "oracle.consensus=majority")


def truth() -> Any:
    data = Digits()
    data.setup()
    return truthful([*data.classes], data.train.labels)


def lines(folder: Path) -> list[dict[str, Any]]:
    """The rounds without the labellers and the times."""
    personal = ("seconds", "by", "people")
    return [{key: line[key] for key in line if key not in personal} for line in records(folder)]


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rounds.jsonl").read_text().splitlines()]


def said(folder: Path) -> list[int]:
    """The rows that somebody answered, in the order of the answers."""
    return [json.loads(line)["row"] for line in (folder / "labels.jsonl").read_text().splitlines()]


def labelled(train: Zygote, out: Path, *given: str) -> Finished:
    """A run that is labelled to its end by two people who are always right."""
    right = truth()
    running = train.start(*SMALL, *PEOPLE, *given, f"out={out}", "name=run")
    return labelled_by(running, right, right)


def labelled_by(running: Running, *says: Says) -> Finished:
    """A run that is labelled to its end by people who say this."""
    urls = running.pages(len(says))
    crowd = [Simulated(url, says) for url, says in zip(urls, says, strict=True)]
    for person in crowd:
        person.start()
    ended = running.finish()
    for person in crowd:
        person.join()
        assert person.state["phase"] == "done"
    return ended


@pytest.fixture(scope="module")
def expected(train: Zygote, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The rounds that the truth has answered."""
    out = tmp_path_factory.mktemp("truth")
    finished = train.run(*SMALL, "oracle=truth", f"out={out}", "name=run")
    assert finished.code == 0, finished.err
    return lines(out / "run")


def test_people_who_are_right_are_as_good_as_the_truth(
    train: Zygote, tmp_path: Path, expected: list[dict[str, Any]]
) -> None:
    finished = labelled(train, tmp_path)
    assert finished.code == 0, finished.err
    assert lines(tmp_path / "run") == expected
    assert len(said(tmp_path / "run")) == 18
    token = re.findall(r"token=(\S+)", finished.out)[0]
    kept = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert [path.name for path in kept if token.encode() in path.read_bytes()] == ["tokens.json"]


def test_the_seconds_that_people_take_are_what_a_round_may_spend(
    train: Zygote, tmp_path: Path, expected: list[dict[str, Any]]
) -> None:
    """Every answer takes a second, so that five seconds buy what a budget of five does."""
    spending = ("costs=learned", "plan.unit=seconds", "plan.spend=5")
    finished = labelled(train, tmp_path, *spending)
    assert finished.code == 0, finished.err
    found = lines(tmp_path / "run")
    assert [line.pop("taken") for line in found] == [8.0, 5.0, 5.0]
    assert [line.pop("timed") for line in found] == [
        {str(row): 1.0 for row in line["queried"]} for line in found
    ]
    assert [line.pop("expected", None) for line in found] == [None, 5.0, 5.0]
    assert [line.pop("one_each") for line in found] == [8.0, 5.0, 5.0]
    assert found == expected


@pytest.mark.parametrize(
    ("by", "answers", "code"),
    [
        (signal.SIGKILL, 10, -9),  # in the middle of round 1
        (signal.SIGTERM, 3, 143),
        (None, 3, 75),  # enough for today
    ],
)
def test_a_run_that_was_stopped_asks_no_answered_row_again_and_loses_none(
    train: Zygote,
    tmp_path: Path,
    expected: list[dict[str, Any]],
    by: signal.Signals | None,
    answers: int,
    code: int,
) -> None:
    running = train.start(*SMALL, *PEOPLE, f"out={tmp_path}", "name=run")
    urls = running.pages(2)
    answer_some(Client(urls[0]), answers)
    if by is None:
        client = Client(urls[0])
        assert client.post("/api/stop")["phase"] == "stopped"
        client.close()
    else:
        running.send(by)
    finished = running.finish()
    assert finished.code == code, finished.err
    before = said(tmp_path / "run") if answers else []
    assert len(before) == answers
    again = labelled(train, tmp_path)
    assert again.code == 0, again.err
    assert lines(tmp_path / "run") == expected
    rows = said(tmp_path / "run")
    assert rows[:answers] == before
    assert len(rows) == len(set(rows)) == 18
    tokens = [re.findall(r"token=(\S+)", out) for out in (finished.out, again.out)]
    assert tokens[0] == tokens[1]


def test_a_run_learns_what_most_of_three_people_say(
    train: Zygote, tmp_path: Path, expected: list[dict[str, Any]]
) -> None:
    right = truth()

    def often_wrong(task: Mapping[str, Any]) -> Mapping[str, Any]:
        said = right(task)
        return {**said, "label": "7" if task["row"] % 2 else said["label"]}

    running = train.start(*SMALL, *VOTING, f"out={tmp_path}", "name=run")
    answer_some(Client(running.pages(3)[0]), 5)  # by one of the three, of the first eight rows
    running.send(signal.SIGKILL)
    running.finish()
    running = train.start(*SMALL, *VOTING, f"out={tmp_path}", "name=run")
    ended = labelled_by(running, right, often_wrong, right)
    assert ended.code == 0, ended.err
    found, told = lines(tmp_path / "run"), records(tmp_path / "run")
    opinions = [line.pop("said") for line in found]
    assert [line.pop("cost") for line in found] == [24.0, 15.0, 15.0]
    assert found == expected
    assert Counter(said(tmp_path / "run")) == dict.fromkeys(said(tmp_path / "run"), 3)
    wrong = [opinions[0]["ben"][row] != opinions[0]["ann"][row] for row in opinions[0]["ben"]]
    assert told[0]["people"]["ben"]["reliability"] == pytest.approx(1 - sum(wrong) / 8)
    labels = KeptRun(tmp_path / "run").labelled.labels  # some of which ben gave first, wrongly
    assert [label.label for label in labels] == [
        str(n) for line in expected for n in line["labels"]
    ]


def answer_some(client: Client, count: int) -> None:
    """Answer this many rows, rightly."""
    says, state = truth(), client.get("/api/state")
    for _ in range(count):
        while not state["tasks"]:
            state = client.get(f"/api/state?since={state['version']}")
        row = state["tasks"][0]["row"]
        state = client.answer(row, says(state["tasks"][0])["label"])
    client.close()
