"""Ways to ask that are compared spend the same, and are compared in pairs."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from autoal import Crowd, Data, Oracle, Question, Round, TrueLabels
from autoal.oracles.offered import TopK
from autoal.report.measures import Curve
from benchmarks.practice.cases import BATCH, COMPARISON, PARTS, WORD, Case
from benchmarks.practice.tables import curve, gained


class Labelled:
    """As much of a data set as an oracle of the bench looks at."""

    def __init__(self) -> None:
        self.train = self
        self.labels = torch.arange(100) % 5
        self.classes = tuple("abcde")


def price(asked: Callable[[Data, int], Oracle]) -> float:
    """The price of an answer by such an oracle."""
    oracle = asked(Labelled(), 0)  # type: ignore[arg-type]
    if isinstance(oracle, TopK):
        assert oracle.price is not None
        return oracle.price
    answers = oracle(Question(0, torch.arange(10), tuple("abcde")))
    return float(answers.costs.mean()) if isinstance(oracle, Crowd) else 1.0


@pytest.mark.parametrize(
    "case",
    [case for part in ("votes", "questions") for case in PARTS[part].cases()],
    ids=lambda case: case.name,
)
def test_all_ways_of_a_case_pay_the_same_in_a_round(case: Case) -> None:
    paid = [way.plan.batch(1) * price(way.oracle) for way in case.ways.values()]
    assert max(paid) - min(paid) <= 0.02 * min(paid)


def test_words_take_the_place_of_as_many_rows_as_they_cost() -> None:
    for case in PARTS["words"].cases():
        paid = {
            name: way.plan.batch(1) + WORD * int(name.removesuffix(" words").replace("labels", "0"))
            for name, way in case.ways.items()
        }
        assert {*paid.values()} == {BATCH}


def test_comparisons_take_the_place_of_as_many_labels_as_they_cost() -> None:
    for case in PARTS["compared"].cases():
        labels = case.ways["labels"].plan.batch(1)
        for name, way in case.ways.items():
            offered = way.plan.batch(1)
            if name in ("hardest", "easiest"):
                spent = offered / 2 + COMPARISON * offered  # each is compared twice, in pairs
                assert spent == pytest.approx(labels, rel=0.01)
            elif name != "labels":
                assert offered == 2 * labels


def test_a_part_is_compared_with_a_way_that_all_its_cases_have() -> None:
    for part in PARTS.values():
        assert all(part.base in case.ways for case in part.cases())


def rounds(*accuracies: float, bought: int = 10) -> list[Round]:
    return [
        Round(number, 0, [], [], {"accuracy": accuracy}, {}, 0, bought=bought)
        for number, accuracy in enumerate(accuracies)
    ]


def test_a_gain_is_that_of_the_same_seeds_over_the_rounds_after_the_start() -> None:
    records = {
        "full": {0: rounds(0.1, 0.5, 0.7), 1: rounds(0.1, 0.2, 0.4), 2: rounds(0.9, 0.9, 0.9)},
        "yes_no": {0: rounds(0.9, 0.6, 0.8), 1: rounds(0.1, 0.2, 0.2)},
    }
    np.testing.assert_allclose(gained("yes_no", "full", records), [10.0, -10.0])


def test_a_curve_stands_over_what_was_paid_by_then() -> None:
    found = curve([rounds(0.5, 0.6), rounds(0.7, 0.8, bought=20)])
    assert isinstance(found, Curve)
    np.testing.assert_allclose(found.along, [15.0, 30.0])
    np.testing.assert_allclose(found.mean, [60.0, 70.0])


def test_answers_without_noise_are_right() -> None:
    oracle = next(PARTS["noise"].cases()).ways["margin"].oracle(Labelled(), 0)  # type: ignore[arg-type]
    answers = oracle(Question(0, torch.arange(10), tuple("abcde")))
    assert torch.equal(
        answers.labels,
        TrueLabels(Labelled().labels)(Question(0, torch.arange(10), tuple("abcde"))).labels,
    )
