"""A plugin's failure is told by its name, with its traceback, and what is finished is safe."""

import json
from pathlib import Path

import pytest

from autoal.record.failure import read_failure
from autoal.record.layout import FAILURE
from autoal.report.runs import read_runs
from tests.launch import Zygote
from tests.sites import install

SOURCE = """
import sys

import torch

from autoal import Encoder, ImageData, Learner, QueryStrategy


class Fatal(BaseException):
    pass


class Late(QueryStrategy):
    def score(self, view, budget):
        if len(view.labelled) > 30:
            self.fail()
        return view.pool.embeddings.sum(1)


class Exits(Late):
    def fail(self):
        sys.exit(0)


class Divides(Late):
    def fail(self):
        divided(1)


class Ends(Late):
    def fail(self):
        raise Fatal("no more")


def divided(number):
    return number / 0


class Lost(ImageData):
    classes = ("a", "b")

    def load(self):
        sys.exit("no disk")


class Odd(Lost):
    def load(self):
        raise ValueError("the table has no rows")


class Blind(Encoder):
    def key(self):
        return "blind"

    def encode(self, parts, device):
        sys.exit()


class Mute:
    def __init__(self, oracle):
        self.oracle = oracle

    def __call__(self, question):
        return divided(question.number)


class Forgets(Learner):
    def fit(self, rows, *, first, watch):
        return [][1]

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass

    test = look = fresh = fit
"""
POINTS = {
    "autoal.strategies": {"exits": "Exits", "divides": "Divides", "ends": "Ends"},
    "autoal.data": {"lost": "Lost", "odd": "Odd"},
    "autoal.encoders": {"blind": "Blind"},
    "autoal.oracles": {"mute": "Mute"},
    "autoal.tasks": {"forgets": "Forgets"},
}
QUICK = ("strategy=random", "task=linear", "task.steps=5", "rounds=3", "logger=none", "name=run")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    install(folder, "failing", SOURCE, POINTS)
    return folder


@pytest.mark.parametrize(
    ("chosen", "told", "finished"),
    [
        ("strategy=exits", "strategy 'exits' of failing 1.0 failed: SystemExit: 0", 3),
        ("strategy=divides", "strategy 'divides' of failing 1.0 failed: ZeroDivisionError: ", 3),
        ("strategy=ends", "strategy 'ends' of failing 1.0 failed: Fatal: no more", 3),
        ("task=forgets", "task 'forgets' of failing 1.0 failed: IndexError: ", 0),
        ("oracle=mute", "oracle 'mute' of failing 1.0 failed: ZeroDivisionError: ", 0),
        (
            "oracle._target_=tests.failing.Leaves",
            "oracle 'tests.failing.Leaves' failed: SystemExit: 0",
            1,
        ),
    ],
)
def test_what_fails_in_a_run_is_told_by_its_name_and_leaves_what_is_finished(
    train: Zygote, site: Path, tmp_path: Path, chosen: str, told: str, finished: int
) -> None:
    given = [option for option in QUICK if option.split("=")[0] != chosen.split("=")[0]]
    if chosen.startswith("task="):
        given.remove("task.steps=5")
    done = train.run(*given, chosen, f"out={tmp_path}", site=site)
    assert done.code == 1
    assert f"\nerror: {told}" in done.err
    assert done.err.startswith("Traceback (most recent call last):")
    rounds = tmp_path / "run" / "rounds.jsonl"
    lines = rounds.read_text().splitlines() if rounds.exists() else []
    assert [json.loads(line)["round"] for line in lines] == list(range(finished))
    assert read_failure(tmp_path / "run").startswith(told.rstrip())
    assert "Traceback" in (tmp_path / "run" / FAILURE).read_text()


@pytest.mark.parametrize(
    ("chosen", "told", "code"),
    [
        ("data=lost", "data 'lost' of failing 1.0 failed: SystemExit: no disk", 1),
        ("data=odd", "data 'odd' of failing 1.0: the table has no rows", 2),
        ("encoder=blind", "encoder 'blind' of failing 1.0 failed: SystemExit", 1),
        ("task._target_=tests.failing", "there is no", 2),
        ("task.network._target_=tests.exits.Net", "tests.exits cannot be imported: ", 2),
    ],
)
def test_what_fails_before_a_run_is_told_by_its_name_and_leaves_nothing(
    train: Zygote, site: Path, tmp_path: Path, chosen: str, told: str, code: int
) -> None:
    done = train.run(*QUICK, chosen, f"out={tmp_path}", site=site)
    assert done.code == code, done.err
    assert f"error: {told}" in done.err
    assert ("Traceback" in done.err) == (code == 1)
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_does_the_others_and_its_report_tells_whose_failure_it_was(
    train: Zygote, site: Path, tmp_path: Path
) -> None:
    sweep = ("-m", "strategy=exits,divides,random", "task=linear", "task.steps=5", "logger=none")
    done = train.run(*sweep, "rounds=3", f"out={tmp_path}", site=site)
    assert done.code == 1
    for told in ("'exits' of failing 1.0 failed: SystemExit: 0", "'divides' of failing 1.0"):
        assert done.err.count(f"error: strategy {told}") == 1
    runs, _ = read_runs([tmp_path])
    failures = {run.strategy: run.failure for run in runs}
    assert failures["exits"] == "strategy 'exits' of failing 1.0 failed: SystemExit: 0"
    assert failures["random"] == ""
    assert [len(run.rounds) for run in runs if run.strategy == "random"] == [4]
