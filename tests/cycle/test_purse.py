from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from autoal import (
    Answers,
    Costs,
    Crowd,
    Experiment,
    Plan,
    Priced,
    Question,
    Round,
    TrueLabels,
    View,
    rounds,
)
from autoal.costs.by_row import ByRow
from autoal.costs.contract import Timed
from autoal.costs.learned import Learned
from autoal.costs.units import SECONDS
from autoal.cycle.purse import Purse
from autoal.cycle.spending import Budget, spent
from autoal.errors import UserError
from tests.cycle.made import Looking, Make, facts, recorded, saved
from tests.cycle.rules import rounds_of
from tests.oracles.made import whole

PRICES = [1.0 + row % 4 for row in range(60)]  # of the whole pool
MONEY = Plan(start=6, budget=5, rounds=3, unit="money", spend=12.0)


class Surprising(ByRow):
    """Twice as much as was expected."""

    def prices(self, question: Question, answers: Answers, rows: Tensor) -> Tensor:
        return 2 * super().prices(question, answers, rows)


def bought(experiment: Experiment, costs: Costs | None) -> list[Round]:
    """The rounds that are left, at these costs."""
    oracle = TrueLabels(experiment.data.train.labels)
    return [*rounds(experiment, oracle if costs is None else Priced(oracle, costs))]


def priced(
    quick: Make, plan: Plan = MONEY, costs: Costs | None = None, **parts: Any
) -> tuple[Experiment, Costs]:
    """An experiment of this plan, and what its labels cost."""
    costs = costs or ByRow(PRICES)
    return quick(plan=plan, costs=costs, **parts), costs


def test_each_round_spends_what_it_may_and_what_was_left_before(quick: Make) -> None:
    done = bought(*priced(quick))
    sums = [sum(PRICES[row] for row in each.queried) for each in done]
    assert [each.money for each in done] == sums
    assert len(done[0].queried) == 6  # the start is bought whole
    for number in (1, 2, 3):
        left = 12.0 * number - sum(sums[1 : number + 1])
        assert 0 <= left < 1  # nothing costs less than 1


def test_what_was_overspent_is_taken_from_the_next_round(quick: Make) -> None:
    first, second, third = bought(*priced(quick, costs=Surprising(PRICES)))[1:]
    assert 22 < first.money <= 24
    assert len(second.queried) == 1  # at least one, though only 24 - 24 may be spent
    assert second.money + first.money <= 36 + 8
    assert third.stop == {} or third.money <= 36 - first.money - second.money + 8


def test_several_answers_to_each_row_are_expected_from_the_first_round_on(quick: Make) -> None:
    """By hand: three people are asked, at 2 for each; of 24 a round, 4 rows cost 6 each."""
    plan = replace(MONEY, spend=24.0)
    experiment, costs = priced(quick, plan, ByRow([2.0] * 60))
    oracle = Priced(Crowd(TrueLabels(experiment.data.train.labels), people=3), costs)
    done = [*rounds(experiment, oracle)]
    assert [each.money for each in done] == [36.0, 24.0, 24.0, 24.0]
    assert [each.expected for each in done] == [None, 8.0, 8.0, 8.0]
    assert [each.one_each for each in done] == [12.0, 8.0, 8.0, 8.0]
    longer, _ = priced(quick, replace(plan, rounds=5), costs)
    longer.resume(recorded(done), saved(experiment))
    assert [len(each.queried) for each in rounds(longer, oracle)] == [4, 4]


def test_what_is_asked_in_the_last_rounds_tells_what_answers_cost(quick: Make) -> None:
    """By hand: 3 labels cost 6 at first; half of one costs 1, so that what is left buys 9 rows."""

    def half(question: Question) -> Answers:
        answers = TrueLabels(experiment.data.train.labels)(question)
        each = 1.0 if question.view is None else 0.5
        return replace(answers, cost=torch.full((len(answers.rows),), each))

    experiment, costs = priced(quick, replace(MONEY, spend=6.0), ByRow([2.0] * 60))
    done = [*rounds(experiment, Priced(half, costs))]
    assert [each.money for each in done] == [12.0, 3.0, 9.0, 6.0]


def test_a_few_labels_that_were_cheap_by_chance_do_not_tell_much() -> None:
    """By hand: 90 for the start; 6 in the place of 10 is (90 + 6) / (90 + 10) of what is told."""
    start, cheap = rounds_of(0.1, 0.2, cost=90.0)
    history = [
        replace(start, one_each=90.0),
        replace(cheap, cost=6.0, one_each=6.0, expected=10.0),
    ]
    view = replace(View.of(probs=torch.full((5, 2), 0.5)), costs=torch.full((5,), 2.0).double())
    limits = Purse(MONEY, ByRow([2.0] * 5)).limits(view, history, {})
    assert limits is not None
    assert limits.prices is not None
    assert limits.prices.tolist() == pytest.approx([2 * 0.96] * 5)
    older = [replace(done, one_each=None) for done in history]  # of which 6 / 10 is all there is
    limits = Purse(MONEY, ByRow([2.0] * 5)).limits(view, older, {})
    assert limits is not None
    assert limits.prices is not None
    assert limits.prices.tolist() == pytest.approx([2 * 0.6] * 5)


def test_answers_that_give_no_label_are_expected_to_go_on_costing_what_they_did(
    quick: Make,
) -> None:
    """By hand: half of the answers rule a class out, and each costs a half, as nothing told."""

    def ruling_out(question: Question) -> Answers:
        even = question.rows % 2 == 0
        answers = TrueLabels(experiment.data.train.labels)(question.of(even.nonzero().flatten()))
        if question.view is None:
            return TrueLabels(experiment.data.train.labels)(question)
        left = dict.fromkeys(question.rows[~even].tolist(), 0.5)
        cost = torch.full((len(answers.rows),), 0.5)
        return replace(answers, cost=cost, paid=left, later=frozenset(left))

    experiment = quick(plan=replace(MONEY, spend=6.0))
    done = [*rounds(experiment, ruling_out)]
    assert [each.money for each in done] == [6.0, 3.0, 9.0, 6.0]
    assert [each.expected for each in done] == [None, 6.0, 18.0, 12.0]


def test_no_more_is_asked_once_nothing_fits(quick: Make) -> None:
    """Each label takes all of what two rounds may spend, in the place of half."""
    plan = Plan(start=6, budget=5, rounds=4, unit="money", spend=2.0)
    experiment, costs = priced(quick, plan, Surprising([2.0] * 60))
    done = bought(experiment, costs)
    assert [len(each.queried) for each in done] == [6, 1, 1]
    assert done[-1].stop == {
        "reason": "no label costs so little as what is left to spend",
        "rule": "spend",
    }
    assert experiment.ask() is None
    longer, _ = priced(quick, replace(plan, rounds=6), costs)
    longer.resume(recorded(done), saved(experiment))
    assert [len(each.queried) for each in bought(longer, costs)] == [1]


def test_a_rule_that_is_obeyed_ends_a_run_before_its_money_does(quick: Make) -> None:
    plan = Plan(start=6, budget=5, rounds=4, unit="money", spend=2.0)
    dear = Surprising([2.0] * 60)
    reasons = {}
    for obey in (True, False):
        rule = Budget(labels=8, obey=obey)
        reasons[obey] = bought(*priced(quick, plan, dear, stop=rule))[-1].stop["rule"]
    assert reasons == {True: "budget", False: "spend"}


def test_labels_may_be_what_is_spent(quick: Make, quickly: list[dict[str, Any]]) -> None:
    plan = Plan(start=6, budget=1, rounds=3, spend=5.0)
    done = facts(bought(quick(plan=plan), None))
    assert [each.pop("expected", None) for each in done] == [None, 5.0, 5.0, 5.0]
    assert done == quickly


def test_where_nothing_is_known_of_rows_a_label_costs_what_it_did_so_far(quick: Make) -> None:
    plan = replace(MONEY, spend=30.0)
    done = bought(*priced(quick, plan, costs=ByRow(3.0)))
    assert [len(each.queried) for each in done] == [6, 10, 10, 10]
    by_oracle = quick(plan=plan)
    oracle = Priced(TrueLabels(by_oracle.data.train.labels), 5.0)  # which no costs tell of
    assert [len(each.queried) for each in rounds(by_oracle, oracle)] == [6, 6, 6, 6]


def test_what_labels_cost_reaches_strategies(quick: Make) -> None:
    looking = Looking()
    bought(*priced(quick, strategy=looking))
    for view in looking.views:
        assert view.costs is not None
        assert view.costs.tolist() == [PRICES[row] for row in view.pool.rows.tolist()]


@pytest.mark.parametrize("expected", [[1.0], [[1.0] * 54], [-1.0] * 54, [float("nan")] * 54])
def test_costs_of_somebody_elses_must_be_sound(quick: Make, expected: list[float]) -> None:
    class Odd(ByRow):
        def expected(self, view: View, timed: Timed) -> Tensor:
            return torch.tensor(expected)

    with pytest.raises(UserError, match=r"Odd\.expected must give 54 finite numbers"):
        bought(*priced(quick, costs=Odd(1.0)))


def test_a_strategy_is_asked_for_as_many_rows_as_fit_of_the_middle_price(quick: Make) -> None:
    budgets: list[int] = []

    class Asked(Looking):
        def score(self, view: View, budget: int) -> Tensor:
            budgets.append(budget)
            return super().score(view, budget)

    costs = ByRow([1.0] * 20 + [4.0] * 40)
    bought(*priced(quick, replace(MONEY, rounds=1), costs, strategy=Asked()))
    assert budgets == [3]  # 12 / 4


def test_seconds_are_counted_apart_from_money_and_by_row(quick: Make) -> None:
    plan = Plan(start=6, budget=5, rounds=2, unit="seconds", spend=12.0)
    done = bought(*priced(quick, plan, ByRow(PRICES, SECONDS)))
    for each in done:
        assert each.timed == {row: PRICES[row] for row in each.queried}
        assert (each.taken, each.cost, each.money) == (
            sum(each.timed.values()),
            None,
            len(each.queried),
        )
    assert recorded(done) == done


def test_rows_that_took_time_and_got_no_label_are_paid_too() -> None:
    answers = Answers(whole([4]), whole([0]), cost=torch.tensor([2.5]), timed={4: 2.5, 7: 1.5})
    in_seconds = Purse(MONEY, ByRow(1.0, SECONDS)).paid(answers, 0, 1)
    assert in_seconds == {"taken": 4.0, "timed": {4: 2.5, 7: 1.5}}
    assert Purse(MONEY, ByRow(1.0)).paid(answers, 0, 1) == {"cost": 2.5}
    assert Purse(MONEY, None).paid(replace(answers, cost=None), 0, 1) == {}


def test_rows_that_were_held_out_cost_what_a_label_does() -> None:
    answers = Answers(whole([4, 5]), whole([0, 1]), cost=torch.tensor([2.0, 4.0]))
    assert Purse(MONEY, ByRow(1.0)).paid(answers, 10, 12) == {"cost": 36.0}
    assert Purse(MONEY, None).paid(answers, 10, 12) == {"cost": 36.0}
    one_each = replace(answers, cost=None)
    assert Purse(MONEY, None).paid(one_each, 10, 12) == {}


def test_a_batch_is_as_large_as_answers_take_minutes(quick: Make) -> None:
    plan = Plan(start=6, budget=5, rounds=2, minutes=0.5)
    done = bought(*priced(quick, plan, costs=Learned(ByRow(4.0, SECONDS))))
    assert [len(each.queried) for each in done] == [6, 7, 7]  # 30 / 4


def test_a_batch_is_large_enough_to_be_worth_the_training() -> None:
    """By hand: training took 12 seconds, a fifth of 60, in which 30 answers of 2 seconds come."""
    plan, costs = Plan(start=6, budget=5, rounds=2, minutes=0.5), ByRow(2.0, SECONDS)
    view = View.of(probs=torch.full((50, 2), 0.5), labels=[-1] * 50)
    history = [replace(done, seconds={"train": 12.0}) for done in rounds_of(0.5)]
    limits = Purse(plan, costs).limits(view, history, {0: 1.0, 1: 2.0, 2: 9.0})
    assert limits is not None
    assert limits.size == 30
    untimed = Purse(plan, costs).limits(view, history, {})
    assert untimed is not None
    assert untimed.size == 5
    quick_training = [replace(done, seconds={"train": 0.0}) for done in history]
    fifteen = Purse(plan, costs).limits(view, quick_training, {0: 2.0})
    assert fifteen is not None
    assert fifteen.size == 15


PLANS: dict[str, tuple[Plan, Costs]] = {
    "money": (replace(MONEY, per_cost=True, apart=0.3), ByRow(PRICES)),
    "seconds": (
        replace(MONEY, unit="seconds", per_cost=True),
        Learned(ByRow(PRICES, SECONDS), after=5),
    ),
    "minutes": (
        Plan(start=6, budget=5, rounds=3, minutes=0.3),
        Learned(ByRow(PRICES, SECONDS), after=5),
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_what_is_resumed_is_what_would_have_been(quick: Make, name: str) -> None:
    plan, costs = PLANS[name]
    first, _ = priced(quick, plan, costs)
    oracle = Priced(TrueLabels(first.data.train.labels), costs)
    done, states = [], []
    for finished in rounds(first, oracle):
        done.append(finished)
        states.append(saved(first))
    for count in (1, 2, 3):
        again, _ = priced(quick, plan, costs)
        again.resume(recorded(done[:count]), states[count - 1])
        assert facts(bought(again, costs)) == facts(done[count:])


@pytest.mark.parametrize(
    ("plan", "costs", "words"),
    [
        (replace(MONEY, unit="seconds"), None, "plan.unit=seconds: nothing says how many"),
        (replace(MONEY, unit="seconds"), ByRow(1.0), "plan.unit=seconds: nothing says how many"),
        (MONEY, ByRow(1.0, SECONDS), "plan.unit=money: these costs are seconds"),
        (MONEY, ByRow(13.0), "plan.spend=12 money: the cheapest label costs 13"),
        (Plan(6, 5, 3, spend=0.5), None, "plan.spend=0.5 labels: the cheapest label costs 1"),
        (Plan(6, 5, 3, per_cost=True), None, "plan.per_cost=true: all labels cost the same"),
        (Plan(6, 5, 3, minutes=5), ByRow(1.0), "plan.minutes=5: nothing says how many seconds"),
        (MONEY, ByRow([1.0, 2.0]), "there are 2 costs, and 60 rows"),
    ],
)
def test_a_plan_whose_costs_nothing_tells_is_refused(
    quick: Make, plan: Plan, costs: Costs | None, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        quick(plan=plan, costs=costs)


def test_a_round_tells_what_it_spent_in_each_unit() -> None:
    people = {"ann": {"labels": 6, "seconds": 45.0}}
    (asked,) = rounds_of(0.1, people=people, cost=3.5)
    assert [spent(asked, unit) for unit in ("labels", "seconds", "money")] == [10, 45.0, 3.5]
    (timed,) = rounds_of(0.1, taken=7.5, bought=4)
    assert [spent(timed, unit) for unit in ("labels", "seconds", "money")] == [4, 7.5, 4]


def test_a_rule_may_count_what_was_spent(quick: Make) -> None:
    plan = Plan(start=6, budget=5, rounds=9)
    experiment, costs = priced(
        quick, plan, costs=ByRow(2.0), stop=Budget(unit="money", spend=30, obey=True)
    )
    done = bought(experiment, costs)
    assert [each.stop["value"] for each in done] == [12, 22, 32]
    assert done[-1].stop["reason"] == "32 was spent in money (budget, rule 30)"
    both: dict[str, Any] = {"labels": 3, "spend": 4.0}
    for given in ({}, both):
        with pytest.raises(UserError, match=r"give stop\.labels=, or stop\.spend= with"):
            Budget(**given)
