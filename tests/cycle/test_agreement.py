from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from sklearn.metrics import cohen_kappa_score
from torch import Tensor

from autoal import Round, Rows, View
from autoal.cycle.agreement import Change, Kappa, drawn
from autoal.maths.agreement import kappa
from autoal.seeding import generator
from tests.cycle.made import PLAN, Make, done
from tests.cycle.rules import FIRST, OTHER, predicting, told


def tensors(*lists: Sequence[int]) -> tuple[Tensor, ...]:
    return tuple(map(torch.tensor, lists))


def test_kappa_is_the_agreement_beyond_chance() -> None:
    # 8 of 10 agree; by chance .3 x .3 + .3 x .4 + .4 x .3 = .33 would.
    assert kappa(*tensors(FIRST, OTHER)) == pytest.approx((0.8 - 0.33) / (1 - 0.33))


@pytest.mark.parametrize("seed", range(3))
def test_kappa_is_that_of_scikit_learn(seed: int) -> None:
    first, second = torch.randint(4, (2, 50), generator=generator(seed))
    assert kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))


def test_kappa_of_the_same_predictions_is_one_though_all_are_of_one_class() -> None:
    assert kappa(*tensors([2, 2, 2], [2, 2, 2])) == 1


def test_kappa_bounds_how_far_the_f_measure_of_two_classes_can_move() -> None:
    every = [torch.tensor(bits) for bits in product((0, 1), repeat=4)]
    for before, after, truth in product(every, repeat=3):
        agreement = kappa(before, after)
        if agreement > 0:
            moved = abs(f_measure(before, truth) - f_measure(after, truth))
            assert moved <= 4 * (1 - agreement) / agreement + 1e-9


def f_measure(predicted: Tensor, truth: Tensor) -> float:
    right, named = int((predicted & truth).sum()), int(predicted.sum() + truth.sum())
    return 2 * right / named if named else 1.0


def test_kappa_advises_once_the_mean_of_the_last_three_is_high_enough() -> None:
    first, other = predicting(FIRST), predicting(OTHER)
    advice = told(Kappa(), [first, other, other, other, other])
    low = kappa(*tensors(FIRST, OTHER))
    means = [None, None, None, (low + 2) / 3, 1.0]
    assert [said.value for said in advice] == pytest.approx(means)
    assert [said.rule for said in advice] == ["kappa"] * 5
    assert [said.reason for said in advice] == [""] * 4 + [
        "the last 4 models agree on 100.0 % beyond chance: more labels will change little "
        "(kappa, rule 0.99)"
    ]


def test_change_advises_once_few_predictions_change() -> None:
    advice = told(Change(0.2), [predicting(classes) for classes in (FIRST, FIRST[::-1], OTHER)])
    assert [said.value for said in advice] == [None, 0.8, 0.7]
    assert [said.reason for said in advice] == [""] * 3
    last = told(Change(0.2), [predicting(FIRST), predicting(OTHER)])[-1]
    assert last.value == 0.2
    assert last.reason == (
        "20.0 % of the predictions changed with the last labels: more will change little "
        "(change, rule 20 %)"
    )


@pytest.mark.parametrize(("window", "expected"), [(1, [None, 0.2, 0.0]), (2, [None, None, 0.1])])
def test_as_many_values_as_the_window_has_make_a_mean(
    window: int, expected: list[float | None]
) -> None:
    views = [predicting(FIRST), predicting(OTHER), predicting(OTHER)]
    assert [said.value for said in told(Change(window=window), views)] == expected


def test_the_stop_set_is_drawn_once_from_all_rows() -> None:
    view = predicting([0] * 50, labelled=range(20))
    rows = drawn(view, 30)
    assert torch.equal(rows, rows.unique())
    assert len(rows) == 30
    assert 0 < int((rows < 20).sum()) < 20
    assert torch.equal(rows, drawn(view, 30))
    assert torch.equal(drawn(view, 2000), torch.arange(50))


def test_rows_that_are_labelled_meanwhile_are_compared_too() -> None:
    views = [predicting(FIRST), predicting(OTHER, labelled=[0, 2, 9])]
    assert told(Change(), views)[-1].value == 0.2


def test_all_rows_may_be_labelled_in_the_end() -> None:
    views = [predicting(FIRST), predicting(OTHER, labelled=range(10))]
    assert told(Change(), views)[-1].value == 0.2


def test_rows_that_join_later_are_not_compared() -> None:
    views = [predicting(FIRST), predicting([*OTHER, 0, 1, 2])]
    assert told(Change(), views)[-1].value == 0.2


def test_rows_that_were_set_aside_are_compared_no_more() -> None:
    # Those held out are in neither part of a view, as those set aside are.
    logits = torch.nn.functional.one_hot(torch.tensor(OTHER), 3).float()
    labels = torch.tensor([0, 0, 1, 1, *[-1] * 6])
    view = View.of(logits=logits, labels=labels, held_out=[1, 2])
    assert told(Change(), [predicting(FIRST), view])[-1].value == 1 / 8


def test_nothing_is_compared_where_the_whole_stop_set_was_set_aside() -> None:
    view = predicting(FIRST, labelled=range(10))
    aside = View.of(logits=torch.eye(2), labels=[0, 1])
    assert int(drawn(view, 1)) > 1  # the one row of the stop set, which the other view lacks
    assert [said.value for said in told(Change(rows=1), [view, aside, view])] == [None] * 3


def test_models_that_know_a_single_class_are_not_compared() -> None:
    ignorant = predicting([0] * 5, labelled=[0, 1])
    views = [ignorant, ignorant, predicting(FIRST), predicting(OTHER)]
    assert [said.value for said in told(Change(), views)] == [None, None, None, 0.2]


def test_rules_look_at_an_experiment_whose_pool_grows_and_shrinks(quick: Make) -> None:
    rule = Kappa()
    values = []

    def stop(history: Sequence[Round], view: View) -> str:
        values.append(rule(history, view).value)
        return ""

    def growth(view: View, history: Sequence[Round]) -> Rows:
        return Rows.of(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))

    def declining(question: Any) -> list[int | None]:
        return [None if row % 3 == 0 else row % 2 for row in question.rows.tolist()]

    done(quick(stop=stop, growth=growth, plan=replace(PLAN, rounds=5)), declining)
    assert [value is None for value in values] == [True] * 3 + [False] * 3
