from autoal.cycle.spending import Budget, Time
from tests.cycle.made import Make, answered
from tests.cycle.rules import read, rounds_of


def test_a_budget_counts_what_was_bought() -> None:
    history = rounds_of(0.1, 0.2, 0.3)
    values = [read(Budget(30), history[: count + 1]) for count in range(3)]
    assert [said.value for said in values] == [10, 20, 30]
    assert [said.reason for said in values] == [
        "",
        "",
        "30 labels were bought (budget, rule 30)",
    ]
    assert read(Budget(30), rounds_of(0.1, 0.2, bought=4)).value == 8


def test_time_is_peoples_or_else_the_machines() -> None:
    people = {"ann": {"labels": 6, "seconds": 45.0}, "ben": {"labels": 4, "seconds": 15.0}}
    asked = rounds_of(0.1, 0.2, people=people)
    values = [read(Time(2), asked[: count + 1]) for count in range(2)]
    assert [said.value for said in values] == [1, 2]
    assert [said.reason for said in values] == ["", "2.0 minutes were spent (time, rule 2)"]
    assert read(Time(2), rounds_of(0.1, 0.2)).value == 1


def test_the_seconds_of_the_round_that_was_just_done_count(quick: Make) -> None:
    first = answered(quick(stop=Time(60)))
    assert 0 < first.stop["value"] <= first.seconds["total"] / 60


def test_the_seconds_of_a_language_model_are_no_person_s() -> None:
    people = {"ann": {"seconds": 60.0}, "smol": {"seconds": 600.0, "calls": 5}}
    assert read(Time(9), rounds_of(0.1, people=people)).value == 1
    assert read(Time(9), rounds_of(0.1, people={"smol": people["smol"]})).value == 0.5
