import pytest
import torch

from autoal import TrueLabels
from autoal.errors import UserError
from tests.oracles.made import pairs, question_of, whole


def test_true_labels_answer_in_the_order_of_the_questions() -> None:
    answers = TrueLabels(torch.tensor([0, 2, 1, 2]))(question_of([2, 0, 3]))
    assert answers.rows.tolist() == [2, 0, 3]
    assert answers.labels.tolist() == [1, 0, 2]
    assert answers.costs.tolist() == [1, 1, 1]
    assert answers.by == "truth"


def test_true_labels_are_never_wrong() -> None:
    answers = TrueLabels(torch.tensor([0, 2, 1, 2]))(question_of([2, 0, 3]))
    assert answers.truth is not None
    assert answers.truth.tolist() == [1, 0, 2]
    assert answers.wrong == 0


def test_no_question_gets_no_answer() -> None:
    question = question_of([1]).of(whole([]))
    answers = TrueLabels(torch.tensor([0, 2]))(question)
    assert answers.labels.tolist() == []
    assert answers.wrong == 0


def test_a_row_whose_label_nobody_knows_is_declined() -> None:
    answers = TrueLabels(torch.tensor([0, -1, 1, -1]))(question_of([3, 2, 1, 0]))
    assert pairs(answers) == {2: 1, 0: 0}
    assert answers.wrong == 0


def test_a_row_that_was_made_has_no_true_label() -> None:
    with pytest.raises(UserError, match="row 5 has no true label: it was made"):
        TrueLabels(torch.tensor([0, 2, 1]))(question_of([1, 5, 7]))
