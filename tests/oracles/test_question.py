from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from autoal import Answers, Question
from autoal.errors import UserError
from autoal.oracles.question import answered, in_order
from tests.oracles.made import pairs, question_of, whole

QUESTION = question_of([30, 10, 20])


def test_a_question_about_some_of_the_rows_has_all_that_goes_with_them() -> None:
    shown = torch.arange(3, dtype=torch.uint8).view(3, 1, 1, 1)
    whole_one = question_of(
        [30, 10, 20],
        shown=shown,
        names=["a", "b", "c"],
        suggested=torch.tensor([2, 0, 1]),
        person=4,
    )
    part = whole_one.of(torch.tensor([2, 0]))
    assert part.rows.tolist() == [20, 30]
    assert isinstance(part.shown, Tensor)
    assert part.shown.flatten().tolist() == [2, 0]
    assert part.names == ["c", "a"]
    assert part.suggested is not None
    assert part.suggested.tolist() == [1, 2]
    assert (part.number, part.classes, part.person) == (1, ("red", "green", "blue"), 4)
    texts = question_of([30, 10, 20], shown=["x", "y", "z"]).of(torch.tensor([1]))
    assert (texts.shown, texts.names, texts.suggested) == (["y"], None, None)


@pytest.mark.parametrize(
    "given",
    [
        [1, 0, 2],
        (1, 0, 2),
        ["green", "red", "blue"],
        ["green", 0, 2.0],
        [True, False, 2],
        np.array([1, 0, 2]),
        np.array([1.0, 0.0, 2.0]),
        np.array(["green", "red", "blue"]),
        np.array([1, 0, 2], dtype=np.uint8),
        torch.tensor([1, 0, 2]),
        torch.tensor([1.0, 0.0, 2.0]),
        torch.tensor([[1], [0], [2]]),
        [torch.tensor(1), torch.tensor(0), torch.tensor(2)],
        [np.int64(1), np.float32(0), np.str_("blue")],
    ],
)
def test_answers_come_in_whatever_form_in_the_order_of_the_question(given: Any) -> None:
    answers = Answers.of(QUESTION, given)
    assert pairs(answers) == {30: 1, 10: 0, 20: 2}
    assert answers.rows.tolist() == [30, 10, 20]
    assert (answers.labels.dtype, answers.rows.dtype) == (torch.long, torch.long)
    assert (answers.by, answers.cost, answers.truth, answers.wrong) == ("", None, None, None)
    assert answers.costs.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "given",
    [
        [1, -1, 2],
        [1, None, 2],
        [1, float("nan"), 2],
        ["green", None, "blue"],
        ["green", np.nan, "blue"],
        np.array([1, np.nan, 2]),
        np.array(["green", None, "blue"], dtype=object),
        torch.tensor([1, -1, 2]),
        torch.tensor([1.0, float("nan"), 2.0]),
    ],
)
def test_a_row_is_declined_in_whatever_form(given: Any) -> None:
    assert pairs(Answers.of(QUESTION, given)) == {30: 1, 20: 2}


@pytest.mark.parametrize("given", [[-1, -1, -1], [None] * 3, np.full(3, np.nan)])
def test_all_rows_can_be_declined(given: Any) -> None:
    answers = Answers.of(QUESTION, given)
    assert (len(answers.rows), len(answers.labels), len(answers.costs)) == (0, 0, 0)
    assert answers.labels.dtype == torch.long


def test_answers_that_are_some_already_keep_what_they_say() -> None:
    answers = Answers.of(QUESTION, Answers(whole([10]), whole([1]), "somebody"))
    assert (pairs(answers), answers.by) == ({10: 1}, "somebody")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1, 2], "2 answers to 3 questions: give one for each row, -1 or None to decline it"),
        ([1, 2, 0, 1], "4 answers to 3 questions"),
        ([], "0 answers to 3 questions"),
        (1, "no list of answers to 3 questions"),
        (np.array(1), "no list of answers to 3 questions"),
        (None, "no list of answers to 3 questions"),
        ("red", "no list of answers to 3 questions"),
        ([1, 2, 3], "3 is not a class: they go from 0 to 2"),
        ([1, 2, -2], "-2 is not a class: they go from 0 to 2"),
        ([1, 2, 0.5], r"0\.5 is not a class"),
        ([1, 2, float("inf")], "inf is not a class"),
        ([[1, 0], [2], [0]], "several labels a row are not supported"),
        (np.zeros((3, 2)), "several labels a row are not supported"),
        (["red", "green", "yellow"], "'yellow' is not one of the classes red, green, blue"),
        (["red", "green", "1"], "'1' is not one of the classes red, green, blue"),
        ([1, 2, {}], "{} is not a class"),
    ],
)
def test_what_cannot_be_answers_is_refused(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Answers.of(QUESTION, given)


def full() -> Answers:
    return Answers(
        whole([20, 30, 10]),
        whole([2, 1, 0]),
        "somebody",
        torch.tensor([0.2, 0.3, 0.1]),
        whole([2, 2, 0]),
    )


@pytest.mark.parametrize("places", [torch.tensor([2, 0]), torch.tensor([True, False, True])])
def test_some_of_the_answers_keep_all_that_goes_with_them(places: Tensor) -> None:
    some = full().take(places)
    assert pairs(some) == {20: 2, 10: 0}
    assert some.cost is not None
    assert dict(zip(some.rows.tolist(), some.cost.tolist(), strict=True)) == pytest.approx(
        {20: 0.2, 10: 0.1}
    )
    assert some.truth is not None
    assert some.truth.tolist() == some.labels.tolist()
    assert some.by == "somebody"


def test_wrong_answers_are_counted_where_the_truth_is_known() -> None:
    assert full().wrong == 1
    assert Answers(whole([1]), whole([0])).wrong is None


def test_answers_are_put_in_the_order_of_the_question_with_all_that_goes_with_them() -> None:
    ordered = in_order(QUESTION, full())
    assert ordered.rows.tolist() == [30, 10, 20]
    assert ordered.labels.tolist() == [1, 0, 2]
    assert ordered.costs.tolist() == pytest.approx([0.3, 0.1, 0.2])
    assert ordered.truth is not None
    assert ordered.truth.tolist() == [2, 0, 2]
    part = in_order(QUESTION, full().take(torch.tensor([0, 2])))
    assert part.rows.tolist() == [10, 20]
    assert len(in_order(QUESTION, Answers(whole([]), whole([]))).rows) == 0


def test_labels_of_any_type_become_whole_numbers() -> None:
    for labels in (torch.tensor([1.0, 0.0, 2.0]), torch.tensor([1, 0, 2], dtype=torch.uint8)):
        ordered = in_order(QUESTION, Answers(QUESTION.rows, labels))
        assert ordered.labels.dtype == torch.long
        assert ordered.labels.tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        ([30, 11], [0, 0], "answered for row 11, which nobody had asked"),
        ([30, 30], [0, 0], "answered twice for a row"),
        ([30], [3], "answered 3; classes go from 0 to 2"),
        ([30], [-1], "answered -1; classes go from 0 to 2"),
    ],
)
def test_what_is_no_answer_to_the_question_is_refused(
    rows: list[int], labels: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        in_order(QUESTION, Answers(whole(rows), whole(labels)))


@pytest.mark.parametrize(
    ("rows", "labels", "others", "message"),
    [
        ([30, 10], [0], {}, r"labels of the shape \(1,\) for 2 rows"),
        ([30], [[0]], {}, r"labels of answers must be .* one for each, got the shape \(1, 1\)"),
        (torch.tensor(30), torch.tensor(0), {}, r"one for each, got the shape \(\)"),
        ([30], [0.5], {}, r"labels of answers must be whole numbers, one for each, got 0\.5"),
        ([30], [torch.nan], {}, "one for each, got nan"),
        ([30], ["red"], {}, "the labels of answers must be numbers, got <U3$"),
        ([30], [0], {"cost": [1.0, 2.0]}, r"cost of the shape \(2,\) for 1 rows"),
        ([30], [0], {"cost": 1.0}, r"cost of the shape \(\) for 1 rows"),
        ([30], [0], {"cost": [torch.nan]}, "must be a finite number of at least 0"),
        ([30], [0], {"cost": [-1.0]}, "must be a finite number of at least 0"),
        ([30], [0], {"truth": [0, 1]}, r"truth of the shape \(2,\) for 1 rows"),
    ],
)
def test_answers_that_do_not_go_together_are_refused(
    rows: Any, labels: Any, others: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        Answers(rows, labels, **others)


def test_answers_are_given_as_arrays_or_lists_too() -> None:
    given: Any = ([30, 10], np.array([1.0, 0.0]), "somebody", np.array([2, 3]), [1, 1])
    answers = Answers(*given)
    assert (answers.rows.dtype, answers.labels.dtype) == (torch.long, torch.long)
    assert (answers.costs.tolist(), answers.wrong) == ([2.0, 3.0], 1)
    nothing: Any = ([], [])
    assert in_order(QUESTION, Answers(*nothing)).labels.dtype == torch.long


def test_an_oracle_is_whatever_answers_questions() -> None:
    def first(question: Question) -> Answers:
        return Answers.of(question, [0] * len(question.rows))

    assert pairs(answered(first, QUESTION)) == {30: 0, 10: 0, 20: 0}
    assert pairs(answered(lambda question: ["red", None, 1], QUESTION)) == {30: 0, 20: 1}
    assert answered(lambda question: full(), QUESTION).rows.tolist() == [30, 10, 20]
