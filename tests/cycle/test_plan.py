from typing import Any

import pytest

from autoal import Plan


@pytest.mark.parametrize(
    ("start", "budget", "rounds", "message"),
    [
        (0, 5, 3, "`start` must be at least 1, got 0"),
        (-2, 5, 3, "`start` must be at least 1, got -2"),
        (6, 0, 3, "`budget` must be at least 1, got 0"),
        (6, 5, -1, "`rounds` must be at least 0, got -1"),
        (6, 2.5, 1, "`budget` must be a whole number, got 2.5"),
        (6, [5, 0], 2, r"`budget\[1\]` must be at least 1, got 0"),
        (6, [5, "x"], 2, r"`budget\[1\]` must be a whole number, got 'x'"),
        (6, [5, 6], 3, r"budget=\[5, 6\] is for 2 rounds, and rounds=3: give a number for each"),
        (6, [], 1, r"budget=\[\] is for 0 rounds"),
        (6, 5, 10**30, "`rounds` must be of a size up to 1,000,000,000"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(
    start: int, budget: Any, rounds: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Plan(start, budget, rounds).demand_room(60)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"unit": "hours", "spend": 1}, "unknown plan.unit 'hours'"),
        ({"spend": 0}, "`spend` must be above 0, got 0"),
        ({"spend": "x"}, "`spend` must be a number, got 'x'"),
        ({"apart": -1}, "`apart` must be above 0, got -1"),
        ({"minutes": 0}, "`minutes` must be above 0, got 0"),
        ({"per_cost": 1}, "`per_cost` must be true or false, got 1"),
        ({"unit": "money"}, "plan.unit=money is the unit of plan.spend=: give plan.spend="),
        ({"spend": 3, "minutes": 3}, "plan.spend= and plan.minutes= both say how large"),
        ({"spend": 3, "budget": [1, 2]}, "plan.spend= says how large a batch is, and a list"),
        ({"minutes": 3, "budget": [1, 2]}, "plan.minutes= says how large a batch is, and a list"),
    ],
)
def test_what_a_plan_cannot_spend_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Plan(**{"start": 6, "budget": 5, "rounds": 2, **given})


def test_of_a_plan_that_counts_no_rows_only_the_start_needs_room() -> None:
    for plan in (Plan(6, 50, 9, spend=3), Plan(6, 50, 9, minutes=3)):
        plan.demand_room(60)
        with pytest.raises(ValueError, match="start=6: the pool has only 5 rows"):
            plan.demand_room(5)


def test_a_run_from_before_there_was_such_a_section_buys_labels() -> None:
    settings: dict[str, Any] = {"start": {"size": 6}, "budget": 5, "rounds": 3}
    assert Plan.of(settings) == Plan(6, 5, 3)
    spending = {**settings, "plan": {"unit": "money", "spend": 2.5, "per_cost": True}}
    assert Plan.of(spending) == Plan(6, 5, 3, unit="money", spend=2.5, per_cost=True)


def test_a_start_set_larger_than_the_pool_is_refused() -> None:
    with pytest.raises(ValueError, match="start=61: the pool has only 60 rows"):
        Plan(start=61, budget=1, rounds=0).demand_room(60)


def test_more_labels_than_the_pool_has_are_refused_with_the_sum() -> None:
    with pytest.raises(ValueError, match=r"6 \+ 11 x 5 = 61 labels, but the pool has only 60 rows"):
        Plan(start=6, budget=5, rounds=11).demand_room(60)


def test_a_plan_may_use_up_the_pool() -> None:
    Plan(start=5, budget=5, rounds=11).demand_room(60)
    Plan(start=60, budget=5, rounds=0).demand_room(60)
    with pytest.raises(ValueError, match="only 59 rows"):
        Plan(start=5, budget=5, rounds=11).demand_room(59)


def test_a_list_of_budgets_has_one_for_each_round() -> None:
    plan = Plan(start=5, budget=[10, 20], rounds=2)
    assert [plan.batch(number) for number in range(3)] == [5, 10, 20]
    assert [Plan(5, 10, 2).batch(number) for number in range(3)] == [5, 10, 10]
    plan.demand_room(35)
    with pytest.raises(ValueError, match=r"budget=\[10, 20\]: that is 5 \+ 10 \+ 20 = 35 labels"):
        plan.demand_room(34)


def test_a_list_of_budgets_may_change_without_the_plan() -> None:
    budgets = [10, 20]
    plan = Plan(5, budgets, 2)
    budgets.append(30)
    assert plan.budget == (10, 20)
