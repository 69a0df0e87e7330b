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
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(
    start: int, budget: int, rounds: int, message: str
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
