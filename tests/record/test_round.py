import json
from dataclasses import replace
from typing import Any

import pytest

from autoal import Round
from autoal.errors import UserError


def test_a_round_survives_its_line_in_the_record() -> None:
    done = Round(
        number=2,
        labelled=5,
        queried=[7, 3],
        labels=[1, 0],
        metrics={"accuracy": 0.5, "nll": 1.25},
        seconds={"train": 0.5, "total": 0.75},
        steps=100,
        bought=0,
        wrong=1,
    )
    line = json.loads(json.dumps(done.to_line() | {"strategy": "margin", "seed": 3}))
    assert line["accuracy"] == 0.5
    assert line["round"] == 2
    assert Round.from_line(line) == done
    assert done.unasked


def test_a_line_of_an_older_record_says_nothing_of_what_was_bought() -> None:
    line = {"round": 1, "labelled": 2, "queried": [4], "labels": [0], "seconds": {}, "steps": 3}
    old = Round.from_line(line)
    assert (old.bought, old.wrong, old.unasked) == (None, None, False)
    assert (old.names, old.by) == ([], "")


def test_labels_that_were_bought_were_asked_for() -> None:
    line = {"round": 0, "labelled": 5, "queried": [4], "labels": [0], "seconds": {}, "steps": 3}
    assert not Round.from_line({**line, "bought": 5}).unasked
    assert Round.from_line({**line, "bought": 0}).unasked


FULL = Round(
    number=2,
    labelled=5,
    queried=[7, 3],
    labels=[1, 0],
    metrics={"accuracy": 0.5},
    seconds={"total": 0.75},
    steps=100,
)


def test_what_is_rare_stands_in_the_record_only_if_it_is_so() -> None:
    rare = {"declined", "cost", "made", "taken", "timed"}
    assert not rare & set(FULL.to_line())
    unusual = replace(FULL, declined=[9, 4], cost=2.5, made=3, taken=4.5, timed={7: 3.25, 9: 1.25})
    line = json.loads(json.dumps(unusual.to_line()))
    assert {name: line[name] for name in rare} == {
        "declined": [9, 4],
        "cost": 2.5,
        "made": 3,
        "taken": 4.5,
        "timed": {"7": 3.25, "9": 1.25},
    }
    assert Round.from_line(line) == unusual
    for name, only in {
        "declined": replace(FULL, declined=[9]),
        "cost": replace(FULL, cost=4.0),
        "made": replace(FULL, made=1),
    }.items():
        assert rare & set(only.to_line()) == {name}
        assert Round.from_line(json.loads(json.dumps(only.to_line()))) == only


def test_a_cost_is_no_metric() -> None:
    assert Round.from_line(replace(FULL, cost=2.5).to_line()).metrics == {"accuracy": 0.5}


def test_rows_that_were_declined_were_not_labelled_unasked() -> None:
    assert not replace(FULL, queried=[7], labels=[1], bought=1, declined=[3]).unasked
    assert not replace(FULL, queried=[], labels=[], bought=0, declined=[3, 7]).unasked


def test_a_round_tells_all_labels_that_it_brought() -> None:
    done = Round(
        1,
        9,
        queried=[5],
        labels=[0],
        metrics={},
        seconds={},
        steps=0,
        checked=[7],
        checked_labels=[1],
        given={2: 1},
        amended={4: 0},
        declined=[8],
    )
    assert done.told == {5: 0, 7: 1, 2: 1, 4: 0}


MIXED = Round(
    2, 9, [4, 5, 6], [1, 0, 1], {}, {}, 3, bought=3, cost=2.5, by="ann", amended={3: 1},
    machine=[3, 5, 6],
    people={"ann": {"labels": 1, "seconds": 2.5}, "smol": {"labels": 2, "calls": 4, "cost": 0.5}},
)  # fmt: skip


def test_a_round_tells_whose_each_label_is() -> None:
    assert MIXED.sources == {4: "ann", 5: "smol", 6: "smol"}
    assert ([*MIXED.persons], [*MIXED.models]) == (["ann"], ["smol"])
    assert MIXED.unasked
    assert Round.from_line(MIXED.to_line()) == MIXED
    assert replace(MIXED, people={}).sources == {4: "ann", 5: "ann", 6: "ann"}


def test_labels_cost_one_where_nothing_else_is_told() -> None:
    assert MIXED.money == 2.5
    assert replace(MIXED, cost=None).money == 3
    assert replace(MIXED, cost=None, bought=None).money == 3
    assert replace(MIXED, cost=None, bought=0).money == 0


def test_seconds_are_those_that_labels_cost_or_else_those_of_people() -> None:
    people = {"ann": {"labels": 1, "seconds": 4.0}, "smol": {"labels": 2, "calls": 3, "seconds": 9}}
    assert replace(MIXED, people=people).time == 4.0
    assert replace(MIXED, people=people, taken=2.5).time == 2.5
    assert FULL.time == 0


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"machine": [7]}, "`machine` has row 7, which got no label"),
        ({"machine": 5}, "`machine` must be a list of whole numbers"),
        ({"taken": -1}, "`taken` must be a finite number from 0 on"),
        ({"timed": {"7": "long"}}, "`timed` must be a mapping from rows to seconds"),
        ({"timed": {"seven": 1.0}}, "`timed` must be a mapping from rows to seconds"),
        ({"people": {"smol": 3}}, "`people` must be a mapping to mappings of finite numbers"),
        ({"people": {"smol": {"calls": "many"}}}, "`people` must be a mapping to mappings"),
    ],
)
def test_a_damaged_word_on_who_labelled_is_refused(damage: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Round.from_line({**MIXED.to_line(), **damage})


def test_what_each_of_several_people_said_survives_the_record() -> None:
    assert "said" not in FULL.to_line()
    several = replace(FULL, said={"ann": {7: 1, 3: 0}, "ben": {}})
    line = json.loads(json.dumps(several.to_line()))
    assert line["said"] == {"ann": {"7": 1, "3": 0}, "ben": {}}
    assert Round.from_line(line) == several
    for wrong in ([1], {"ann": 1}, {"ann": {"x": 1}}, {"ann": {"7": -1}}):
        with pytest.raises(UserError, match="`said` must be a mapping to mappings from rows"):
            Round.from_line({**line, "said": wrong})
