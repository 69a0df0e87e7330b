import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from autoal.strategies.cheating import CheatingOracle

from autoal import (
    Answers,
    Arrays,
    Data,
    Experiment,
    Plan,
    Question,
    Round,
    RunFolder,
    TrueLabels,
    rounds,
)
from autoal.errors import UserError, Waiting
from autoal.model.logistic import Logistic
from autoal.model.trained import Trained
from autoal.people.events import Ledger
from autoal.people.people import People
from autoal.testing import check_oracle
from tests.people.made import event
from tests.people.simulated import Client, Says, Simulated, truthful

LABELS = [row % 3 for row in range(30)]
CLASSES = ["cat", "dog", "eel"]
RIGHT = truthful(CLASSES, LABELS)


class Keyed(Arrays):
    """Rows with names and keys."""

    def setup(self, stage: str | None = None) -> None:
        if not hasattr(self, "train"):
            super().setup(stage)
            keys = [f"sha256:{row}" for row in range(len(self.train))]
            object.__setattr__(self.train, "keys", keys)


@pytest.fixture
def data() -> Data:
    inputs = torch.nn.functional.one_hot(torch.tensor(LABELS), 3).float()
    names = [f"{row}.jpg" for row in range(30)]
    data = Keyed((inputs, LABELS), test=(inputs, LABELS), classes=CLASSES, names=names)
    data.setup()
    return data


@pytest.fixture
def made(data: Data, tmp_path: Path) -> Iterator[Callable[..., People]]:
    """Makes the oracle of a run folder, and closes it."""
    with ExitStack() as stack:

        def make(**options: Any) -> People:
            oracle = People(data, tmp_path, port=0, open=False, **options)
            stack.callback(oracle.close)
            return oracle

        yield make


def question_of(rows: Sequence[int], number: int = 1, **parts: Any) -> Question:
    names = [f"{row}.jpg" for row in rows]
    keys = [f"sha256:{row}" for row in rows]
    return Question(number, torch.tensor(rows), tuple(CLASSES), names=names, keys=keys, **parts)


def at_the_page(oracle: People, do: Callable[[str], object], person: str = "") -> Thread:
    """Somebody who does something with the page as soon as it is there."""

    def wait() -> None:
        while oracle.server is None:
            time.sleep(0.001)
        do(oracle.server.url(person or oracle.people[0]))

    thread = Thread(target=wait, daemon=True)
    thread.start()
    return thread


def answering(oracle: People, says: Says = RIGHT, person: str = "") -> Thread:
    """Somebody who answers whatever is asked, until all is done."""
    return at_the_page(oracle, lambda url: Simulated(url, says).run(), person)


def pairs(answers: Answers) -> dict[int, int]:
    return dict(zip(answers.rows.tolist(), answers.labels.tolist(), strict=True))


def test_answers_say_who_gave_them_and_in_how_many_seconds(made: Callable[..., People]) -> None:
    oracle = made(people=["ann", "ben"])
    answering(oracle, person="ben")
    answers = oracle(question_of([4, 2, 9]))
    assert pairs(answers) == {4: 1, 2: 2, 9: 0}
    assert answers.by == "ben"
    assert answers.people == {"ben": {"labels": 3, "seconds": 3.0}}
    assert answers.wrong is None


def test_what_several_people_said_of_a_row_is_told_once(
    made: Callable[..., People], tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "labels.jsonl")
    ledger.demand_classes(CLASSES)
    for number, (row, by, label) in enumerate(
        [
            (4, "ann", "dog"),
            (4, "ben", "eel"),
            (2, "ann", "cat"),
            (9, "ann", "cat"),
            (9, "ben", "cat"),
        ]
    ):
        said = {"row": row, "name": f"{row}.jpg", "key": f"sha256:{row}", "by": by}
        ledger.add(event(str(number), **said, label=label, round=1))
    oracle = made(people=["ann", "ben"], second=1.0)
    answers = oracle(question_of([4, 2, 9], said={"ben": {9: 0}}))
    assert answers.said == {"ann": {4: 1, 9: 0}, "ben": {4: 2}}  # of 2 only one was asked


def test_what_several_people_agree_on_is_paid_for_as_often_as_they_were_asked(
    made: Callable[..., People],
) -> None:
    oracle = made(people=["ann", "ben", "cyd"], votes=3)

    def wrong(task: Any) -> Any:
        sure = task["row"] != 2
        return {"kind": "label" if sure else "unsure", "label": "eel" if sure else None}

    for person, says in zip(oracle.people, (RIGHT, wrong, RIGHT), strict=True):
        answering(oracle, says, person)
    answers = oracle(question_of([4, 2]))
    assert pairs(answers) == {4: 1, 2: 2}
    assert answers.costs.tolist() == [3.0, 2.0]  # as ben did not label the other one
    assert answers.said == {"ann": {4: 1, 2: 2}, "ben": {4: 2}, "cyd": {4: 1, 2: 2}}
    shares = {name: told["reliability"] for name, told in answers.people.items()}
    assert shares == {"ann": 1.0, "ben": 0.0, "cyd": 1.0}


def test_a_row_that_nobody_can_label_is_declined(made: Callable[..., People]) -> None:
    oracle = made(labels=torch.tensor(LABELS))

    def says(task: Any) -> Any:
        sure = task["row"] != 2
        return {"kind": "label" if sure else "unsure", "label": "dog" if sure else None}

    answering(oracle, says)
    answers = oracle(question_of([4, 2, 9]))
    assert pairs(answers) == {4: 1, 9: 1}
    assert answers.wrong == 1  # for the record, since the truth is known


def test_people_keep_the_promises_of_an_oracle(made: Callable[..., People]) -> None:
    oracle = made()
    answering(oracle)
    check_oracle(oracle, question_of([4, 2, 9, 8]))


def test_another_start_asks_only_what_is_left_and_corrects_what_was_learnt(
    made: Callable[..., People], tmp_path: Path
) -> None:
    with RunFolder(tmp_path) as folder:
        folder.add(Round(0, 1, [4], [0], {}, {"total": 1.0}, 1), {})
    ledger = Ledger(tmp_path / "labels.jsonl")
    ledger.add(event("a", row=4, name="4.jpg", key="sha256:4", label="cat", round=0))
    ledger.add(event("b", row=2, name="2.jpg", key="sha256:2", label="eel", round=1))
    ledger.add(event("c", row=4, name="4.jpg", key="sha256:4", label="dog", kind="correct"))
    oracle, asked = made(), []

    def says(task: Any) -> Any:
        asked.append(task["row"])
        return RIGHT(task)

    answering(oracle, says)
    answers = oracle(question_of([2, 9]))
    assert asked == [9]
    assert pairs(answers) == {2: 2, 9: 0}
    assert answers.corrected == {4: 1}


@pytest.mark.parametrize("options", [{}, {"votes": 2, "consensus": "dawid_skene"}])
def test_a_whole_experiment_is_as_if_the_truth_had_answered(
    made: Callable[..., People], data: Data, options: dict[str, Any]
) -> None:
    def experiment() -> Experiment:
        learner = Trained(Logistic(data.train.shape, 3, data.preprocess(), l2=1.0))
        return Experiment(data, learner, "margin", Plan(start=4, budget=3, rounds=2))

    expected = list(rounds(experiment(), TrueLabels(LABELS)))
    oracle = made(people=["ann", "ben"], labels=torch.tensor(LABELS), **options)
    for person in oracle.people:
        answering(oracle, person=person)
    found = list(rounds(experiment(), oracle))
    assert facts(found) == facts(expected)
    assert {name for done in found for name in done.people} <= {"ann", "ben"}


def facts(history: Sequence[Round]) -> list[dict[str, Any]]:
    personal = ("seconds", "by", "people", "said", "cost")
    lines = [done.to_line() for done in history]
    return [{key: line[key] for key in line if key not in personal} for line in lines]


# The end


@pytest.mark.parametrize(("ends", "phase"), [(True, "done"), (False, "stopped")])
def test_pages_hear_how_a_run_ends(
    made: Callable[..., People], monkeypatch: pytest.MonkeyPatch, ends: bool, phase: str
) -> None:
    monkeypatch.setattr("autoal.people.server.FAREWELL", 10.0)
    oracle, phases = made(), []

    def label(url: str) -> None:
        person = Simulated(url, RIGHT)
        person.run()
        phases.append(person.state["phase"])

    thread = at_the_page(oracle, label)
    oracle(question_of([4]))
    oracle.end(Round(1, 1, [4], [1], {}, {"total": 1.0}, 1))
    if ends:  # else it is stopped between two rounds
        oracle.done()
    oracle.close()
    thread.join()
    assert phases == [phase]
    oracle.close()  # a second time is nothing


def test_enough_for_today_awaits_the_rest(made: Callable[..., People]) -> None:
    oracle = made()

    def stop(url: str) -> None:
        client = Client(url)
        client.post("/api/stop")
        client.close()

    at_the_page(oracle, stop)
    with pytest.raises(Waiting, match="with 2 of the 2 rows of round 1 left"):
        oracle(question_of([4, 2]))


# The beginning


def test_who_labels_is_told_where(
    made: Callable[..., People], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    oracle = made(people=["ann", "ben"])
    for person in oracle.people:
        answering(oracle, person=person)
    oracle(question_of([4]))
    assert oracle.server is not None
    ann, ben = (oracle.server.url(person) for person in ("ann", "ben"))
    assert capsys.readouterr().out == f"label at {ann} (ann)\nlabel at {ben} (ben)\n"
    token = ann.partition("token=")[2]
    with_token = [path.name for path in tmp_path.iterdir() if token in path.read_text()]
    assert with_token == ["tokens.json"]


@pytest.mark.parametrize("screen", [True, False])
def test_the_page_opens_in_a_browser_where_there_can_be_one(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: bool
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if screen:
        monkeypatch.setenv("DISPLAY", ":0")
    oracle = People(data, tmp_path, port=0)
    answering(oracle)
    oracle(question_of([4]))
    assert oracle.server is not None
    assert opened == ([oracle.server.url(oracle.people[0])] if screen else [])
    oracle.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"host": "192.168.1.5"}, "lets others label: name them, as in oracle.people="),
        ({"host": "0.0.0.0", "people": ["ann"]}, "is not an address that a browser can open"),
        ({"people": ["ann", "ann"]}, "a name occurs twice"),
        ({"people": ["ann, ben"]}, "'ann, ben' is not a name"),
        ({"people": [" "]}, "' ' is not a name"),
        ({"people": "ann"}, r"oracle\.people=ann must be a list of names, as in \[ann,ben\]"),
        ({"people": None}, r"oracle\.people=None must be a list of names"),
        ({"people": [1, 2]}, "`people` must be a text, got 1"),
        ({"host": 0}, "`host` must be a text, got 0"),
        ({"open": "maybe"}, "`open` must be true or false"),
        ({"guess": "maybe"}, "`guess` must be true or false"),
        ({"votes": 0}, "`votes` must be at least 1"),
        (
            {"votes": 2},
            r"votes=2 asks 2 people about each row, and oracle\.people= names 0: name mo",
        ),
        (
            {"votes": 3, "people": ["ann", "ben"]},
            r"asks 3 people .* names 2: name more, or ask fewe",
        ),
        ({"consensus": "most"}, "unknown consensus .most.; did you mean .majority."),
        ({"second": 1.5}, "`second` must be at least 0 and at most 1"),
        ({"port": 70000}, "`port` must be at least 0 and at most 65,535"),
        ({"strategy": CheatingOracle()}, "CheatingOracle chooses by what true labels lead to"),
    ],
)
def test_what_cannot_be_is_refused_before_anybody_is_asked(
    data: Data, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        People(data, tmp_path, **options)
    assert not [*tmp_path.iterdir()]


def test_a_port_that_is_taken_is_named(data: Data, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"port {port} is taken .*oracle\.port="):
            People(data, tmp_path, port=port, open=False)(question_of([4]))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"label": "cow"}, "is labelled 'cow', not one of the classes cat, dog, eel"),
        ({"key": "sha256:x"}, "4.jpg: it has changed since ann labelled it: put the file of"),
        ({"key": "sha256:x", "name": "b.jpg"}, "b.jpg: row 4 is a different one now"),
        ({"row": 99}, "row 99, and there are 30"),
    ],
)
def test_labels_of_other_data_are_refused_by_name(
    made: Callable[..., People], tmp_path: Path, said: dict[str, Any], words: str
) -> None:
    four = {"row": 4, "name": "4.jpg", "key": "sha256:4"}
    Ledger(tmp_path / "labels.jsonl").add(event("a", **{**four, **said}))
    with pytest.raises(UserError, match=r"labels\.jsonl, line 1: ") as refused:
        made()(question_of([2]))
    assert words in str(refused.value)
