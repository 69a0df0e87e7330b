"""An experiment and its parts: what fits, and what one of them may do to another."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from autoal.strategies.random import Random
from autoal.strategies.uncertainty import Margin
from torch import Tensor, nn

from autoal import (
    Data,
    Experiment,
    Plan,
    Priced,
    QueryStrategy,
    Question,
    Rows,
    RunFolder,
    View,
    rounds,
)
from autoal.errors import UserError
from autoal.query.strategy import Reads
from tests.cycle.made import (
    PLAN,
    Attentive,
    Expected,
    Make,
    Small,
    answered,
    asked,
    done,
    facts,
    saved,
    truth,
)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"data": torch.zeros(60, 4)}, r"`data` must be a Data, such as Arrays.*Tensor"),
        ({"learner": nn.Linear(2, 2)}, r"`learner` must be a Learner, such as .*Linear"),
        ({"plan": (6, 5, 3)}, "`plan` must be a Plan, such as .*tuple"),
        ({"strategy": Margin}, "`strategy` must be a QueryStrategy.*the class Margin"),
        ({"strategy": len}, "`strategy` must be a QueryStrategy, or the name of one"),
        ({"start": Random}, "`start` must be a QueryStrategy.*the class Random"),
    ],
    ids=["data", "learner", "plan", "strategy", "function", "start"],
)
def test_what_is_no_part_of_an_experiment_is_refused(
    data: Data, small: Small, parts: dict[str, Any], message: str
) -> None:
    sound: dict[str, Any] = {"data": data, "learner": small(), "strategy": "margin", "plan": PLAN}
    with pytest.raises(UserError, match=message):
        Experiment(**{**sound, **parts})


class Learning(QueryStrategy):
    """Counts its queries, and asks about other rows in each; fails once, if it is told to."""

    reads: Reads = ()

    def __init__(self, failing: list[int] | None = None) -> None:
        self.queries = 0
        self.failing = failing or []

    def fit(self, view: View) -> None:
        self.queries += 1

    def score(self, view: View, budget: int) -> Tensor:
        if self.failing and self.failing.pop():
            raise ValueError("not today")
        return -((view.pool.rows * self.queries) % 7).double()

    def state_dict(self) -> dict[str, Any]:
        return {"queries": self.queries}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.queries = state["queries"]


def test_what_a_strategy_learns_stays_in_its_experiment(quick: Make) -> None:
    strategy = Learning()
    first, second = facts(done(quick(strategy))), facts(done(quick(strategy)))
    assert first == second
    assert strategy.queries == 0


def test_a_query_that_failed_leaves_nothing_behind(quick: Make) -> None:
    def growth(view: View, history: Any) -> Rows:
        grown.append(len(history))
        return Rows.of(view.pool.inputs[:2])

    grown: list[int] = []
    expected = facts(done(quick(Learning(), growth=growth), all_zero))
    experiment = quick(Learning([1]), growth=growth)
    experiment.tell([0] * len(asked(experiment).rows))
    with pytest.raises(ValueError, match="not today"):
        experiment.ask()
    assert len(experiment.rows) == 60
    assert facts(done(experiment, all_zero)) == expected[1:]
    assert grown == [1, 2, 3, 1, 1, 2, 3]


def all_zero(question: Question) -> list[int]:
    """Answers that even made rows get."""
    return [0] * len(question.rows)


def test_what_was_held_out_costs_what_a_label_of_the_start_does(make: Make, data: Data) -> None:
    data.validation = data.train.take(torch.arange(4))
    experiment = make(plan=Plan(start=6, budget=5, rounds=1))
    first, second = done(experiment, Priced(truth(experiment), 2.0))
    assert (first.bought, first.cost) == (10, 20.0)
    assert (second.bought, second.cost) == (5, 10.0)


def test_new_rows_are_predicted_as_those_of_the_pool_are(quick: Make, data: Data) -> None:
    experiment = quick()
    done(experiment)
    probs = experiment.predict(data.train.inputs[[7, 3]].numpy())
    expected = experiment.learner.look(data.train, torch.tensor([3, 7]), 0).probs
    torch.testing.assert_close(probs, expected.flip(0))
    with pytest.raises(UserError, match="are not like those of the pool"):
        experiment.predict(data.train.inputs[:2].float())


def test_a_folder_and_an_experiment_that_differ_do_not_go_together(
    quick: Make, tmp_path: Path, quickly: Expected
) -> None:
    experiment = quick()
    first = answered(experiment)
    with RunFolder(tmp_path / "empty") as folder:
        with pytest.raises(UserError, match=r"the 0 rounds of .* are not the 1 that this"):
            next(rounds(experiment, truth(experiment), folder))
        with pytest.raises(ValueError, match="round 1 cannot follow 0 rounds"):
            folder.add(answered(experiment), experiment.state_dict())
        assert folder.rounds == []
    other = quick(seed=9)
    with RunFolder(tmp_path / "other") as folder:
        next(rounds(other, truth(other), folder))
        with pytest.raises(UserError, match=r"the 1 rounds of .* are not the 2 that this"):
            next(rounds(experiment, truth(experiment), folder))
    again = quick()
    with RunFolder(tmp_path / "run") as folder:
        assert facts([next(rounds(again, truth(again), folder))]) == facts([first])
        # The same experiment goes on with its folder, as a cell that is run again does.
        assert facts(rounds(again, truth(again), folder)) == quickly[1:]


Spoil = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda state: state.pop("learner"), "does not fit the learner (KeyError: 'learner')"),
        (lambda state: state.pop("strategy"), "does not fit the strategy (KeyError: 'strategy')"),
        (lambda state: state.update(learner=[1]), "does not fit the learner"),
        (lambda state: state["learner"].popitem(), "does not fit the learner (RuntimeError:"),
        (
            lambda state: state["learner"].update({"head.weight": torch.zeros(2, 2)}),
            "does not fit the learner (RuntimeError:",
        ),
        (lambda state: state.update(made=[{}]), "does not fit the rows that were made (KeyError:"),
        (lambda state: state.update(made=3), "does not fit the rows that were made (TypeError:"),
        (
            lambda state: state.update(
                made=[{"inputs": torch.zeros(1, 1, 8, 8).byte(), "shown": None, "names": None}]
            ),
            "the rounds count 0, and 1 exist",
        ),
    ],
)
def test_a_state_that_does_not_fit_is_refused_with_its_file_and_what_would_do(
    make: Make, tmp_path: Path, spoil: Spoil, told: str
) -> None:
    first = make()
    finished, state = answered(first), saved(first)
    spoil(state)
    again = make()
    folder = RunFolder(tmp_path)
    folder.add(finished, state)
    with pytest.raises(UserError) as refused:
        next(rounds(again, truth(again), folder))
    folder.close()
    assert str(folder.last_state) in str(refused.value)
    assert told in str(refused.value)
    assert "start over with another name=, or remove" in str(refused.value)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("queried", [60, 1, 2, 3, 4, 5], "round 0: row 60 is not among the 60 that there are"),
        ("declined", [2**40], "round 0: row 1099511627776 is not among the 60 that there are"),
        ("labels", [0, 1, 2, 3, 0, 0], "round 0: label 3 is not among the 3 that there are"),
        ("metrics", {}, "round 0 has no metrics, though there are test rows"),
    ],
)
def test_rounds_that_cannot_be_this_experiments_are_refused_with_their_file(
    quick: Make, tmp_path: Path, field: str, value: Any, told: str
) -> None:
    first, again = quick(), quick()
    odd = replace(answered(first), **{field: value})
    with RunFolder(tmp_path) as folder:
        folder.add(odd, saved(first))
        with pytest.raises(UserError) as refused:
            next(rounds(again, truth(again), folder))
    assert f"{folder.record}: {told}" in str(refused.value)


def test_more_rounds_than_the_plan_has_are_refused(quick: Make, tmp_path: Path) -> None:
    with RunFolder(tmp_path) as folder:
        first = quick()
        assert len(list(rounds(first, truth(first), folder))) == 4
        again = quick(plan=Plan(start=6, budget=5, rounds=1))
        with pytest.raises(UserError, match=r"jsonl: 4 rounds, where the plan has 2 with round 0"):
            next(rounds(again, truth(again), folder))


def test_rounds_that_are_left_are_not_begun_where_they_cannot_be_kept(
    quick: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunFolder(tmp_path) as folder:
        first = quick()
        next(rounds(first, truth(first), folder))
        monkeypatch.setattr(RunFolder, "barred", "cannot write here")
        again = quick()
        with pytest.raises(UserError, match="cannot write here; the remaining rounds cannot"):
            next(rounds(again, Attentive(torch.zeros(60)), folder))
