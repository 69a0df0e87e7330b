"""Questions that offer some classes: what is offered, what is made of answers, what they cost."""

from math import log, log2
from typing import Any

import pytest
import torch
from autoal.strategies.cheating import CheatingOracle
from torch import Tensor

from autoal import Answers, ByModel, Noisy, Priced, Question, TopK, TrueLabels, View, YesNo
from autoal.errors import UserError
from autoal.oracles.question import Asking
from tests.oracles.made import pairs, whole

PROBS = torch.tensor(
    [
        [0.4, 0.3, 0.2, 0.1],
        [0.1, 0.2, 0.3, 0.4],
        [0.7, 0.1, 0.1, 0.1],
        [0.25, 0.25, 0.25, 0.25],
    ]
)
CLASSES = ("ant", "bee", "cat", "dog")
TRUTH = whole([0, 2, 3, 1])
ROWS = [0, 1, 2, 3]


def seen(rows: list[int] = ROWS, possible: Tensor | None = None) -> Question:
    return Question(1, whole(rows), CLASSES, view=view_of([0, 1, 2, 3]), possible=possible)


def view_of(labels: list[int]) -> View:
    """Four rows without a label, and others of these classes."""
    probs = torch.cat([PROBS, torch.eye(4)[labels]])
    known = whole([-1] * 4 + labels)
    return View.of(embeddings=torch.zeros(len(probs), 1), probs=probs, labels=known, classes=4)


def left(**ruled_out: tuple[int, ...]) -> Tensor:
    """The classes that rows may have once these are ruled out."""
    possible = torch.ones(4, 4, dtype=torch.bool)
    for row, classes in ruled_out.items():
        possible[int(row[1:]), list(classes)] = False
    return possible


class Listening(TrueLabels):
    """Remembers what is offered."""

    def __call__(self, question: Question) -> Answers:
        self.choices = question.choices
        return super().__call__(question)


def offered(oracle: TopK, question: Question) -> list[list[int]]:
    oracle(question)
    assert isinstance(oracle.oracle, Listening)
    assert oracle.oracle.choices is not None
    return oracle.oracle.choices.tolist()


def test_a_yes_is_a_label_and_a_no_rules_the_class_out() -> None:
    answers = YesNo(TrueLabels(TRUTH))(seen())
    assert (answers.rows.tolist(), answers.labels.tolist()) == ([0], [0])
    assert answers.ruled_out == {1: (3,), 2: (0,), 3: (0,)}
    assert (answers.wrong, answers.costs.tolist()) == (0, [1 / 3])
    assert answers.spent == pytest.approx(4 / 3)


def test_the_likeliest_class_that_is_left_is_offered() -> None:
    possible = left(_0=(0,), _1=(3, 2), _3=(0, 1))
    assert offered(YesNo(Listening(TRUTH)), seen(possible=possible)) == [[1], [1], [0], [2]]


def test_one_less_than_are_left_are_offered_at_most() -> None:
    possible = left(_0=(0,), _1=(3, 2))
    expected = [[1, 2], [1, -1], [0, 1], [0, 1]]
    assert offered(TopK(Listening(TRUTH), k=2), seen(possible=possible)) == expected


def test_the_rows_may_be_any_of_the_pool_in_any_order() -> None:
    assert offered(YesNo(Listening(TRUTH)), seen([2, 1])) == [[0], [3]]


def test_none_of_k_classes_rules_all_of_them_out() -> None:
    answers = TopK(TrueLabels(TRUTH), k=2)(seen())
    assert pairs(answers) == {0: 0, 1: 2, 3: 1}
    assert answers.ruled_out == {2: (0, 1)}


def test_the_last_class_that_is_left_is_the_label() -> None:
    answers = YesNo(TrueLabels(TRUTH))(seen([2], left(_2=(1, 2))[2:3]))
    assert (answers.rows.tolist(), answers.labels.tolist(), answers.wrong) == ([2], [3], 0)
    assert not answers.ruled_out


def test_a_wrong_answer_rules_out_the_truth_and_is_counted_once_it_labels() -> None:
    wrong = YesNo(TrueLabels(whole([1, 3, 0, 0])))  # what somebody thinks who is always wrong
    assert wrong(seen([0])).ruled_out == {0: (0,)}
    answers = YesNo(Noisy(TrueLabels(TRUTH), 1.0))(seen([0], left(_0=(1, 2))[:1]))
    assert (answers.labels.tolist(), answers.wrong) == ([3], 1)


@pytest.mark.parametrize("view", [None, view_of([0, 1, 3, 3])])
def test_rows_are_asked_about_in_full_until_every_class_has_a_label(view: View | None) -> None:
    answers = YesNo(TrueLabels(TRUTH))(Question(0, whole(ROWS), CLASSES, view=view))
    assert (answers.labels.tolist(), answers.ruled_out, answers.spent) == (TRUTH.tolist(), {}, 4)


@pytest.mark.parametrize(
    ("oracle", "price"),
    [
        (TopK(TrueLabels(TRUTH), k=2), log(4) / log(5)),
        (TopK(TrueLabels(TRUTH), k=2, price=0.5), 0.5),
        (YesNo(TrueLabels(TRUTH)), 1 / 3),
        (YesNo(Priced(TrueLabels(TRUTH), 6.0), price=0.5), 3.0),
        (YesNo(Priced(TrueLabels(TRUTH), 3.0), price=0.5), 1.5),
    ],
)
def test_every_answer_has_its_price(oracle: TopK, price: float) -> None:
    assert oracle(seen()).spent == pytest.approx(4 * price)


def test_a_row_that_is_declined_stays_declined_and_what_people_rule_out_is_theirs() -> None:
    class Person(Asking):
        offers = True

        def __call__(self, question: Question) -> Answers:
            assert question.choices is not None
            return Answers(whole([0]), whole([0]), "ann", ruled_out={1: (3,)}, later=frozenset([3]))

    answers = YesNo(Person())(seen())
    assert (answers.rows.tolist(), answers.ruled_out) == ([0], {1: (3,)})
    assert ({*answers.later}, answers.by) == ({3}, "ann")
    assert answers.spent == pytest.approx(2 / 3)


def test_soft_labels_of_classes_that_were_not_offered_are_left_out() -> None:
    def soft(question: Question) -> Answers:
        beliefs = {row: [0.25] * 4 for row in question.rows.tolist()}
        return Answers(question.rows, TRUTH[question.rows], beliefs=beliefs)

    assert [*YesNo(soft)(seen()).beliefs] == [0]


def test_what_an_answer_tells_is_its_entropy() -> None:
    def h(p: float) -> float:
        return -p * log2(p) - (1 - p) * log2(1 - p)

    noted = YesNo(TrueLabels(TRUTH))(seen()).notes["yes_no"]
    assert noted["gain"] == pytest.approx((2 * h(0.4) + h(0.7) + h(0.25)) / 4, abs=1e-6)
    assert noted["price"] == 1 / 3
    (two,) = TopK(TrueLabels(TRUTH), k=2)(seen([3])).notes.values()
    assert two["gain"] == pytest.approx(1.5, abs=1e-6)
    assert two["full_gain"] == pytest.approx(2.0, abs=1e-6)
    (less,) = TopK(TrueLabels(TRUTH), k=1)(seen([3], left(_3=(0, 1))[3:])).notes.values()
    assert less["gain"] == less["full_gain"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ({"strategy": CheatingOracle()}, "CheatingOracle chooses by what labels lead to"),
        ({"oracle": ByModel(TrueLabels(TRUTH))}, "ByModel cannot: leave it out, or let people"),
        ({"oracle": Priced(ByModel(TrueLabels(TRUTH)), 1.0)}, "ByModel cannot"),
    ],
)
def test_whoever_does_not_go_with_it_is_refused(parts: dict[str, Any], match: str) -> None:
    with pytest.raises(UserError, match=match):
        YesNo(**{"oracle": TrueLabels(TRUTH), **parts})


@pytest.mark.parametrize("options", [{"k": 0}, {"price": -1.0}, {"price": float("nan")}])
def test_an_option_out_of_range_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        TopK(TrueLabels(TRUTH), **options)
