"""Whole runs that people who err label, alone and together."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.launch import Zygote

RUN = ("data=digits", "strategy=margin", "task=logistic", "start=20", "budget=20", "logger=none")
NOISY = ("oracle=noisy", "oracle.rate=0.3")
CROWD = (
    *("oracle=crowd", "oracle.people=3", "oracle.votes=2", "oracle.consensus=one_coin"),
    *("oracle.human.rate=[0.1,0.2,0.4]", "oracle.ask=ie_thresh", "oracle.soft=true"),
    *("oracle.again=10", "oracle.known=5", "oracle.prices=[1,2,3]"),
)


def lines(path: Path) -> list[dict[str, Any]]:
    """The rounds of a run, without what differs from one to the next."""
    found = [json.loads(line) for line in (path / "rounds.jsonl").read_text().splitlines()]
    for line in found:
        del line["seconds"]
    return found


@pytest.mark.parametrize("oracle", [NOISY, CROWD], ids=["noisy", "crowd"])
def test_a_run_that_goes_on_is_told_what_one_is_that_never_stopped(
    train: Zygote, tmp_path: Path, oracle: tuple[str, ...]
) -> None:
    for name, rounds in (("whole", 2), ("parts", 0), ("parts", 2)):
        options = (*RUN, *oracle, f"rounds={rounds}", f"out={tmp_path}", f"name={name}")
        finished = train.run(*options)
        assert finished.code == 0, finished.err
    found = lines(tmp_path / "whole")
    assert lines(tmp_path / "parts") == found
    assert sum(line["wrong"] for line in found) > 3
    if oracle is CROWD:
        demand_a_crowd(found)


def demand_a_crowd(found: list[dict[str, Any]]) -> None:
    """Rounds as several people lead to them."""
    first, *later = found
    assert {name: len(told) for name, told in first["said"].items()} == {
        f"person {number}": told["labels"]
        for number, told in enumerate(first["people"].values(), start=1)
    }
    prices = {"person 1": 1, "person 2": 2, "person 3": 3}
    for line in found:
        assert line["by"] == "3 people"
        told = line["said"].items()
        assert line["cost"] == sum(prices[name] * len(labels) for name, labels in told)
        assert {*map(str, line["queried"])} <= line["beliefs"].keys()
    assert all(len(line["queried"]) + len(line.get("later", [])) == 20 for line in later)
    assert any(line.get("later") for line in later)
    assert any(line.get("amended") for line in later)
