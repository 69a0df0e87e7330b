"""Rows that are compared in pairs: who meets whom, what is said, labelled and paid."""

from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autoal import Answers, Arrays, Crowd, Noisy, Priced, Question, TrueLabels, View
from autoal.errors import UserError
from autoal.oracles.compared import Compared, Tournament, bits, doubts, neighbours
from autoal.oracles.humans import disagreements
from autoal.oracles.question import Asking

COUNT = 8
ROWS = torch.tensor([5, 0, 7, 2, 6, 1])  # best first, as a strategy has them
HARD = torch.arange(COUNT, dtype=torch.float64)  # the higher the number, the harder the row
CLASSES = ("no", "yes")
TRUTH = TrueLabels(torch.arange(COUNT) % 2)


def view_of(probs: list[float] | None = None) -> View:
    """A view of all rows, of which the model knows nothing unless it is said."""
    first = torch.tensor([0.5] * COUNT if probs is None else probs)
    nobody = torch.full((COUNT,), -1)
    return View.of(
        embeddings=torch.zeros(COUNT, 2),
        probs=torch.stack([first, 1 - first], 1),
        labels=nobody,
        classes=2,
    )


def question(rows: torch.Tensor = ROWS, view: View | None = None) -> Question:
    return Question(1, rows, CLASSES, view=view or view_of())


def compared(oracle: Any = TRUTH, **options: Any) -> Compared:
    return Compared(oracle, HARD, **{"wrong": 0.0, "times": 5, **options})


class Page(Asking):
    """A person."""

    def __call__(self, question: Question) -> Answers:
        raise AssertionError("nobody is asked")


@pytest.mark.parametrize(("first", "wanted"), [("hardest", {5, 7, 6}), ("easiest", {0, 2, 1})])
def test_the_first_half_of_their_order_is_labelled(first: str, wanted: set[int]) -> None:
    answers = compared(first=first)(question())
    assert {*answers.rows.tolist()} == wanted
    assert answers.later == {*ROWS.tolist()} - wanted
    assert torch.equal(answers.labels, answers.rows % 2)


def test_whoever_answers_is_asked_in_that_order() -> None:
    asked: list[int] = []

    def oracle(question: Question) -> Answers:
        asked.extend(question.rows.tolist())
        return TRUTH(question)

    compared(oracle, among=3)(question())
    assert asked == [7, 6]


def test_comparisons_are_paid_beside_the_labels_and_are_noted() -> None:
    answers = compared(times=1, price=0.2)(question())
    noted = answers.notes["compared"]
    assert noted["harder"] == [[5, 0], [7, 2], [6, 1]]  # neighbours, as the strategy has them
    assert (noted["price"], noted["gain"]) == (0.2, 1.0)  # of two equals, a bit
    assert answers.beside == pytest.approx(3 * 0.2)
    assert answers.spent == pytest.approx(3 + 3 * 0.2)
    priced = Priced(compared(times=1, price=0.2), 2.0)(question())
    assert priced.spent == pytest.approx(2 * (3 + 3 * 0.2))


def test_without_a_comparison_the_model_orders_them_for_nothing() -> None:
    probs = [0.5, 0.9, 0.9, 0.9, 0.9, 0.6, 0.7, 1.0]
    answers = compared(times=0)(question(view=view_of(probs)))
    assert {*answers.rows.tolist()} == {0, 5, 6}
    assert (answers.spent, answers.notes["compared"]["harder"]) == (3.0, [])
    assert answers.notes["compared"]["gain"] == 0.0


def test_all_are_labelled_before_there_is_a_model() -> None:
    answers = compared()(Question(0, ROWS, CLASSES))
    assert torch.equal(answers.rows, ROWS)
    assert not answers.later
    assert (answers.beside, dict(answers.notes)) == (0.0, {})


def test_a_row_that_is_declined_is_not_left_for_later() -> None:
    answers = compared(lambda question: [-1] * len(question.rows))(question())
    assert not len(answers.rows)
    assert answers.later == {0, 1, 2}


def test_what_is_said_of_two_rows_follows_from_the_seed_alone() -> None:
    one, again, other = (compared(wrong=0.5, seed=seed)(question()) for seed in (1, 1, 2))
    assert one.notes == again.notes
    assert one.notes != other.notes
    judge = compared(wrong=0.5)
    pairs = [(low, high) for high in range(COUNT) for low in range(high)]
    assert all(judge._harder(*pair) != judge._harder(*pair[::-1]) for pair in pairs)


def test_errors_come_as_often_as_is_stated_and_equals_are_a_draw() -> None:
    many = 400
    hard = torch.arange(many) // 2
    judge = Compared(TRUTH, hard, wrong=0.2)
    apart = [judge._harder(row, row + 2) for row in range(many - 2)]
    assert np.mean(apart) == pytest.approx(0.2, abs=0.06)
    equal = [judge._harder(row, row + 1) for row in range(0, many, 2)]
    assert np.mean(equal) == pytest.approx(0.5, abs=0.1)


def test_nobody_meets_twice_and_who_finds_nobody_is_left_out() -> None:
    assert neighbours([3, 1, 2, 0], []) == [(3, 1), (2, 0)]
    assert neighbours([3, 1, 2, 0], [(1, 3)]) == [(3, 2), (1, 0)]
    assert neighbours([0, 1, 2], []) == [(0, 1)]
    held = Tournament([4, 6], torch.zeros(2))
    for _ in range(3):
        held.go_on(lambda one, other: one > other)
    assert held.told == [[6, 4]]


def test_a_comparison_tells_less_the_surer_its_answer_is() -> None:
    chance = 1 / (1 + np.exp(-1.5))
    wanted = -chance * log2(chance) - (1 - chance) * log2(1 - chance)
    assert bits(1.5) == pytest.approx(wanted) == bits(-1.5)
    assert bits(0.0) == pytest.approx(1.0)


def test_doubts_are_entropies_in_deviations_from_their_mean() -> None:
    told = doubts(torch.tensor([1, 0]), view_of([0.5, 1.0, *[0.9] * 6]))
    assert told.tolist() == pytest.approx([-1.0, 1.0])
    assert doubts(ROWS, view_of()).tolist() == [0.0] * len(ROWS)


def test_people_disagree_by_the_entropy_of_their_votes() -> None:
    said = torch.tensor([[0, 0, 0], [0, 0, 2], [2, 1, 1], [0, 1, 2], [1, -1, 0], [-1, -1, -1]])
    split = log2(3) - 2 / 3
    assert disagreements(said, 3).tolist() == pytest.approx([0, split, split, log2(3), 1, 0])


def test_labels_of_people_are_read_out_of_files(tmp_path: Path) -> None:
    path = tmp_path / "said.npz"
    np.savez(path, one=[0, 0, 1, 1], two=[0, 1, 1, 0])
    data = Arrays((torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])))
    oracle = TrueLabels(data.train.labels)
    asked = Compared(oracle, [f"{path}:one", f"{path}:two"], data)
    assert asked._ambiguity.tolist() == [0.0, 1.0, 0.0, 1.0]


def test_it_goes_around_whoever_labels() -> None:
    noisy = compared(Noisy(TRUTH, 1.0))(question())
    assert noisy.wrong == len(noisy.rows) == 3
    crowd = compared(Crowd(Noisy(TRUTH, 0.0), people=3, votes=3))(question())
    assert crowd.spent == pytest.approx(3 * 3 + 0.1 * len(crowd.notes["compared"]["harder"]))


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: Compared(Page(), HARD), "people are asked only about classes: leave it out"),
        (lambda: Compared(TRUTH), r"give questions.ambiguity=\[file.npz:member,...\]"),
        (lambda: Compared(TRUTH, ["said.npz:one"]), "labels of at least two of them"),
        (lambda: compared(among=1), "`among` must be at least 2"),
        (lambda: compared(wrong=2), "`wrong` must be at least 0 and at most 1"),
        (lambda: compared(first="best"), "unknown first 'best'"),
    ],
)
def test_what_cannot_be_compared_is_refused(made: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        made()


def test_a_made_row_is_refused() -> None:
    asked = Compared(TRUTH, HARD[:6], times=1)
    with pytest.raises(UserError, match="row 7 has no labels by people to compare it by: it was"):
        asked(question())
