from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from autoal.strategies.diversity import KMeans
from autoal.strategies.uncertainty import Margin

from autoal import Plan, Priced, QueryStrategy, Round, Rows, TrueLabels, View
from autoal.costs.by_row import ByRow
from autoal.cycle.agreement import Kappa
from autoal.seeding import generator
from tests.cycle.made import (
    PLAN,
    Expected,
    Looking,
    Make,
    answered,
    asked,
    done,
    facts,
    recorded,
    saved,
)

FEW = replace(PLAN, look=12)  # of 60 rows


def lowest(rows: Sequence[int], number: int, count: int = 12) -> list[int]:
    """Of some of 60 rows, those that have the lowest numbers of a round's draw."""
    drawn = torch.rand(60, dtype=torch.float64, generator=generator(0, number, "look")).tolist()
    return sorted(sorted(rows, key=drawn.__getitem__)[:count])


def test_a_round_looks_at_rows_that_were_drawn_for_it(quick: Make) -> None:
    looking = Looking()
    history = done(quick(looking, plan=FEW))
    left = set(range(60))
    for finished, view in zip(history[1:], looking.views, strict=True):
        left -= {*history[finished.number - 1].queried}
        assert view.pool.rows.tolist() == lowest(sorted(left), finished.number)
        assert {*finished.queried} <= {*view.pool.rows.tolist()}
        assert len(view.labelled) == history[finished.number - 1].labelled
    assert len({tuple(view.pool.rows.tolist()) for view in looking.views}) == 3


def test_the_record_tells_how_many_rows_were_looked_at(quick: Make) -> None:
    lines = [finished.to_line() for finished in done(quick(plan=FEW))]
    assert [line.get("looked") for line in lines] == [None, 12, 12, 12]  # the start is a draw
    assert [finished.looked for finished in recorded(done(quick(plan=FEW)))] == [0, 12, 12, 12]
    assert all("looked" not in finished.to_line() for finished in done(quick()))


def test_a_pool_that_is_no_larger_is_looked_at_as_a_whole(quick: Make, quickly: Expected) -> None:
    found = facts(done(quick(plan=replace(PLAN, look=60))))
    assert [line.pop("looked") for line in found[1:]] == [54, 49, 44]
    assert found == quickly


def test_who_chooses_the_start_looks_at_as_many(quick: Make) -> None:
    first = done(quick(start=KMeans(), plan=FEW))[0]
    assert first.looked == 12
    assert {*first.queried} <= {*lowest(range(60), 0)}


def test_rows_that_are_taken_away_or_join_leave_the_draw_of_the_others_as_it_is() -> None:
    fewer = [row for row in range(60) if row % 7]
    kept = [row for row in lowest(range(60), 1) if row % 7]
    assert {*kept} <= {*lowest(fewer, 1)}
    more = torch.rand(90, dtype=torch.float64, generator=generator(0, 1, "look"))
    less = torch.rand(60, dtype=torch.float64, generator=generator(0, 1, "look"))
    assert torch.equal(more[:60], less)


@pytest.mark.parametrize("strategy", ["autoal", "margin", "tod", "albl"])
def test_an_interrupted_experiment_goes_on_as_if_it_had_not_been(make: Make, strategy: str) -> None:
    first = make(strategy, plan=FEW, stop=Kappa(window=1))
    whole, states = [], []
    while first.ask() is not None:
        whole.append(answered(first))
        states.append(saved(first))
    again = make(strategy, plan=FEW, stop=Kappa(window=1))
    again.resume(recorded(whole[:2]), states[1])
    assert facts(done(again)) == facts(whole[2:])
    assert [line["looked"] for line in facts(whole[1:])] == [12, 12, 12]


def test_a_question_that_was_left_open_is_asked_again(quick: Make) -> None:
    first = quick(start=KMeans(), plan=FEW)
    for number in range(3):
        state, kept = saved(first), (asked(first), first.open_question())[1]
        again = quick(start=KMeans(), plan=FEW)
        if number:
            again.resume(recorded(first.history), state)
        again.reopen(kept)
        expected = facts([answered(first)])
        assert facts([answered(again)]) == expected


def test_a_stop_set_is_compared_though_most_of_it_is_looked_at_no_more(quick: Make) -> None:
    rules = Kappa(window=1), Kappa(window=1)
    whole = done(quick(stop=rules[0]))
    few = done(quick("random", stop=rules[1], plan=FEW))
    assert all("value" in finished.stop for finished in whole[1:])
    assert all("value" in finished.stop for finished in few[1:])
    state = rules[1].state_dict()
    assert len(state["stop_set"]) == 12 + 6  # what was looked at first, and what was labelled
    assert (state["predicted"] >= 0).all()


def test_made_rows_are_never_left_out(quick: Make) -> None:
    looking = Looking()

    def growth(view: View, history: Sequence[Round]) -> Rows:
        return Rows.of(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))

    history = done(
        quick(looking, plan=FEW, growth=growth),
        lambda question: [row % 2 for row in question.rows.tolist()],
    )
    for number, view in enumerate(looking.views, 1):
        left = {*range(60, 60 + 2 * number)} - _labelled(history[:number])
        assert {*view.pool.rows.tolist()} - {*range(60)} == left
        assert int((view.pool.rows < 60).sum()) == 12


def _labelled(history: Sequence[Round]) -> set[int]:
    return {row for finished in history for row in finished.queried}


def test_batches_that_spend_are_chosen_of_what_is_looked_at(quick: Make) -> None:
    costs = ByRow(torch.arange(1.0, 61.0).double())
    plan = replace(FEW, unit="money", spend=40.0, per_cost=True, apart=0.01)
    looking = Looking()
    experiment = quick(looking, plan=plan, costs=costs)
    history = done(experiment, Priced(TrueLabels(experiment.data.train.labels), costs))
    for finished, view in zip(history[1:], looking.views, strict=True):
        assert view.costs is not None
        assert view.costs.tolist() == [row + 1.0 for row in view.pool.rows.tolist()]
        assert finished.expected == sum(row + 1.0 for row in finished.queried)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"look": 0}, "`look` must be at least 1, got 0"),
        ({"look": 2.5}, "`look` must be a whole number, got 2.5"),
        ({"look": 4}, "look=4: a batch has 6 rows, .* give look=6 or more, or null for all"),
        ({"look": 8, "budget": [5, 9]}, "look=8: a batch has 9 rows"),
        ({"look": 5, "spend": 3}, "look=5: a batch has 6 rows"),
    ],
)
def test_less_than_a_batch_cannot_be_looked_at(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Plan(**{"start": 6, "budget": 5, "rounds": 2, **given})


def test_an_older_run_looks_at_all() -> None:
    settings = {"start": {"size": 6}, "budget": 5, "rounds": 3}
    assert Plan.of(settings).look is None
    assert Plan.of({**settings, "plan": {}, "look": 9}).look == 9


def test_a_strategy_is_shown_nothing_else(quick: Make) -> None:
    class Counting(Margin):
        def score(self, view: View, budget: int) -> Any:
            assert len(view.pool.inputs) == len(view.pool.logits) == 12
            return super().score(view, budget)

    strategy: QueryStrategy = Counting()
    done(quick(strategy, plan=FEW))
