import numpy as np
import pytest

from autoal import Answers, Costs, View
from autoal.costs.by_answer import ByClass, BySource
from autoal.data.rows import Rows
from autoal.errors import UserError
from tests.costs.made import data_of
from tests.oracles.made import question_of, whole


def test_a_class_costs_what_the_model_expects_and_then_what_it_was() -> None:
    costs = ByClass([1.0, 3.0])
    view = View.of(probs=[[0.75, 0.25], [0.5, 0.5], [0.0, 1.0]], labels=[-1, 0, -1])
    assert costs.expected(view, {}).tolist() == pytest.approx([1.5, 3.0])
    answers = Answers(whole([4, 2]), whole([1, 0]))
    assert costs.prices(question_of([4, 2]), answers, whole([2, 4, 9])).tolist() == [1.0, 3.0, 2.0]
    assert costs.cheapest(Rows.of(whole([0]))) == 1.0


def test_every_class_needs_a_price() -> None:
    with pytest.raises(UserError, match="has 3 numbers: give one for each of the 2 classes"):
        ByClass([1, 2, 3]).check(data_of(np.zeros((4, 2))))
    with pytest.raises(ValueError, match="`prices` must be at least 0, got -1"):
        ByClass([1, -1])


def test_nobody_knows_beforehand_who_will_answer() -> None:
    view = View.of(probs=[[0.5, 0.5], [0.5, 0.5]], labels=[-1, 0])
    costs: Costs = BySource(people=2.0, model=0.1)
    assert costs.expected(view, {}) is None
    assert costs.cheapest(Rows.of(whole([0]))) == 0.1
