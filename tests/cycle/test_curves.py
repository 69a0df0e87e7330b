from dataclasses import replace
from math import log

import pytest

from autoal.cycle.curves import Cost, Plateau
from autoal.cycle.hooks import StopRule
from tests.cycle.rules import read, rounds_of


def test_accuracy_that_rises_no_more_advises_to_stop() -> None:
    history = rounds_of(0.5, 0.9, 0.8, 0.904, 0.905, 0.906)
    values = [read(Plateau(rounds=2), history[: count + 1]) for count in range(6)]
    assert [said.value for said in values] == [None, None, 0.4, 0.004, 0.005, 0.002]
    assert [bool(said.reason) for said in values] == [False, False, False, True, True, True]
    assert values[-1].reason == ("accuracy moved by +0.20 points in 2 rounds (plateau, rule 0.5)")


def test_accuracy_is_that_of_the_validation_rows_where_there_are_some() -> None:
    history = [
        replace(each, metrics={**each.metrics, "val_accuracy": 0.5})
        for each in rounds_of(0.5, 0.6, 0.7)
    ]
    assert read(Plateau(rounds=1), history).value == 0


def test_rounds_without_an_accuracy_are_passed_over() -> None:
    assert read(Plateau(rounds=1), rounds_of(None, 0.5, None, 0.6)).value == 0.1


@pytest.mark.parametrize("rule", [Plateau(rounds=1), Cost(1, 1)], ids=["plateau", "cost"])
def test_where_nothing_judges_there_is_no_value(rule: StopRule) -> None:
    assert read(rule, rounds_of(*[None] * 9)).value is None


def test_a_label_that_costs_more_than_it_brings_advises_to_stop() -> None:
    # Accuracy rises by .1 whenever the labels double: the next 10 after 160 bring .1 log2(170/160).
    history = [
        replace(each, labelled=10 * 2**number)
        for number, each in enumerate(rounds_of(0.1, 0.2, 0.3, 0.4, 0.5))
    ]
    gain = 0.1 * log(170 / 160, 2)
    values = [read(Cost(2.0, 1.0), history[: count + 1]) for count in range(5)]
    assert [said.value for said in values] == pytest.approx([None] * 4 + [100 * gain / 10])
    assert values[-1].reason == "by the curve so far a further label is worth 0.0875, and costs 2"
    assert not read(Cost(0.08, 1.0), history).reason


def test_a_curve_is_extrapolated_from_its_later_half() -> None:
    steep, flat = [0.1 * number for number in range(5)], [0.5] * 10
    assert read(Cost(1, 1), rounds_of(*steep, *flat)).value == pytest.approx(0)


def test_a_round_of_which_all_rows_were_declined_is_no_point_of_the_curve() -> None:
    history = rounds_of(0.1, 0.2, 0.3, 0.4)
    again = replace(history[-1], queried=[], labels=[])
    assert read(Cost(1, 1), [*history, again]).value is None
    history = rounds_of(0.1, 0.2, 0.3, 0.4, 0.5)
    assert read(Cost(1, 1), [*history, replace(history[-1], queried=[])]).value is not None
