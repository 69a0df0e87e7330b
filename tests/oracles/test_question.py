import torch

from autoal import TrueLabels


def test_true_labels_answer_in_the_order_of_the_questions() -> None:
    oracle = TrueLabels(torch.tensor([7, 5, 9, 5]))
    assert oracle(torch.tensor([2, 0, 3])).tolist() == [9, 7, 5]


def test_no_question_gets_no_answer() -> None:
    oracle = TrueLabels(torch.tensor([7, 5]))
    assert oracle(torch.empty(0, dtype=torch.long)).tolist() == []


def test_wrong_labels_are_counted() -> None:
    oracle = TrueLabels(torch.tensor([7, 5, 9, 5]))
    assert oracle.wrong(torch.tensor([2, 0, 3]), torch.tensor([9, 5, 7])) == 2
    assert oracle.wrong(torch.tensor([2, 0, 3]), torch.tensor([9, 7, 5])) == 0
