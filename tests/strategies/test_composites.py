"""Strategies made of strategies, or of learners, through the loop and through train.py."""

import json
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from autoal.strategies import bandits, refining

from autoal import Answers, Data, Experiment, Plan, Question, Round, Trained, TrueLabels, rounds
from autoal.config import CONFIGS
from autoal.query import registry
from autoal.query.composite import Composite
from autoal.record.layout import WEIGHTS
from tests.cycle.made import facts, recorded, saved
from tests.launch import Zygote

MADE_OF = {"albl": bandits, "refine": refining, "tailor": bandits}
OPTIONS: dict[str, dict[str, Any]] = {
    "albl": {},
    "committee": {"members": 2},
    "refine": {"batches": 1},
    "selectal": {"splits": 2},
    "tailor": {},
    "tcm": {"queries": 1},
}
PLAN = Plan(start=9, budget=4, rounds=2)
LINEAR = ("task=linear", "task.steps=3", "data=digits", "rounds=2", "start=20", "logger=none")
Make = Callable[..., Trained]


@pytest.fixture
def begun(data: Data, make_learner: Make) -> Callable[[str], Experiment]:
    def begin(name: str) -> Experiment:
        strategy = registry.build(name, **OPTIONS[name])
        return Experiment(data, make_learner(steps=3), strategy, PLAN)

    return begin


@pytest.mark.parametrize("name", OPTIONS)
def test_a_run_that_is_interrupted_goes_on_as_if_it_had_not_been(
    name: str, begun: Callable[[str], Experiment], data: Data
) -> None:
    oracle, first = TrueLabels(data.train.labels), begun(name)
    whole, states = [], []
    for finished in rounds(first, oracle):
        whole.append(finished)
        states.append(saved(first))
    assert [len(done.queried) for done in whole] == [9, 4, 4]
    for count in (1, 2):
        again = begun(name)
        again.resume(recorded(whole[:count]), states[count - 1])
        torch.manual_seed(count)
        assert told(list(rounds(again, oracle))) == told(whole[count:])


def told(history: list[Round]) -> list[Any]:
    """The rounds of a run, and its notes on them."""
    return [*facts(history), *(done.notes for done in history)]


@pytest.mark.parametrize("name", ["tailor", "albl"])
def test_rows_that_nobody_can_label_teach_nothing(
    name: str, begun: Callable[[str], Experiment], data: Data
) -> None:
    labels = data.train.labels

    def oracle(question: Question) -> Answers:
        some = question.rows[:: 2 if question.number else 1]
        return Answers(some, labels[some])

    experiment = begun(name)
    history = list(rounds(experiment, oracle))
    assert [len(done.declined) for done in history] == [0, 2, 2]
    assert sum(history[-1].notes["weights"].values()) == pytest.approx(1)


@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "committee"])
def test_the_record_tells_what_part_each_candidate_has(
    name: str, begun: Callable[[str], Experiment], data: Data
) -> None:
    experiment = begun(name)
    assert isinstance(experiment.strategy, Composite)
    for done in list(rounds(experiment, TrueLabels(data.train.labels)))[1:]:
        assert list(done.weights) == list(experiment.strategy.candidates)
        assert sum(done.weights.values()) == pytest.approx(1)


@pytest.mark.parametrize("name", MADE_OF)
def test_the_settings_say_what_the_class_does(name: str) -> None:
    written = yaml.safe_load((CONFIGS / "strategy" / f"{name}.yaml").read_text())
    parameters = signature(registry.load(name)).parameters
    defaults = {option: value.default for option, value in parameters.items()}
    assert defaults["candidates"] is None
    assert written == {"name": name, **defaults, "candidates": MADE_OF[name].CANDIDATES}


@pytest.mark.parametrize("name", OPTIONS)
def test_the_class_says_what_the_usual_candidates_read(name: str) -> None:
    assert registry.build(name).reads == registry.load(name).reads


def test_a_run_tells_the_weights_of_its_candidates(train: Zygote, tmp_path: Path) -> None:
    options = ("~strategy.candidates.bait", "+strategy.candidates.coreset={}", "strategy.batches=1")
    done = train.run(*LINEAR, "strategy=refine", *options, f"out={tmp_path}", "name=run")
    assert done.code == 0, done.err
    lines = (tmp_path / "run" / "rounds.jsonl").read_text().splitlines()
    expected = set(refining.CANDIDATES) - {"bait"} | {"coreset"}
    assert [set(json.loads(line)["notes"].get("weights", {})) for line in lines] == [
        *(set(), expected, expected),
    ]
    assert (tmp_path / "run" / WEIGHTS).exists()


@pytest.mark.parametrize("name", ["committee", "selectal"])
def test_members_are_learners_of_the_task(name: str, train: Zygote, tmp_path: Path) -> None:
    done = train.run(*LINEAR, f"strategy={name}", f"out={tmp_path}", "name=run")
    assert done.code == 0, done.err
    seconds = [
        json.loads(line)["seconds"]
        for line in (tmp_path / "run" / "rounds.jsonl").read_text().splitlines()
    ]
    assert [found.get("members", 0) > 0 for found in seconds] == [False, True, True]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("strategy=refine", "+strategy.candidates.albl={}"), "albl: it has candidates itself"),
        (("strategy=albl", "+strategy.candidates.tcm={}"), "'tcm': it has candidates itself"),
        (("strategy=tailor", "+strategy.candidates.committee={}"), "it trains learners of its own"),
        (("strategy=autoal", "+strategy.candidates.refine={}"), "refine: it has candidates itself"),
        (("strategy=refine", "+strategy.candidates.margn={}"), "did you mean 'margin'"),
        (("strategy=albl", "+strategy.candidates.margin.temprature=2"), "'temprature'"),
        (("strategy=tcm", "strategy.then=margn"), "did you mean 'margin'"),
        (("strategy=tailor", "strategy.decay=2"), "`decay` must be at most 1"),
        (("strategy=refine", "strategy.subset=0"), "`subset` must be at least 1"),
        (("strategy=margin", "start=tcm"), "cannot choose the start"),
    ],
    ids=lambda value: None if isinstance(value, str) else value[-1],
)
def test_what_cannot_be_is_one_message(
    options: tuple[str, ...], message: str, train: Zygote, tmp_path: Path
) -> None:
    refused = train.run(*LINEAR, *options, f"out={tmp_path}", "name=run")
    assert refused.code == 2, refused.out + refused.err
    assert refused.err.startswith("error: ")
    assert "Traceback" not in refused.err
    assert message in refused.err
