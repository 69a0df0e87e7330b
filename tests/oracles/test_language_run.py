"""Whole runs that a language model labels."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from autoal.labels import main as labels
from autoal.language.client import PROBE
from autoal.report.write import write_report
from tests.language.conftest import door, served
from tests.language.door import MODEL, Door, Reply
from tests.language.served import MODEL as SMOL
from tests.launch import Finished, Zygote
from tests.oracles.speaking import NAMES, asked_in, continued, shown_in
from tests.people.simulated import Simulated
from tests.people.studio import KEY, Studio
from tests.people.studio import served as studio_served

__all__ = ["door", "served"]

ROWS, TESTS = 60, 20
TEXTS = ("data=text", "data.text=[text]", "data.label=label")
PLAN = ("start=12", "budget=8", "rounds=2", "logger=none", "task=logistic", "strategy=margin")


def sentence(row: int, part: str) -> str:
    """Every third is one that the model is not sure of; of the sure ones some are wrong."""
    likely = (91, 9) if row % 3 else (53, 47)
    words = "fine bright warm" if row % 2 else "dull grim cold"
    return f"{part} number {row} is {words} p{likely[(row + 1) % 2]:02}"


def label(row: int) -> str:
    return NAMES[(row + (row % 7 == 0)) % 2]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a pool and of test rows."""
    folder = tmp_path_factory.mktemp("texts")
    for part, count in (("pool", ROWS), ("test", TESTS)):
        lines = [f"{sentence(row, part)}\t{label(row)}" for row in range(count)]
        (folder / f"{part}.tsv").write_text("\n".join(["text\tlabel", *lines, ""]))
    return folder


class Command:
    """The same command, time and again."""

    def __init__(self, train: Zygote, texts: Path, out: Path, door: Door) -> None:
        self.train, self.out, self.door = train, out, door
        self.options = (
            *(*PLAN, *TEXTS, f"data.path={texts}/pool.tsv"),
            *(f"data.test_path={texts}/test.tsv", f"out={out}", "oracle=language"),
            *(f"language.url={door.url}", f"language.model={MODEL}", "language.tries=1"),
        )

    def __call__(self, name: str, *given: str, **more: Any) -> Finished:
        return self.train.run(*self.options, f"name={name}", *given, **more)

    def rounds(self, name: str) -> list[dict[str, Any]]:
        """A run's record, without seconds and without counts of cached answers."""
        lines = [
            json.loads(line) for line in (self.out / name / "rounds.jsonl").read_text().splitlines()
        ]
        for line in lines:
            del line["seconds"]
            for facts in line.get("people", {}).values():
                facts.pop("seconds"), facts.pop("cached", None)
        return lines


@pytest.fixture
def command(train: Zygote, texts: Path, tmp_path: Path, door: Door) -> Command:
    door.says = continued
    return Command(train, texts, tmp_path, door)


def numbers(line: dict[str, Any]) -> dict[int, int]:
    """The numbers that rows of a round have in the file, of which a name tells the line."""
    places = (int(name.partition(":")[2]) - 2 for name in line["names"])
    return dict(zip(line["queried"], places, strict=True))


def forget(train: Zygote) -> None:
    """Let nothing be known of earlier answers."""
    for path in train.folder.rglob("language.sqlite*"):
        path.unlink()


def test_no_label_that_was_not_bought_and_no_test_row_reaches_a_prompt(command: Command) -> None:
    forget(command.train)
    finished = command("spied", "oracle.human=truth", "oracle.verify=1", "oracle.again=3")
    assert finished.code == 0, finished.err
    bought: dict[str, str] = {}
    texts: dict[int, str] = {}
    bodies = iter(command.door.bodies)
    assert next(bodies)["prompt"] == PROBE.prompt  # asked before anything is labelled
    for line in command.rounds("spied"):
        calls = sum(facts["calls"] for facts in line.get("people", {}).values())
        for body in (next(bodies) for _ in range(calls)):
            assert set(body) == {"model", "prompt", "max_tokens", "temperature", "logprobs"}
            assert "test" not in body["prompt"]
            shown = shown_in(body["prompt"])
            assert len(shown) == 8
            assert all(bought[text] == name for text, name in shown)
            assert asked_in(body["prompt"]) not in dict(shown)
        texts |= {row: sentence(number, "pool") for row, number in numbers(line).items()}
        told = dict(zip(line["queried"], line["labels"], strict=True))
        amended = {int(row): place for row, place in line.get("amended", {}).items()}
        bought |= {texts[row]: NAMES[place] for row, place in (told | amended).items()}
    assert not list(bodies)


def test_whoever_answers_in_the_place_of_a_model_may_err(command: Command) -> None:
    erring = ("oracle.human=noisy", "oracle.human.rate=1", "rounds=0")
    finished = command("erring", *erring)
    assert finished.code == 0, finished.err
    (start,) = command.rounds("erring")
    assert (start["by"], start["wrong"]) == ("noisy", 12)


def test_a_record_tells_who_labelled_and_for_how_much(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    priced = ("oracle.price=2", "language.price_in=1000")  # .1 a call
    finished = command("told", *priced)
    assert finished.code == 0, finished.err
    start, *later = command.rounds("told")
    assert (start["by"], start["cost"]) == ("truth", 24)
    assert "machine" not in start
    for line in later:
        sure = {row: number for row, number in numbers(line).items() if number % 3}
        assert line["machine"] == sorted(sure)
        assert line["wrong"] == sum(number % 7 == 0 for number in sure.values())
        others = 8 - len(sure)
        assert line["cost"] == pytest.approx(0.8 + 2 * others)
        told = line["people"][MODEL]
        assert (told["labels"], told["routed"], told["calls"]) == (len(sure), others, 8)
        shown = f"{len(sure)} by {MODEL}" + (f", {others} by truth" if others else "")
        assert shown in finished.out or f"{others} by truth, {len(sure)} by {MODEL}" in finished.out
    assert labels([str(command.out / "told"), "--format", "jsonl"]) == 0
    sources = {
        each["row"]: each["source"]
        for each in map(json.loads, capsys.readouterr().out.splitlines())
    }
    machine = {row for line in later for row in line["machine"]}
    assert sources == {row: MODEL if row in machine else "truth" for row in sources}
    assert machine
    assert command("plain", "oracle=truth").code == 0
    page = write_report([command.out], command.out / "report").read_text()
    assert "see --over money." in page
    table = (command.out / "report" / "tables" / "sources.csv").read_text()
    (paid, free) = sorted(
        csv.DictReader(table.splitlines()), key=lambda line: -float(line["labels by a model"])
    )
    right = 1 - sum(line["wrong"] for line in later) / len(machine)
    assert float(paid["labels by a model"]) == len(machine)
    assert float(paid["right"]) == pytest.approx(right)
    assert float(paid["money for a model"]) == pytest.approx(1.6)
    assert float(paid["money for others"]) == pytest.approx(24 + 2 * (16 - len(machine)))
    assert (float(free["money for a model"]), float(free["money for others"])) == (0, 28)


def test_a_file_asks_only_what_the_model_is_not_sure_of(command: Command) -> None:
    assert command("truth").code == 0
    asked = []
    while (finished := command("files", "oracle.human=files")).code == 75:
        path = command.out / "files" / "to_label.csv"
        with path.open(newline="") as opened:
            lines = list(csv.DictReader(opened))
        asked += [{int(line["text"].split()[2]) for line in lines}]
        with path.open("w", newline="") as opened:
            writer = csv.DictWriter(opened, lines[0])
            writer.writeheader()
            rows = [(line, int(line["text"].split()[2])) for line in lines]
            writer.writerows({**line, "label": label(row)} for line, row in rows)
    assert finished.code == 0, finished.err
    start, *later = asked
    assert len(start) == 12
    assert all(row % 3 == 0 for rows in later for row in rows)
    for line, other in zip(command.rounds("files"), command.rounds("truth"), strict=True):
        assert [line[name] for name in ("queried", "labels", "cost") if name in line] == [
            other[name] for name in ("queried", "labels", "cost") if name in other
        ]
        assert line.get("machine") == other.get("machine")
        assert line["by"] in ("files", MODEL)


def test_label_studio_asks_only_what_the_model_is_not_sure_of(command: Command) -> None:
    assert command("truth").code == 0
    with studio_served(Studio()) as studio:
        asks = ("oracle.human=label_studio", f"oracle.human.url={studio.url}")
        key = {"AUTOAL_LABEL_STUDIO_TOKEN": KEY}
        given = (*command.options, "name=studio", *asks, "oracle.human.wait=false")
        answered = 0
        while (finished := command.train.start(*given, environment=key).finish()).code == 75:
            for task in studio.tasks[answered:]:
                row = int(task["data"]["text"].split()[2])
                studio.annotate(task["data"]["name"], label(row))
            answered = len(studio.tasks)
    assert finished.code == 0, finished.err
    for line, other in zip(command.rounds("studio"), command.rounds("truth"), strict=True):
        for name in ("queried", "labels", "cost", "machine"):
            assert line.get(name) == other.get(name)
    numbers = [int(task["data"]["text"].split()[2]) for task in studio.tasks]
    assert all(number % 3 == 0 for number in numbers[12:])  # after the start
    assert len(numbers) > 12


def test_a_server_that_dies_in_mid_round_loses_nothing(command: Command) -> None:
    assert command("whole").code == 0
    forget(command.train)
    command.door.bodies.clear()

    def dies(body: dict[str, Any]) -> Reply:
        return continued(body) if len(command.door.bodies) < 12 else Reply(dies=True)

    command.door.says = dies
    stopped = command("cut", "language.parallel=1")
    assert (stopped.code, len(command.rounds("cut"))) == (2, 2)
    assert "did not answer" in stopped.err
    assert stopped.err.count("\n") == 1
    command.door.says = continued
    assert command("cut").code == 0
    assert command.rounds("cut") == command.rounds("whole")
    assert set(command.door.counts.values()) <= {1, 2}
    # What tells of log-probabilities, 16 rows, the one that it died of, and perhaps the next,
    # which was on its way by then.
    assert 17 + 1 <= sum(command.door.counts.values()) <= 17 + 2


def test_a_run_that_was_killed_goes_on_and_pays_for_nothing_twice(command: Command) -> None:
    assert command("whole").code == 0
    forget(command.train)
    command.door.bodies.clear()
    killed = command("cut", die="scoring")
    assert killed.code == -9
    for place in ("the rounds half written", "between state and rounds"):
        command("cut", die=place)
    assert command("cut").code == 0
    assert command.rounds("cut") == command.rounds("whole")
    assert set(command.door.counts.values()) == {1}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["language.model=null"], "oracle=language needs language.model: give language.model="),
        (["oracle.human=ann"], "unknown oracle/human 'ann'"),
        (["oracle.human=people", "oracle.human.prt=1"], "did you mean 'port'?"),
        (["strategy=cheating_oracle"], "oracle=language does not work with strategy"),
        (["oracle.accept=2"], "`accept` must be"),
        (["oracle=truth", "oracle.human=people"], "goes with oracle=crowd or oracle=language"),
        (["oracle.form=chat", "oracle.draws=0"], "`draws` must be"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    command: Command, given: list[str], message: str
) -> None:
    kept = [option for option in command.options if option.partition("=")[0] not in {
        each.partition("=")[0] for each in given
    }]  # fmt: skip
    refused = command.train.run(*kept, "name=refused", *given)
    assert refused.code == 2
    assert message in refused.err
    assert not (command.out / "refused").exists()


def test_classes_that_begin_alike_and_have_spaces_are_told_apart(
    train: Zygote, texts: Path, tmp_path: Path, served: str
) -> None:
    """By a real model, whatever it says; the wiring holds to the end."""
    for part in ("pool", "test"):
        content = (texts / f"{part}.tsv").read_text()
        for name in NAMES:
            content = content.replace(f"\t{name}\n", f"\tvery {name}\n")
        (tmp_path / f"{part}.tsv").write_text(content)
    finished = train.run(
        *(*TEXTS, f"data.path={tmp_path}/pool.tsv", f"data.test_path={tmp_path}/test.tsv"),
        *("start=8", "budget=4", "rounds=1", "logger=none", "task=logistic", "strategy=margin"),
        *(f"out={tmp_path}", "name=real", "oracle=language", "oracle.shots=4"),
        *(f"language.url={served}", f"language.model={SMOL}", "language.parallel=1"),
    )
    assert finished.code == 0, finished.err
    line = json.loads((tmp_path / "real" / "rounds.jsonl").read_text().splitlines()[1])
    told = line["people"][SMOL]
    assert told["labels"] + told["routed"] == 4
    assert (told["refused"], told["malformed"]) == (0, 0)
    assert told["calls"] >= 8  # each name is asked for token by token


def test_people_see_on_their_page_what_the_model_is_not_sure_of(command: Command) -> None:
    def says(task: Mapping[str, Any]) -> Mapping[str, Any]:
        ((_, text),) = task["card"]["texts"]
        return {"kind": "label", "label": label(int(text.split()[2]))}

    page = ("oracle.human.port=0", "oracle.human.open=false", "oracle.human.people=[ann,ben]")
    assert command("truth").code == 0
    running = command.train.start(*command.options, "name=run", "oracle.human=people", *page)
    crowd = [Simulated(url, says) for url in running.pages(2)]
    for person in crowd:
        person.start()
    finished = running.finish()
    assert finished.code == 0, finished.err
    for person in crowd:
        person.join()
        assert person.state["phase"] == "done"
    there, expected = command.rounds("run"), command.rounds("truth")
    ledger = (command.out / "run" / "labels.jsonl").read_text()
    said = [*map(json.loads, ledger.splitlines())]
    machine = [row for line in there for row in line.get("machine", [])]
    assert len(said) == 28 - len(machine)
    assert not {event["row"] for event in said} & {*machine}
    for line, other in zip(there, expected, strict=True):
        assert (line["queried"], line["labels"]) == (other["queried"], other["labels"])
        assert line["accuracy"] == other["accuracy"]


@pytest.mark.parametrize("part", ["oracle", "task"])
def test_a_server_that_only_chats_is_noticed_before_anybody_labels(
    command: Command, part: str
) -> None:
    forget(command.train)
    command.door.says = lambda body: Reply("this is a chat model", 404 if "prompt" in body else 200)
    given = {"oracle": ["oracle.human=files"], "task": ["oracle=truth", "task=prompt"]}[part]
    refused = command("chats", *given)
    assert refused.code == 2
    assert f"give {part}.form=chat, which asks it several times" in refused.err
    assert refused.err.count("\n") == 1
    assert len(command.door.bodies) == 1
    assert not (command.out / "chats").exists()
