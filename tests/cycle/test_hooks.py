from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from autoal import (
    Answers,
    Data,
    Experiment,
    Growth,
    Plan,
    QueryStrategy,
    Question,
    Round,
    Rows,
    TrueLabels,
    View,
)
from autoal.errors import UserError
from autoal.query.strategy import Reads
from tests.cycle.made import Expected, Make, answered, asked, done, facts, recorded, saved

PLAN = Plan(start=6, budget=5, rounds=2)


def test_a_stop_is_asked_after_every_round(quick: Make, quickly: Expected) -> None:
    heard: list[tuple[int, int, int]] = []

    def stop(history: Sequence[Round], view: View) -> str:
        heard.append((len(history), history[-1].number, len(view.pool)))
        return ""

    experiment = quick(stop=stop)
    assert facts(done(experiment)) == quickly
    assert heard == [(1, 0, 54), (2, 1, 49), (3, 2, 44), (4, 3, 39)]
    assert experiment.stopped == ""


def test_a_stop_ends_the_experiment_for_the_reason_that_it_gives(
    quick: Make, quickly: Expected
) -> None:
    calls: list[int] = []

    def stop(history: Sequence[Round], view: View) -> str:
        calls.append(len(history))
        return "sure enough" if len(history) == 2 else ""

    experiment = quick(stop=stop)
    history = done(experiment)
    assert [finished.stop for finished in history] == [{}, {"reason": "sure enough"}]
    assert facts([replace(finished, stop={}) for finished in history]) == quickly[:2]
    assert experiment.stopped == "sure enough"
    assert experiment.ask() is None
    assert calls == [1, 2]
    with pytest.raises(RuntimeError, match="there is no question"):
        experiment.tell([0] * 5)


def test_a_stop_may_look_at_what_the_strategy_will_read(quick: Make) -> None:
    sure: list[float] = []

    def stop(history: Sequence[Round], view: View) -> str:
        sure.append(float(view.pool.probs.amax(1).mean()))
        return ""

    experiment = quick(stop=stop, plan=PLAN)
    for number in range(3):
        question = asked(experiment)
        if question.view is not None:
            assert sure[number - 1] == float(question.view.pool.probs.amax(1).mean())
        answered(experiment)
    assert len(sure) == 3


class Newest(QueryStrategy):
    """Prefers what joined the pool last."""

    reads: Reads = ()

    def score(self, view: View, budget: int) -> Tensor:
        return view.pool.rows.float()


def grown(count: int) -> Rows:
    """Rows as the pool has them; what they are labelled with is nobody's business."""
    images = torch.full((count, 1, 8, 8), 7, dtype=torch.uint8)
    return Rows(images, torch.ones(count, dtype=torch.long), shown=images)


def two_more(view: View, history: Sequence[Round]) -> Rows:
    """Two rows that join before every query."""
    return grown(2)


def of_class_two(question: Question) -> Answers:
    return Answers(question.rows, torch.full_like(question.rows, 2))


def test_rows_that_were_made_join_the_pool_and_can_be_queried(quick: Make) -> None:
    experiment = quick(Newest(), growth=two_more, plan=PLAN)
    answered(experiment)
    for number in (1, 2):
        question = asked(experiment)
        assert question.rows[:2].tolist() == [59 + 2 * number, 58 + 2 * number]
        assert isinstance(question.shown, Tensor)
        assert bool((question.shown[:2] == 7).all())
        assert question.view is not None
        assert bool((question.view.pool.inputs[-2:] == 7).all())
        finished = experiment.tell(of_class_two(question))
        assert (finished.made, finished.queried[:2]) == (2, question.rows[:2].tolist())
        assert recorded([finished]) == [finished]
    assert experiment.history[0].made == 0
    assert len(experiment.rows) == 64
    assert experiment.rows.labels[60:].tolist() == [2, 2, 2, 2]


def test_nobody_knows_the_labels_of_rows_that_were_made(quick: Make, data: Data) -> None:
    experiment = quick(Newest(), growth=two_more)
    answered(experiment)
    question = asked(experiment)
    assert experiment.rows.labels[60:].tolist() == [-1, -1]
    with pytest.raises(UserError, match="row 61 has no true label: it was made"):
        TrueLabels(data.train.labels)(question)


def test_a_growth_sees_the_rounds_and_the_view_without_its_rows(quick: Make) -> None:
    heard: list[tuple[int, int]] = []

    def growth(view: View, history: Sequence[Round]) -> Rows:
        heard.append((len(history), len(view.pool)))
        return grown(2)

    sizes: list[int] = []

    class Counting(Newest):
        def score(self, view: View, budget: int) -> Tensor:
            sizes.append(len(view.pool))
            return super().score(view, budget)

    done(quick(Counting(), growth=growth, plan=PLAN), of_class_two_after(6))
    assert heard == [(1, 54), (2, 51)]
    assert sizes == [56, 53]


def of_class_two_after(start: int) -> Callable[[Question], Answers]:
    """An oracle that labels the start on arrival, and everything else in the same way."""

    def oracle(question: Question) -> Answers:
        if question.number:
            return of_class_two(question)
        return Answers(question.rows, torch.arange(start) % 3)

    return oracle


@pytest.mark.parametrize("growth", [lambda *_: None, lambda *_: grown(0)], ids=["none", "empty"])
def test_a_growth_that_makes_nothing_changes_nothing(
    quick: Make, quickly: Expected, growth: Growth
) -> None:
    assert facts(done(quick(growth=growth, plan=PLAN))) == quickly[:3]


def test_rows_that_were_made_outlive_a_restart(quick: Make) -> None:
    def built() -> Experiment:
        return quick(Newest(), growth=two_more)

    first, oracle = built(), of_class_two_after(6)
    for _ in range(3):
        first.tell(oracle(asked(first)))
    state = saved(first)
    again = built()
    again.resume(recorded(first.history), state)
    assert torch.equal(again.rows.inputs, first.rows.inputs)
    assert torch.equal(again.rows.labels, first.rows.labels)
    assert isinstance(again.rows.shown, Tensor)
    assert isinstance(first.rows.shown, Tensor)
    assert torch.equal(again.rows.shown, first.rows.shown)
    assert facts(done(again, oracle)) == facts(done(first, oracle))
    assert len(again.rows) == 66


def test_names_and_texts_of_rows_that_were_made_outlive_a_restart(quick: Make, data: Data) -> None:
    data.train = Rows(
        data.train.inputs,
        data.train.labels,
        shown=[f"text {row}" for row in range(60)],
        names=[f"name {row}" for row in range(60)],
    )

    def growth(view: View, history: Sequence[Round]) -> Rows:
        made = grown(1)
        return Rows(made.inputs, made.labels, shown=["a new text"], names=["a new name"])

    first = quick(Newest(), growth=growth)
    answered(first)
    first.tell(of_class_two(asked(first)))
    again = quick(Newest())
    again.resume(recorded(first.history), saved(first))
    assert again.rows.shown is not None
    assert again.rows.names is not None
    assert (again.rows.shown[60], again.rows.names[60]) == ("a new text", "a new name")
    question = asked(again)
    assert question.names == [f"name {row}" for row in question.rows.tolist()]
    assert "a new name" in again.history[-1].names


def test_a_state_can_be_gone_on_from_more_than_once(quick: Make) -> None:
    first = quick(Newest(), growth=two_more)
    answered(first)
    first.tell(of_class_two(asked(first)))
    state, rows = saved(first), []
    for _ in range(2):
        again = quick(Newest())
        again.resume(first.history, state)
        rows.append(len(again.rows))
    assert rows == [62, 62]


def test_no_state_is_taken_while_a_question_is_open(quick: Make) -> None:
    # It would hold the rows that were made for that question, and those would be made again.
    experiment = quick(Newest(), growth=two_more)
    answered(experiment)
    asked(experiment)
    with pytest.raises(RuntimeError, match="a question is open: the state to keep is that before"):
        saved(experiment)


def test_only_an_experiment_that_has_not_begun_can_go_on_after_others(quick: Make) -> None:
    begun, asking = quick(), quick()
    answered(begun)
    asked(asking)
    for experiment in (begun, asking):
        with pytest.raises(RuntimeError, match="has begun already: resume a new one"):
            experiment.resume(begun.history, saved(begun))


def test_rows_of_another_kind_cannot_join_and_the_experiment_goes_on(
    quick: Make, quickly: Expected
) -> None:
    made: list[Rows] = [Rows.of(torch.zeros(2, 3))]

    def growth(view: View, history: Sequence[Round]) -> Rows | None:
        return made.pop() if made else None

    experiment = quick(growth=growth, plan=PLAN)
    answered(experiment)
    with pytest.raises(ValueError, match="cannot join"):
        experiment.ask()
    assert len(experiment.rows) == 60
    done(experiment)
    assert facts(experiment.history) == quickly[:3]
