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
